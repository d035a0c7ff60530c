"""Trees: which files a commit has, how large they are, and what they say.

Everything here follows from (repository, commit, path) alone and never changes, so answers
are kept in memory, as many as the bounds below allow.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import pygit2
from django.utils.translation import gettext as _
from pygit2.enums import ObjectType

from llmos.hub.errors import EntryNotFound
from llmos.hub.git.repos import open_repository
from llmos.hub.models import LfsObject
from llmos.kit.errors import Invalid
from llmos.wire.lfs import POINTER_CUTOFF, MalformedPointer, Pointer, parse_pointer

# mode, name, raw id
Node = tuple[bytes, bytes, bytes]

FOLDER = b"40000"
_FILES = frozenset({b"100644", b"100755", b"120000", b"100664"})
_SHOWN = _FILES | {FOLDER}  # links to other repositories are left out
_NODE = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
SMALLEST_POINTER = 120  # bytes; spares reading most blobs


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or a folder at a commit."""

    path: str
    type: Literal["file", "directory"]
    oid: str  # git's id of the blob or tree
    size: int  # bytes of the content: for a large file not those of its pointer; 0 for a folder
    stored_size: int  # bytes of the git blob
    pointer: Pointer | None

    @property
    def etag(self) -> str:
        """What names this file's bytes: sha256 of a large file, git's blob id otherwise."""
        return self.pointer.sha256 if self.pointer else self.oid


@dataclass(frozen=True, slots=True)
class Page:
    """A stretch of a listing; `cursor` asks for the next one, None at the end."""

    entries: list[Entry]
    cursor: str | None


def entry_at(repository_id: int, sha: str, path: str) -> Entry:
    """The file or folder at a path of a commit. Raises EntryNotFound."""
    found = _entry(repository_id, sha, path)
    if found is None:
        raise EntryNotFound(path, sha)
    return found


def entries_at(repository_id: int, sha: str, paths: Sequence[str]) -> list[Entry]:
    """Those of the paths that exist."""
    found = (_entry(repository_id, sha, path.strip("/")) for path in paths)
    return [entry for entry in found if entry is not None]


def entries(
    repository_id: int,
    sha: str,
    folder: str = "",
    *,
    recursive: bool = False,
    limit: int = 1000,
    cursor: str | None = None,
) -> Page:
    """What a folder holds, folders first; recursive: everything under it, in git's order.

    Raises EntryNotFound when there is no such folder, Invalid for a cursor that is not ours.
    """
    repository = open_repository(repository_id)
    tree = _tree_at(repository_id, sha, folder)
    if tree is None:
        raise EntryNotFound(folder, sha)
    prefix = f"{folder}/" if folder else ""
    if cursor is not None and not cursor.startswith(prefix):
        raise Invalid(_("The cursor does not belong to this listing"))
    after = None if cursor is None else cursor.removeprefix(prefix)
    list_nodes = walk if recursive else _folders_first
    nodes = list_nodes(repository, tree.id.raw, after)
    page: list[Entry] = []
    for name, node in nodes:
        if len(page) == limit:
            return Page(page, page[-1].path)
        page.append(_entry_of(repository_id, prefix + name, node))
    return Page(page, None)


def all_files(repository_id: int, sha: str) -> Iterator[tuple[str, str]]:
    """Path and blob id of every file of a commit, read as it goes."""
    tree = _tree_at(repository_id, sha, "")
    if tree is not None:
        for path, (mode, _, oid) in walk(open_repository(repository_id), tree.id.raw):
            if mode in _FILES:
                yield path, oid.hex()


def read_blob(repository_id: int, oid: str) -> bytes:
    """The whole content of a git blob, in memory. Raises KeyError."""
    return bytes(open_repository(repository_id).odb.read(pygit2.Oid(hex=oid))[1])


def read_file(repository_id: int, sha: str, path: str, *, limit: int = 2**20) -> bytes | None:
    """A small file's text as it lies in git, or None when it is missing or over `limit` bytes."""
    entry = _entry(repository_id, sha, path)
    if entry is None or entry.type != "file" or entry.stored_size > limit:
        return None
    return read_blob(repository_id, entry.oid)


def xet_hashes(found: Sequence[Entry]) -> dict[str, str]:
    """The Xet hash of each large file among the entries that has one, by sha256."""
    wanted = {entry.pointer.sha256 for entry in found if entry.pointer}
    if not wanted:
        return {}
    rows = LfsObject.objects.filter(sha256__in=wanted).exclude(xet_hash="")
    return dict(rows.values_list("sha256", "xet_hash"))


def total_size(repository_id: int, sha: str) -> int:
    """Bytes of all files of a commit, large ones by their real size."""
    return sum(_blob(repository_id, oid)[0] for _, oid in all_files(repository_id, sha))


