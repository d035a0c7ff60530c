"""A model's files as a folder that an engine can open, kept in the home's cache.

Large files are hard links to the hub's own, where they lie whole; what lies in Xet blocks is
put together once. The folder is whole or absent, and named by the commit.
"""

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from llmos.hub.git.tree import Entry
from llmos.hub.lfs.content import content
from llmos.hub.snapshots import files_of, open_entry
from llmos.kit.config import current
from llmos.kit.files import sync_folder
from llmos.kit.home import home_from_environment
from llmos.lab.engines.folders import preferred_gguf
from llmos.serving.config import ServingSettings
from llmos.serving.queries import Servable

_NEEDED = (".json", ".safetensors", ".gguf", ".model", ".spm", ".txt", ".jinja")
_COPIED_AT_ONCE = 2**22  # bytes
_LONGEST_CONVERSION = 86_400.0  # seconds


def cache_folder() -> Path:
    return home_from_environment().root / "cache" / "engines"


def needed_entries(model: Servable) -> list[Entry]:
    """The files that an engine reads: of several quantisations only the one it takes."""
    found = [
        entry
        for entry in files_of(model.repository_id, model.sha)
        if entry.path.endswith(_NEEDED) and entry.path.count("/") <= 1
    ]
    ggufs = [entry.path for entry in found if entry.path.endswith(".gguf")]
    if not ggufs:
        return found
    as_gguf = not any(
        entry.path.endswith(".safetensors") and "/" not in entry.path for entry in found
    )
    chosen = preferred_gguf(ggufs) if as_gguf else ""
    return [entry for entry in found if not entry.path.endswith(".gguf") or entry.path == chosen]


def put_out(model: Servable) -> Path:
    """The folder with the model's files. Blocking; Raises OSError when bytes are missing."""
    target = cache_folder() / f"files-{model.key}"
    if target.is_dir():
        os.utime(target)
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{uuid4().hex}.tmp")
    try:
        for entry in needed_entries(model):
            _put(model.repository_id, entry, temporary / entry.path)
        sync_folder(temporary)
        with suppress(OSError):  # another was faster
            temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return target


def tidy() -> None:
    """Let the longest unused folders go until the cache is within its bound."""
    limit = current(ServingSettings).cache_gb * 2**30
    folders = [path for path in cache_folder().glob("*") if path.is_dir()]
    for path in [one for one in folders if one.suffix == ".tmp" and _is_left_over(one)]:
        folders.remove(path)
        shutil.rmtree(path, ignore_errors=True)
    sizes = {
        path: sum(f.stat().st_size for f in path.rglob("*") if f.is_file()) for path in folders
    }
    total = sum(sizes.values())
    for path in sorted(folders, key=lambda one: one.stat().st_mtime):
        if total <= limit:
            return
        total -= sizes[path]
        shutil.rmtree(path, ignore_errors=True)


def forget(repository_id: int) -> None:
    """Let go what lies here of a model that was deleted."""
    for path in cache_folder().glob(f"files-{repository_id}-*"):
        shutil.rmtree(path, ignore_errors=True)


def _is_left_over(path: Path) -> bool:
    """Whether whoever was filling it was killed: no conversion takes so long."""
    with suppress(OSError):
        return time.time() - path.stat().st_mtime > _LONGEST_CONVERSION
    return True


def _put(repository_id: int, entry: Entry, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    if entry.pointer is not None:
        whole = content(entry.pointer.sha256).path
        if whole is not None:
            with suppress(OSError):  # the cache may lie on another disk
                os.link(whole, place)
                return
    with open_entry(repository_id, entry) as source, place.open("xb") as file:
        shutil.copyfileobj(source, file, _COPIED_AT_ONCE)
        file.flush()
        os.fsync(file.fileno())
