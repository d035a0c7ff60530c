"""What changed between two commits, file by file and line by line, within bounds.

Large files show what they are, not what they hold; a change of thousands of files shows the
first ones. A page must cost little whatever somebody pushed.
"""

from dataclasses import dataclass, field, replace

import pygit2
from pygit2.enums import DiffFind, FileMode

from llmos.hub.git.repos import open_repository
from llmos.hub.git.tree import pointer_of, read_blob
from llmos.wire.lfs import Pointer

FILES_LISTED = 300
FILES_SHOWN = 50  # with their lines
LINES_A_FILE = 500
LINES_SHOWN = 4000  # of all files together
LARGEST_TEXT = 512 * 1024  # bytes

_STATUS = {"A": "added", "D": "deleted", "M": "changed", "R": "renamed", "T": "changed"}


@dataclass(frozen=True, slots=True)
class Line:
    sign: str  # "+", "-", " " or "@" for the head of a stretch
    old: int | None
    new: int | None
    text: str


@dataclass(frozen=True, slots=True)
class FileChange:
    """One file's change; `lines` is empty when `why` says why they are not shown."""

    path: str
    old_path: str
    status: str
    old_pointer: Pointer | None = None
    new_pointer: Pointer | None = None
    lines: list[Line] = field(default_factory=list)
    why: str = ""  # "", "large file", "binary", "long"
    added: int = 0
    removed: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    files: list[FileChange]
    count: int  # of all files, also those not listed

    @property
    def added(self) -> int:
        return sum(file.added for file in self.files)

    @property
    def removed(self) -> int:
        return sum(file.removed for file in self.files)


def difference(repository_id: int, old: str | None, new: str) -> Difference:
    """From one commit to another; without an old one, everything is new."""
    repository = open_repository(repository_id)
    after = repository[new].peel(pygit2.Tree)
    if old is None:
        diff = after.diff_to_tree(swap=True)
    else:
        diff = repository[old].peel(pygit2.Tree).diff_to_tree(after)
    count = len(diff)
    if count <= FILES_LISTED:
        diff.find_similar(DiffFind.FIND_RENAMES | DiffFind.FIND_EXACT_MATCH_ONLY)
    files: list[FileChange] = []
    budget = LINES_SHOWN
    for delta in diff.deltas:
        if len(files) == FILES_LISTED:
            break
        shown = _file_change(repository_id, repository, delta, budget, len(files) < FILES_SHOWN)
        budget -= len(shown.lines)
        files.append(shown)
    return Difference(files, count)


def _file_change(
    repository_id: int,
    repository: pygit2.Repository,
    delta: pygit2.DiffDelta,
    budget: int,
    with_lines: bool,
) -> FileChange:
    before, after = _blob_id(delta.old_file), _blob_id(delta.new_file)
    bare = FileChange(
        path=delta.new_file.path,
        old_path=delta.old_file.path,
        status=_STATUS.get(delta.status_char(), "changed"),
        old_pointer=pointer_of(repository_id, before) if before else None,
        new_pointer=pointer_of(repository_id, after) if after else None,
    )
    if bare.old_pointer or bare.new_pointer:
        return replace(bare, why="large file")
    if not with_lines or budget <= 0:
        return replace(bare, why="long")
    if any(_size(repository, oid) > LARGEST_TEXT for oid in (before, after) if oid):
        return replace(bare, why="long")
    contents = [read_blob(repository_id, oid) if oid else b"" for oid in (before, after)]
    if any(b"\0" in content[:8000] for content in contents):
        return replace(bare, why="binary")
    return _with_lines(bare, contents[0], contents[1], most=min(budget, LINES_A_FILE))


def _with_lines(bare: FileChange, before: bytes, after: bytes, *, most: int) -> FileChange:
    patch = pygit2.Patch.create_from(before, after)
    _context, added, removed = patch.line_stats
    lines: list[Line] = []
    for hunk in patch.hunks:
        lines.append(Line("@", None, None, hunk.header.rstrip("\n")))
        lines += [_line(line) for line in hunk.lines if line.origin in " +-"]
        if len(lines) > most:
            break
    why = "long" if len(lines) > most else ""
    return replace(bare, lines=lines[:most], why=why, added=added, removed=removed)


def _line(line: pygit2.DiffLine) -> Line:
    old = line.old_lineno if line.old_lineno > 0 else None
    new = line.new_lineno if line.new_lineno > 0 else None
    return Line(line.origin, old, new, line.content.rstrip("\r\n"))


def _blob_id(file: pygit2.DiffFile) -> str | None:
    blob = file.mode in (FileMode.BLOB, FileMode.BLOB_EXECUTABLE, FileMode.LINK)
    return str(file.id) if blob and str(file.id) != "0" * 40 else None


def _size(repository: pygit2.Repository, oid: str) -> int:
    size: int = repository.odb.read_header(pygit2.Oid(hex=oid))[1]
    return size