def pointer_of(repository_id: int, oid: str) -> Pointer | None:
    """What a blob points at, when it is a pointer."""
    return _blob(repository_id, oid)[2]


def nodes_of(repository: pygit2.Repository, oid: bytes) -> list[Node]:
    """What a tree holds, in git's order. A tenth of the cost of libgit2's own objects."""
    return _NODE.findall(repository.odb.read(pygit2.Oid(raw=oid))[1])


def name_of(node: Node) -> str:
    """Names that are not UTF-8 can be pushed past no check of ours, but they can be imported."""
    return node[1].decode("utf-8", "replace")


@lru_cache(maxsize=20_000)
def _entry(repository_id: int, sha: str, path: str) -> Entry | None:
    if not path:
        tree = _tree_at(repository_id, sha, "")
        return None if tree is None else Entry("", "directory", str(tree.id), 0, 0, None)
    if "\0" in path or path.startswith("/") or path.endswith("/") or "//" in path:
        return None
    folder, _, name = path.rpartition("/")
    tree = _tree_at(repository_id, sha, folder)
    if tree is None:
        return None
    try:
        node = tree[name]
    except (KeyError, ValueError):
        return None
    mode = b"%o" % int(node.filemode)
    return _entry_of(repository_id, path, (mode, b"", node.id.raw)) if mode in _SHOWN else None


def _tree_at(repository_id: int, sha: str, folder: str) -> pygit2.Tree | None:
    repository = open_repository(repository_id)
    tree = repository[pygit2.Oid(hex=sha)].peel(pygit2.Tree)
    for name in folder.split("/") if folder else ():
        try:
            node = tree[name] if name and "\0" not in name else None
        except KeyError:
            return None
        if not isinstance(node, pygit2.Tree):
            return None
        tree = node
    return tree


def _entry_of(repository_id: int, path: str, node: Node) -> Entry:
    mode, _, raw_oid = node
    oid = raw_oid.hex()
    if mode == FOLDER:
        return Entry(path, "directory", oid, 0, 0, None)
    size, stored_size, pointer = _blob(repository_id, oid)
    return Entry(path, "file", oid, size, stored_size, pointer)


@lru_cache(maxsize=30_000)
def _blob(repository_id: int, oid: str) -> tuple[int, int, Pointer | None]:
    """A blob's real size, its size in git, and its pointer."""
    odb = open_repository(repository_id).odb
    stored_type, stored_size = odb.read_header(pygit2.Oid(hex=oid))
    assert stored_type == ObjectType.BLOB
    pointer = None
    if SMALLEST_POINTER <= stored_size < POINTER_CUTOFF:
        # A malformed one was imported before this hub looked: shown as the text it is.
        with suppress(MalformedPointer):
            pointer = parse_pointer(odb.read(pygit2.Oid(hex=oid))[1])
    return (pointer.size if pointer else stored_size), stored_size, pointer


def _folders_first(
    repository: pygit2.Repository, tree: bytes, after: str | None
) -> Iterator[tuple[str, Node]]:
    nodes = [node for node in nodes_of(repository, tree) if node[0] in _SHOWN]
    nodes.sort(key=lambda node: node[0] != FOLDER)
    start = 0
    if after is not None:
        name = after.encode()
        start = next((i + 1 for i, node in enumerate(nodes) if node[1] == name), len(nodes))
    return ((name_of(node), node) for node in nodes[start:])


def walk(
    repository: pygit2.Repository, tree: bytes, after: str | None = None
) -> Iterator[tuple[str, Node]]:
    """Everything under a tree, each folder before its content, beginning behind `after`.

    A stack instead of recursion: pushed trees may be deeper than Python's own. Raises Invalid
    when `after` is not a path in the tree.
    """
    stack = [("", iter(nodes_of(repository, tree)))]
    parts = after.split("/") if after is not None else []
    for depth, part in enumerate(parts):
        prefix, nodes = stack[-1]
        found = next((node for node in nodes if node[1] == part.encode()), None)
        if found is None or (found[0] != FOLDER and depth < len(parts) - 1):
            raise Invalid(_("The cursor does not belong to this listing"))
        if found[0] == FOLDER:
            stack.append((f"{prefix}{part}/", iter(nodes_of(repository, found[2]))))
    while stack:
        prefix, nodes = stack[-1]
        for node in nodes:
            if node[0] not in _SHOWN:
                continue
            path = prefix + name_of(node)
            yield path, node
            if node[0] == FOLDER:
                stack.append((path + "/", iter(nodes_of(repository, node[2]))))
                break
        else:
            stack.pop()
