"""History: the commits that lead to a revision, and what one commit changed.

Long walks and large differences run in git processes with a time limit; nothing here holds
the interpreter for long.
"""

import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import IO

from django.utils.translation import gettext as _

from llmos.hub.git import tree
from llmos.hub.git.repos import git_environment, path_of, run_git
from llmos.kit.errors import Busy
from llmos.wire.lfs import Pointer

SECONDS = 20
MOST_FILES = 300  # files of one commit that are described
LARGEST_DIFF = 2**20  # bytes of patch text of one commit
_FORMAT = "%H%x00%P%x00%an%x00%ae%x00%at%x00%B%x00"
_FIELDS = 6
# git's name for a tree without entries: what a first commit is compared with.
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@dataclass(frozen=True, slots=True)
class Commit:
    sha: str
    parents: tuple[str, ...]
    author: str
    email: str
    date: datetime
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file of a commit. `patch` is None for binary and large files, and over the bounds."""

    path: str
    old_path: str | None  # when it was renamed
    status: str  # added, deleted, modified, renamed
    added_lines: int
    removed_lines: int
    is_binary: bool
    old_pointer: Pointer | None
    new_pointer: Pointer | None
    patch: str | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What changed between two commits; `more_files` counts those left out."""

    files: list[FileChange]
    more_files: int


def history(
    repository_id: int, sha: str, *, path: str = "", skip: int = 0, limit: int = 50
) -> list[Commit]:
    """Commits that lead to `sha`, newest first; of one path when given. Raises Busy."""
    arguments = ["log", "-z", f"--format={_FORMAT}", f"--skip={skip}", f"--max-count={limit}", sha]
    return _commits(_run(repository_id, [*arguments, "--", *([_literal(path)] if path else [])]))


def commit_at(repository_id: int, sha: str) -> Commit:
    """One commit by its full id."""
    return _commits(_run(repository_id, ["log", "-z", f"--format={_FORMAT}", "-1", sha]))[0]


@lru_cache(maxsize=2000)
def count(repository_id: int, sha: str) -> int:
    """How many commits lead to `sha`, itself included. Raises Busy."""
    return int(_run(repository_id, ["rev-list", "--count", sha]))


def difference(repository_id: int, old: str | None, new: str) -> Difference:
    """What changed from `old` (None: from nothing) to `new`. Raises Busy."""
    base = old or _EMPTY_TREE
    compare = ["diff-tree", "-r", "-M", "--no-color", "--no-ext-diff", "--no-textconv"]
    listed = _run(repository_id, [*compare, "-z", "--raw", "--numstat", base, new])
    raws, counts = _listed(listed)
    patches = _patches(repository_id, [*compare, "-p", base, new])
    files = []
    for number, raw in enumerate(raws[:MOST_FILES]):
        patch = patches[number] if number < len(patches) else None
        files.append(_file_change(repository_id, raw, counts[number], patch))
    return Difference(files, max(len(raws) - MOST_FILES, 0))


def patch_text(repository_id: int, old: str | None, new: str) -> str:
    """The whole difference as text, cut at LARGEST_DIFF bytes."""
    compare = ["diff-tree", "-r", "-M", "-p", "--no-color", "--no-ext-diff", "--no-textconv"]
    return _bounded(repository_id, [*compare, old or _EMPTY_TREE, new]).decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Raw:
    status: str
    old_oid: str
    new_oid: str
    old_path: str
    path: str


_STATUS = {"A": "added", "D": "deleted", "R": "renamed", "C": "added"}


def _file_change(
    repository_id: int, raw: _Raw, counts: tuple[int, int] | None, patch: str | None
) -> FileChange:
    nothing = "0" * 40
    before = None if raw.old_oid == nothing else tree.pointer_of(repository_id, raw.old_oid)
    after = None if raw.new_oid == nothing else tree.pointer_of(repository_id, raw.new_oid)
    large = before is not None or after is not None
    return FileChange(
        path=raw.path,
        old_path=raw.old_path if raw.status == "R" else None,
        status=_STATUS.get(raw.status, "modified"),
        added_lines=0 if counts is None or large else counts[0],
        removed_lines=0 if counts is None or large else counts[1],
        is_binary=counts is None,
        old_pointer=before,
        new_pointer=after,
        patch=None if large or counts is None else patch,
    )


def _listed(text: bytes) -> tuple[list[_Raw], list[tuple[int, int] | None]]:
    """The raw lines and the line counts of `--raw --numstat -z`, in the same order."""
    fields = iter(text.decode("utf-8", "replace").split("\0"))
    raws: list[_Raw] = []
    counts: list[tuple[int, int] | None] = []
    for field in fields:
        if field.startswith(":"):
            _, _, old_oid, new_oid, status = field.split(" ")
            path = old_path = next(fields)
            if status[0] in "RC":
                path = next(fields)
            raws.append(_Raw(status[0], old_oid, new_oid, old_path, path))
        elif field:
            added, removed, path = field.split("\t", 2)
            if not path:  # renamed: both paths follow
                next(fields)
                next(fields)
            counts.append(None if added == "-" else (int(added), int(removed)))
    return raws, counts


def _patches(repository_id: int, arguments: list[str]) -> list[str | None]:
    """The patch of each file in order, as far as the bound goes."""
    text = _bounded(repository_id, arguments)
    cut = len(text) >= LARGEST_DIFF
    parts = ("\n" + text.decode("utf-8", "replace")).split("\ndiff --git ")[1:]
    found: list[str | None] = []
    for part in parts:
        start = part.find("\n@@ ")
        found.append(part[start + 1 :] if start >= 0 else "")
    if cut and found:
        found[-1] = None
    return found


def _bounded(repository_id: int, arguments: list[str]) -> bytes:
    with subprocess.Popen(
        ["timeout", str(SECONDS), "git", *arguments],
        cwd=path_of(repository_id),
        env=git_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        pipe: IO[bytes] | None = process.stdout
        assert pipe is not None
        text = pipe.read(LARGEST_DIFF)
        process.kill()
    return text


def _run(repository_id: int, arguments: list[str]) -> bytes:
    try:
        return run_git(repository_id, arguments, seconds=SECONDS)
    except subprocess.TimeoutExpired:
        raise Busy(_("This history takes too long to read; ask for less of it")) from None


def _commits(text: bytes) -> list[Commit]:
    # `-z` ends each commit with a NUL of its own.
    fields = text.decode("utf-8", "replace").split("\0")
    step = _FIELDS + 1
    return [_commit(fields[at : at + step]) for at in range(0, len(fields) - _FIELDS, step)]


def _commit(fields: list[str]) -> Commit:
    sha, parents, author, email, stamp, message = fields[:_FIELDS]
    title, _, body = message.strip("\n").partition("\n")
    return Commit(
        sha=sha,
        parents=tuple(parents.split()),
        author=author,
        email=email,
        date=datetime.fromtimestamp(int(stamp), UTC),
        title=title,
        body=body.strip("\n"),
    )


def _literal(path: str) -> str:
    """A path as it is: git would read `*` and `:` in it otherwise."""
    return f":(literal){path}"
