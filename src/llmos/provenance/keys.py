"""The hub's signing key: made when first needed, kept in the home, readable by its owner alone.

A key that was replaced stays known: what it signed stays true.
"""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from llmos.kit.files import sync_folder
from llmos.kit.home import home_from_environment


def signing_key() -> Ed25519PrivateKey:
    """The present key; two processes that ask at once get the same."""
    path = _folder() / "signing.key"
    while True:
        try:
            return Ed25519PrivateKey.from_private_bytes(path.read_bytes())
        except FileNotFoundError:
            _make(path)


def public_keys() -> list[bytes]:
    """The present key first, then those before it; 32 bytes each."""
    retired = sorted(_folder().glob("retired-*.pub"), reverse=True)
    return [signing_key().public_key().public_bytes_raw(), *(one.read_bytes() for one in retired)]


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(Ed25519PrivateKey.generate().private_bytes_raw())
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)  # fails where another process was first
    except FileExistsError:
        pass
    finally:
        temporary.unlink()
    sync_folder(path.parent)


def _folder() -> Path:
    return home_from_environment().root / "keys"
