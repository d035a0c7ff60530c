"""The hub's signing key: made when first needed, kept in the home, readable by its owner alone.

A key that was replaced stays known: what it signed stays true.
"""

import os
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from llmos.kit.errors import Broken
from llmos.kit.files import sync_folder, written_whole
from llmos.kit.home import home_from_environment
from llmos.kit.time import iso, now
from llmos.wire.receipts import key_id

_PRIVATE = "signing.key"
_LENGTH = 32  # bytes of either half of an Ed25519 key


def signing_key() -> Ed25519PrivateKey:
    """The present key; whoever asks first makes it, and all get the same. Raises Broken."""
    path = _folder() / _PRIVATE
    while True:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            _put(path, Ed25519PrivateKey.generate(), replace=False)
            continue
        if len(content) != _LENGTH:
            raise Broken(f"{path} is no signing key: restore it from a backup")
        return Ed25519PrivateKey.from_private_bytes(content)


def public_keys() -> list[bytes]:
    """The present key first, then those before it, latest first; 32 bytes each."""
    present = signing_key().public_key().public_bytes_raw()
    retired = [one.read_bytes() for one in sorted(_folder().glob("retired-*.pub"), reverse=True)]
    # A rotation that was killed half-way has noted a key as retired which still signs.
    return list(dict.fromkeys([present, *retired]))


def rotate() -> None:
    """Sign with a new key from now on. The old public half is noted before the new key stands."""
    old = signing_key().public_key().public_bytes_raw()
    stamp = iso(now()).replace(":", "").replace(".", "")
    with written_whole(_folder() / f"retired-{stamp}-{key_id(old)[:8]}.pub") as file:
        file.write(old)
    _put(_folder() / _PRIVATE, Ed25519PrivateKey.generate(), replace=True)


def _put(path: Path, key: Ed25519PrivateKey, *, replace: bool) -> None:
    """Whole or absent, for its owner's eyes alone; without `replace` the first one stays."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.private_bytes_raw())
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(temporary, path)
        else:
            with suppress(FileExistsError):  # another process was first
                os.link(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


def _folder() -> Path:
    return home_from_environment().keys
