"""Where converted models are kept: one folder a content and format, whole or absent.

A model is known by what its files contain, so the same weights under another name, in a
repository's snapshot or in a working folder, are converted once.
"""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from blake3 import blake3

# What conversions read; READMEs and pictures change nothing.
_READ = (".json", ".safetensors", ".model", ".spm", ".txt", ".gguf", ".jinja")
_VERSION = "1"  # of our converters: a new number converts again


def default_cache() -> Path:
    """The cache of whoever works without a server."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "llmos" / "engines"


def content_key(folder: Path) -> str:
    """A name for what the folder's model files contain."""
    digest = blake3(_VERSION.encode())
    for path in sorted(folder.iterdir()):
        if path.suffix in _READ and path.is_file():
            digest.update(f"\0{path.name}\0".encode())
            digest.update(blake3(max_threads=blake3.AUTO).update_mmap(path).digest())
    return str(digest.hexdigest()[:32])


def converted(
    folder: Path, form: str, make: Callable[[Path], None], *, cache: Path | None = None
) -> Path:
    """The folder's model in another form: `make` writes it into an empty folder, once.

    Two who make the same at once both do the work, and the first to finish is kept.
    """
    target = (cache or default_cache()) / f"{content_key(folder)}-{form}"
    if target.is_dir():
        with suppress(OSError):
            os.utime(target)  # when it was last of use, for whoever tidies the cache
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid4().hex}.tmp")
    temporary.mkdir()
    try:
        make(temporary)
        _sync(temporary)
        with suppress(OSError):  # another was faster
            temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def _sync(folder: Path) -> None:
    for path in [*folder.iterdir(), folder]:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
