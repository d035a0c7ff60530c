"""Bare repositories on disk: where they lie, how they come to be, how they are opened.

One folder per repository id, so a rename or a move of a repository touches no file.
"""

import os
import shutil
import subprocess
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache, lru_cache
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

import pygit2
from pygit2.enums import FileMode, ObjectType

from llmos.hub.git.config import GitSettings
from llmos.kit.config import current
from llmos.kit.files import sync_folder
from llmos.kit.home import HOME_VARIABLE, home_from_environment

MAIN = "refs/heads/main"
STAGING = "refs/staging/"  # commits in the making; never shown, never fetched
NO_REPLY = "users.noreply.llmos"

# Per thread; each holds a few descriptors and mapped packs.
OPEN_AT_ONCE = 24

_LARGE_FILES = (
    "7z arrow bin bin.* bz2 ckpt ftz gz h5 joblib lfs.* mlmodel model msgpack npy npz onnx ot "
    "parquet pb pickle pkl pt pth rar safetensors tar tar.* tflite tgz wasm xz zip zst gguf"
)
_PATTERNS = [
    *(f"*.{ending}" for ending in _LARGE_FILES.split()),
    "saved_model/**/*",
    "*tfevents*",
]
GIT_ATTRIBUTES = "".join(f"{p} filter=lfs diff=lfs merge=lfs -text\n" for p in _PATTERNS)

_WRITE_TRIES = 5
_open = threading.local()
T = TypeVar("T")


def path_of(repository_id: int) -> Path:
    return _path_in(os.environ.get(HOME_VARIABLE), repository_id)


@lru_cache(maxsize=20_000)
def _path_in(home: str | None, repository_id: int) -> Path:
    return home_from_environment().git / f"{repository_id % 256:02x}" / f"{repository_id}.git"


def written(write: Callable[[], T]) -> T:
    """Write an object, again if need be: packing removes empty object folders, sometimes just
    between libgit2's making one and its renaming the object into it.
    """
    for _ in range(_WRITE_TRIES):
        try:
            return write()
        except OSError as error:
            if "rename lockfile" not in str(error):
                raise
    return write()


def signature(name: str, email: str = "") -> pygit2.Signature:
    """An author as git writes one, now; characters that git forbids are dropped."""
    plain = "".join(c for c in name if c not in "<>\n\0") or "unknown"
    return pygit2.Signature(plain, email or f"{plain}@{NO_REPLY}", encoding="utf-8")


def create(repository_id: int, *, author: str) -> str:
    """Make a repository with its first commit, a `.gitattributes`; returns that commit's id.

    Whole or absent. A folder left by a creation whose row was never kept is replaced.
    """
    _prepare_library()
    target = path_of(repository_id)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".new-{uuid4().hex}")
    try:
        repository = pygit2.init_repository(str(temporary), bare=True, initial_head="main")
        sha = _first_commit(repository, author)
        repository.free()
        remove(repository_id)
        os.replace(temporary, target)
        sync_folder(target.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return sha


def remove(repository_id: int) -> None:
    """Take a repository away at once; its bytes follow."""
    target = path_of(repository_id)
    trash = target.with_name(f".gone-{uuid4().hex}")
    with suppress(FileNotFoundError):
        os.replace(target, trash)
        shutil.rmtree(trash, ignore_errors=True)


def open_repository(repository_id: int) -> pygit2.Repository:
    """This thread's handle on a repository. Raises FileNotFoundError."""
    opened: OrderedDict[Path, pygit2.Repository] | None = getattr(_open, "repositories", None)
    if opened is None:
        _prepare_library()
        opened = _open.repositories = OrderedDict()
    path = path_of(repository_id)
    found = opened.get(path)
    if found is None:
        found = opened[path] = _opened(path)
        if len(opened) > OPEN_AT_ONCE:
            opened.popitem(last=False)
    else:
        opened.move_to_end(path)
    return found


def run_git(
    repository_id: int,
    arguments: Sequence[str],
    *,
    stdin: bytes = b"",
    seconds: float = 60,
    extra: dict[str, str] | None = None,
) -> bytes:
    """Run git to its end and return its output.

    Raises subprocess.CalledProcessError or TimeoutExpired.
    """
    return subprocess.run(
        ["git", *arguments],
        cwd=path_of(repository_id),
        env={**git_environment(), **(extra or {})},
        input=stdin,
        capture_output=True,
        timeout=seconds,
        check=True,
    ).stdout


def git_environment(**settings: str) -> dict[str, str]:
    """The whole environment of a git process: ours alone, nothing of this machine's.

    Settings travel here and not in each repository's file, so that a repository made by an
    older release follows today's rules. Keywords add settings, `__` standing for a dot.
    """
    rules = {
        "safe.directory": "*",  # a home may be a volume that belongs to another user id
        "core.fsync": "all",
        "gc.auto": "0",
        "maintenance.auto": "false",
        "receive.autogc": "false",
        "receive.fsckObjects": "true",
        # old histories carry these, and they harm nobody
        "receive.fsck.missingSpaceBeforeDate": "warn",
        "receive.fsck.badTimezone": "warn",
        "receive.fsck.zeroPaddedFilemode": "warn",
        "receive.maxInputSize": str(current(GitSettings).largest_push),
        "receive.denyDeleteCurrent": "refuse",
        "uploadpack.allowFilter": "true",
        "uploadpack.allowAnySHA1InWant": "true",
        "transfer.hideRefs": STAGING.rstrip("/"),
        "transfer.unpackLimit": "100",
        "fastimport.unpackLimit": "0",
        "pack.threads": "2",
        "pack.windowMemory": "64m",
        "advice.objectNameWarning": "false",
        **{name.replace("__", "."): value for name, value in settings.items()},
    }
    found = {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home_from_environment().run),
        "LC_ALL": "C.UTF-8",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_DIR": ".",
        "GIT_CONFIG_COUNT": str(len(rules)),
    }
    for number, (name, value) in enumerate(rules.items()):
        found[f"GIT_CONFIG_KEY_{number}"] = name
        found[f"GIT_CONFIG_VALUE_{number}"] = value
    return found


def _first_commit(repository: pygit2.Repository, author: str) -> str:
    blob = repository.create_blob(GIT_ATTRIBUTES.encode())
    builder = repository.TreeBuilder()
    builder.insert(".gitattributes", blob, FileMode.BLOB)
    who = signature(author)
    return str(repository.create_commit(MAIN, who, who, "initial commit", builder.write(), []))


def _opened(path: Path) -> pygit2.Repository:
    try:
        return pygit2.Repository(str(path), pygit2.enums.RepositoryOpenFlag.NO_SEARCH)
    except pygit2.GitError as error:
        if path.is_dir():
            raise
        raise FileNotFoundError(path) from error


@cache
def _prepare_library() -> None:
    settings = pygit2.settings
    settings.owner_validation = False  # as `safe.directory` above
    settings.enable_fsync_gitdir(True)
    # libgit2 keeps up to 256 MB of objects and no large tree; ours are mostly large trees.
    settings.cache_max_size(24 * 2**20)
    settings.cache_object_limit(ObjectType.TREE, 2**20)
    settings.mwindow_file_limit = 256
