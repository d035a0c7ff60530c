"""`llmos evaluate` and `llmos receipt`, by what they print and how they end."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
from tests.lab.tiny_models import TEXTS, tiny_translator, tiny_writer

from llmos.cli.main import main
from llmos.wire.receipts import check_samples, key_id, merkle_root, sign, statement


def llmos(*arguments: str | Path, stdin: str = "", cache: Path | None = None) -> Any:
    return subprocess.run(
        [sys.executable, "-m", "llmos.cli.main", *map(str, arguments)],
        input=stdin,
        env={**os.environ, **({"XDG_CACHE_HOME": str(cache)} if cache else {})},
        capture_output=True,
        text=True,
        timeout=120,
    )


def inside(*arguments: str | Path) -> Result:
    """The same within this process, which spares loading torch again."""
    return CliRunner().invoke(main, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("measuring")
    tiny_translator(folder / "translator")
    tiny_writer(folder / "writer")
    rows = [{"en": text, "de": text.upper()} for text in TEXTS[:6]]
    (folder / "data").mkdir()
    (folder / "data" / "test.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    (folder / "data" / "eval.yaml").write_text(
        "name: Captions\nversion: 1\ntask: translation\ncolumns: {source: en, target: de}\n"
        "metrics: [chrf, sacrebleu]\ndecoding: {beam: 2, max_new: 8}\n"
    )
    return folder


def test_a_score_comes_with_its_interval_signature_and_cost(place: Path) -> None:
    wish = ["--source", "en", "--target", "de", "--set", "decoding.max_new=8"]
    done = llmos(
        "evaluate", place / "translator", "--data", place / "data", *wish, cache=place / "cache"
    )
    assert done.returncode == 0, done.stderr
    assert "tok:13a" in done.stdout
    assert "6 questions of 'test'; ctranslate2, float32" in done.stdout
    assert "CPU-seconds" in done.stdout
    assert "it/s" not in done.stderr  # bars are for terminals


def test_json_is_one_object_whose_root_covers_the_samples(place: Path, tmp_path: Path) -> None:
    options = ["--benchmark", place / "data", "--samples", tmp_path / "s.jsonl", "--json"]
    done = llmos("evaluate", place / "translator", *options, cache=place / "cache")
    found = json.loads(done.stdout)
    assert [one["name"] for one in found["metrics"]] == ["chrf", "sacrebleu"]
    assert found["decoding"]["beam"] == 2
    assert found["cost"]["cpu_seconds"] > 0
    check_samples({"predicate": found}, (tmp_path / "s.jsonl").read_bytes())


def test_perplexity_needs_no_task_and_a_part_of_a_benchmark_is_told(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(place / "cache"))
    wish = ["--metric", "perplexity", "--target", "en", "--limit", "3"]
    done = inside("evaluate", place / "writer", "--data", place / "data", *wish)
    assert "perplexity" in done.output
    assert "unit:byte" in done.output
    assert "3 questions" in done.output
    part = ["--benchmark", place / "data", "--limit", "2"]
    done = inside("evaluate", place / "translator", *part)
    assert "no result of the benchmark" in done.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere", "--data", "data"], "There is no model nowhere"),
        (["translator"], "Give --data or --benchmark"),
        (
            ["translator", "--data", "data", "--source=en", "--target=de", "--metric", "bleu"],
            "no metric 'bleu'",
        ),
        (["translator", "--data", "data"], "wants columns.source"),
        (["translator", "--benchmark", "data", "--metric", "chrf"], "would change the benchmark"),
        (
            ["writer", "--data", "data", "--source", "en", "--target", "nl"],
            "no column 'nl'; it has en, de",
        ),
        (
            ["translator", "--data", "data", "--metric", "perplexity", "--target", "en"],
            "cannot be measured at language-modelling",
        ),
    ],
)
def test_what_cannot_be_measured_ends_with_one_sentence(
    place: Path, arguments: list[str], words: str
) -> None:
    named = [str(place / one) if (place / one).exists() else one for one in arguments]
    done = inside("evaluate", *named)
    assert done.exit_code != 0
    assert words in done.output
    assert isinstance(done.exception, SystemExit)


KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
SAMPLES = b"".join(b'{"index":%d,"output":"x"}\n' % number for number in range(5))


def said() -> dict[str, Any]:
    predicate = {
        "model": {"repo": "ada/m", "commit": "1" * 40},
        "data": {"repo": "ada/d", "commit": "2" * 40, "split": "test"},
        "metrics": [{"name": "chrf", "value": 31.8, "low": 30.0, "high": 33.0, "signature": "s"}],
        "samples": {"count": 5, "merkle_root": merkle_root(SAMPLES.split(b"\n")[:-1])},
    }
    return statement([{"name": "ada/m", "digest": {"gitCommit": "1" * 40}}], predicate)


@pytest.fixture
def receipt(tmp_path: Path) -> Path:
    path = tmp_path / "receipt.json"
    path.write_bytes(sign(said(), KEY))
    (tmp_path / "samples.jsonl").write_bytes(SAMPLES)
    return path


def test_a_receipt_is_verified_with_a_key_and_its_samples(receipt: Path, tmp_path: Path) -> None:
    samples = ["--samples", tmp_path / "samples.jsonl"]
    done = inside("receipt", "verify", receipt, "--key", PUBLIC.hex(), *samples)
    assert done.exit_code == 0, done.output
    assert f"holds: made by the key {key_id(PUBLIC)}" in done.stdout
    assert "5 outputs are those" in done.stdout
    assert "31.80 [30.00, 33.00]" in done.stdout


def test_keys_are_read_as_hex_as_pem_and_as_hubs_list_them(receipt: Path, tmp_path: Path) -> None:
    pem = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    listed = {"keys": [{"keyval": {"public": "00" * 32}}, {"keyval": {"public": PUBLIC.hex()}}]}
    for name, content in {"k.pem": pem, "k.json": json.dumps(listed).encode()}.items():
        (tmp_path / name).write_bytes(content)
        done = inside("receipt", "verify", receipt, "--key", tmp_path / name)
        assert done.exit_code == 0, done.output
        assert "samples     not checked" in done.stdout
    done = inside("receipt", "verify", receipt, "--key", "abc")
    assert done.exit_code == 1
    assert "is no key" in done.output


def test_without_a_key_nothing_is_believed(receipt: Path) -> None:
    done = llmos("receipt", "verify", receipt)
    assert done.returncode == 1
    assert "NOT CHECKED" in done.stdout
    shown = llmos("receipt", "show", receipt)
    assert shown.returncode == 0
    assert "not checked" in shown.stdout
    whole = llmos("receipt", "show", "-", "--json", stdin=receipt.read_text())
    assert json.loads(whole.stdout) == said()


def _changed(envelope: bytes) -> dict[str, bytes]:
    """The receipt with one thing changed, by what was changed."""
    found: dict[str, bytes] = {}
    for path in _paths(said()):
        content = json.loads(json.dumps(said()))
        inner = content
        for step in path[:-1]:
            inner = inner[step]
        old = inner[path[-1]]
        inner[path[-1]] = f"{old}x" if isinstance(old, str) else old + 1
        other = json.loads(envelope)
        other["payload"] = base64.b64encode(json.dumps(content).encode()).decode()
        found[".".join(map(str, path))] = json.dumps(other).encode()
    for name in ("keyid", "sig"):
        other = json.loads(envelope)
        text = other["signatures"][0][name]
        other["signatures"][0][name] = ("a" if text[0] != "a" else "b") + text[1:]
        found[name] = json.dumps(other).encode()
    found["cut"] = envelope[:-40]
    return found


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [one for key, inner in value.items() for one in _paths(inner, (*path, key))]
    if isinstance(value, list):
        return [one for at, inner in enumerate(value) for one in _paths(inner, (*path, at))]
    return [path]


def test_a_change_in_any_field_is_caught(receipt: Path, tmp_path: Path) -> None:
    changed = _changed(receipt.read_bytes())
    assert {"predicate.metrics.0.value", "predicate.samples.merkle_root", "sig"} <= set(changed)
    for what, envelope in changed.items():
        path = tmp_path / "changed.json"
        path.write_bytes(envelope)
        done = inside("receipt", "verify", path, "--key", PUBLIC.hex())
        assert done.exit_code == 1, f"{what}: {done.output}"
        assert "FAILED" in done.output


def test_a_change_in_any_byte_of_any_sample_is_caught(receipt: Path, tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    wish = ["receipt", "verify", receipt, "--key", PUBLIC.hex(), "--samples", path]
    others = [SAMPLES[:at] + bytes([SAMPLES[at] ^ 7]) + SAMPLES[at + 1 :] for at in range(60)]
    others += [SAMPLES[:-1], SAMPLES + b"\n", SAMPLES.replace(b"\n", b"\r"), b"", SAMPLES * 2]
    for other in others:
        path.write_bytes(other)
        done = inside(*wish)
        assert done.exit_code == 1, done.output
        assert "FAILED" in done.output


def test_a_public_tool_verifies_the_same_receipt(receipt: Path) -> None:
    key = SSlibKey(key_id(PUBLIC), "ed25519", "ed25519", {"public": PUBLIC.hex()})
    envelope = Envelope.from_dict(
        {
            **(content := json.loads(receipt.read_bytes())),
            "signatures": [
                {"keyid": one["keyid"], "sig": one["sig"]} for one in content["signatures"]
            ],
        }
    )
    assert list(envelope.verify([key], 1)) == [key.keyid]
    envelope.payload = envelope.payload.replace(b"31.8", b"41.8")
    with pytest.raises(Exception, match="signature"):
        envelope.verify([key], 1)
