"""Where a file belongs: in git itself, among the large files, or nowhere at all.

`.gitattributes` of the target revision decides first, then size, then the first bytes.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import pygit2
from pathspec import GitIgnoreSpec
from pygit2.enums import AttrCheck

from llmos.hub.git.config import GitSettings
from llmos.hub.git.paths import checked_path
from llmos.hub.git.repos import open_repository
from llmos.hub.git.tree import entries_at, read_file
from llmos.kit.config import current

UploadMode = Literal["lfs", "regular"]

# Where git itself looks for a NUL byte; clients send the first 512.
_ODD_BYTES = bytes(set(range(32)) - set(b"\t\n\r\f\b\x1b"))
_MOST_ODD = 0.1


@dataclass(frozen=True, slots=True)
class Announced:
    """A file that a client is about to upload, and what it told of it."""

    path: str
    size: int
    sample: bytes


@dataclass(frozen=True, slots=True)
class Placed:
    """The answer: how it should come, and the name of what is there now."""

    path: str
    mode: UploadMode
    ignored: bool
    oid: str | None  # sha256 of a large file, git's blob id otherwise


def place_files(
    repository_id: int, sha: str, files: list[Announced], *, git_ignore: str | None
) -> list[Placed]:
    """Decide for each announced file. Raises BadPath."""
    for file in files:
        checked_path(file.path)
    ignored = _ignored_by(repository_id, sha, git_ignore)
    there = {e.path: e for e in entries_at(repository_id, sha, [file.path for file in files])}
    placed = []
    for file in files:
        entry = there.get(file.path)
        oid = entry.etag if entry is not None and entry.type == "file" else None
        mode = upload_mode(repository_id, sha, file)
        placed.append(Placed(file.path, mode, ignored.match_file(file.path), oid))
    return placed


def upload_mode(repository_id: int, sha: str, file: Announced) -> UploadMode:
    if file.size == 0:
        return "regular"
    if file.size > current(GitSettings).largest_regular_file:
        return "lfs"
    filter_ = _filter_of(repository_id, sha, file.path)
    if filter_ == "lfs":
        return "lfs"
    if filter_ is False:  # `-filter`: the repository wants this one in git
        return "regular"
    return "lfs" if is_binary(file.sample) else "regular"


def is_binary(sample: bytes) -> bool:
    """Whether bytes look like anything but text, in whatever encoding."""
    if b"\0" in sample:
        return True
    odd = len(sample) - len(sample.translate(None, _ODD_BYTES))
    return odd > _MOST_ODD * len(sample)


@lru_cache(maxsize=4096)
def _filter_of(repository_id: int, sha: str, path: str) -> str | bool | None:
    repository = open_repository(repository_id)
    flags = AttrCheck.INDEX_ONLY | AttrCheck.NO_SYSTEM | AttrCheck.INCLUDE_COMMIT
    found: str | bool | None = repository.get_attr(
        path, "filter", flags, commit=pygit2.Oid(hex=sha)
    )
    return found


def _ignored_by(repository_id: int, sha: str, sent: str | None) -> GitIgnoreSpec:
    text = sent
    if text is None:
        kept = read_file(repository_id, sha, ".gitignore")
        text = "" if kept is None else kept.decode("utf-8", "replace")
    return GitIgnoreSpec.from_lines(text.splitlines())
