"""`llmos receipt`: read a signed result and check it, with no hub and no network needed.

Nothing here trusts the file: what it says is shown as claimed until a key was given.
"""

import json
import sys
from pathlib import Path
from typing import Any

import click


@click.group()
def receipt() -> None:
    """Signed results."""


@receipt.command("verify")
@click.argument("file", type=click.Path(allow_dash=True, path_type=Path))
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="HEX|FILE|URL",
    help="A public key, a file with keys, or a hub to ask for its keys. May be repeated.",
)
@click.option(
    "--samples", type=click.Path(path_type=Path), help="The outputs, samples.jsonl, to check too."
)
def verify_receipt(*, file: Path, keys: tuple[str, ...], samples: Path | None) -> None:
    """Check who signed FILE (- for standard input), and that nothing in it was changed.

    Exit status: 0 the signature holds, and the samples if they were given; 1 something does not,
    or no key was given.
    """
    from llmos.wire.receipts import BadReceipt, check_samples, read_unverified, verify

    content = _read(file)
    try:
        if keys:
            known = [key for named in keys for key in _keys_of(named)]
            verified = verify(content, known)
            statement = verified.statement
            click.echo(f"signature   holds: made by the key {verified.keyid}")
        else:
            statement = read_unverified(content)
            click.echo("signature   NOT CHECKED: give --key")
        if samples is None:
            click.echo("samples     not checked: give --samples")
        else:
            check_samples(statement, _read(samples))
            said = statement["predicate"]["samples"]
            click.echo(f"samples     {said['count']} outputs are those that the receipt names")
    except BadReceipt as bad:
        click.echo(f"FAILED      {bad}")
        sys.exit(1)
    _show(statement)
    if not keys:
        click.echo("Without a key anybody could have written this.", err=True)
        sys.exit(1)


@receipt.command("show")
@click.argument("file", type=click.Path(allow_dash=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The whole statement as JSON.")
def show(*, file: Path, as_json: bool) -> None:
    """Print what FILE (- for standard input) says. Nothing is checked."""
    from llmos.wire.receipts import BadReceipt, read_unverified

    try:
        statement = read_unverified(_read(file))
    except BadReceipt as bad:
        raise click.ClickException(str(bad)) from bad
    if as_json:
        click.echo(json.dumps(statement, indent=1, ensure_ascii=False, sort_keys=True))
    else:
        click.echo("signature   not checked: see `llmos receipt verify`")
        _show(statement)


def _show(statement: dict[str, Any]) -> None:
    """The words of a statement; of a stranger's every part may be missing."""
    said = statement.get("predicate")
    said = said if isinstance(said, dict) else {}
    for name in ("model", "data", "benchmark"):
        part = said.get(name)
        if isinstance(part, dict):
            words = [str(part[key]) for key in ("name", "version", "split") if part.get(key)]
            where = f"{part.get('repo', '?')}@{part.get('commit', '?')}"
            click.echo(f"{name:<11} {where} {' '.join(words)}".rstrip())
    for score in said.get("metrics") or []:
        if isinstance(score, dict):
            click.echo(f"{score.get('name', '?')!s:<11} {_score(score)}")
    cost = said.get("cost")
    if isinstance(cost, dict) and cost:
        click.echo(f"cost        {cost.get('cpu_seconds')} CPU-seconds")
    for name in ("software_lock", "seed", "run_by", "ended_at"):
        if said.get(name) is not None:
            click.echo(f"{name.replace('_', ' '):<11} {said[name]}")


def _score(score: dict[str, Any]) -> str:
    numbers = [score.get(key) for key in ("value", "low", "high")]
    value, low, high = (f"{one:.2f}" if isinstance(one, int | float) else "?" for one in numbers)
    return f"{value} [{low}, {high}]  {score.get('signature', '')}"


def _keys_of(named: str) -> list[bytes]:
    """Public keys: from hex, from a file (hex, PEM or a hub's JSON), or from a hub.

    Raises click.ClickException.
    """
    if named.startswith(("http://", "https://")):
        return _parsed(_asked(named), named)
    path = Path(named)
    if path.is_file():
        return _parsed(_read(path), named)
    return _parsed(named.encode(), named)


def _parsed(content: bytes, named: str) -> list[bytes]:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    text = content.decode("utf-8", "replace").strip()
    try:
        if text.startswith("-----BEGIN"):
            key = load_pem_public_key(content.strip())
            if not isinstance(key, Ed25519PublicKey):
                raise click.ClickException(f"{named} holds no Ed25519 key")
            return [key.public_bytes_raw()]
        if text.startswith("{"):
            one = json.loads(text)
            listed = one.get("keys", [one])
            found = [bytes.fromhex(one["keyval"]["public"]) for one in listed]
        else:
            found = [bytes.fromhex(word) for word in text.split()]
    except (ValueError, KeyError, TypeError):
        found = []
    if not found or any(len(key) != 32 for key in found):
        raise click.ClickException(
            f"{named[:80]} is no key: give 64 letters of hex, a file of a key, or a hub's address"
        )
    return found


def _asked(hub: str) -> bytes:
    import httpx

    url = hub if hub.endswith(".json") else f"{hub.rstrip('/')}/.well-known/llmos-keys.json"
    try:
        answer = httpx.get(url, timeout=20, follow_redirects=True)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        raise click.ClickException(f"{url} gives no keys: {error}") from error
    return answer.content


def _read(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read()
    try:
        return path.read_bytes()
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}") from error
