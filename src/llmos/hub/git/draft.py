"""A commit in the making: changes come one by one and land as one commit, or not at all.

Few and small changes are written by libgit2 at once; many or large ones flow through
`git fast-import` as they come, so that memory does not grow with the commit.
"""

import contextlib
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO
from uuid import uuid4

import pygit2
from django.utils.translation import gettext as _
from pygit2.enums import FileMode

from llmos.hub.errors import BranchMoved, EntryNotFound
from llmos.hub.git import refs
from llmos.hub.git.fastimport import FastImport
from llmos.hub.git.paths import LONGEST_PATH, BadPath, NamesCollide, checked_path, folded
from llmos.hub.git.repos import STAGING, open_repository, signature, written
from llmos.hub.git.tree import FOLDER, Node, name_of, nodes_of, walk
from llmos.kit.errors import Unprocessable
from llmos.wire.lfs import Pointer, print_pointer

# Where libgit2 and git's own import take the same time (measured).
SMALL_CHANGES = 50
SMALL_CONTENT = 2**20  # bytes

NO_SUCH_FILE = "A file with this name doesn't exist"
_FOLDERS_KEPT = 2000  # trees of the base held while changes are checked against them
_TRIES = 20
_EMPTY_TREE = pygit2.Oid(hex="4b825dc642cb6eb9a060e54bf8d69288fbee4904")


class PathTaken(Unprocessable):
    """A file stands where a folder is wanted, or the other way round."""

    def __init__(self, path: str, what: str) -> None:
        super().__init__(
            _("'%(path)s' is a %(what)s in this repository; delete it first")
            % {"path": path, "what": what}
        )


@dataclass(frozen=True, slots=True)
class Landed:
    """A reference that has moved; `old` is None for a new one."""

    ref: str
    old: str | None
    new: str


class Draft:
    """Changes to the files of one commit. Not for two threads at once."""

    def __init__(self, repository_id: int, base: str) -> None:
        self.repository_id = repository_id
        self.base = base
        self._repository = open_repository(repository_id)
        self._base_tree = self._repository[base].peel(pygit2.Tree)
        self._trees: dict[str, pygit2.Tree | None] = {"": self._base_tree}
        self._added: dict[str, str] = {}  # path to blob id, or "" when git has it in its pipe
        self._added_folders: set[str] = set()
        self._removed: set[str] = set()
        self._import: FastImport | None = None
        self._message = ("", "", "")

    def describe(self, *, summary: str, description: str, author: str, email: str = "") -> None:
        """Say who commits what; before the first change."""
        text = f"{summary}\n\n{description}".strip().replace("\0", "")
        self._message = (text or "Update files", author, email)

    def write(self, path: str, content: bytes | IO[bytes], size: int | None = None) -> None:
        """Put a file of `size` bytes at a path. Raises BadPath, PathTaken."""
        self._claim(path)
        length = len(content) if isinstance(content, bytes) else size
        assert length is not None
        self._import_if_large(length)
        if self._import is not None:
            self._import.write(path, content, length)
            self._note(path, "")
        else:
            whole = content if isinstance(content, bytes) else content.read()
            self._note(path, str(written(lambda: self._repository.create_blob(whole))))

    def point(self, path: str, pointer: Pointer) -> None:
        """Put a large file at a path; the caller has made sure that its content is here."""
        self.write(path, print_pointer(pointer))

    def copy(self, path: str, oid: str) -> None:
        """Put a blob that this repository already has at a path. Raises BadPath, PathTaken."""
        self._claim(path)
        self._import_if_large(0)
        if self._import is not None:
            self._import.copy(path, oid)
        self._note(path, oid)

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all it holds. Raises EntryNotFound."""
        path = path.rstrip("/")
        kind = self._kind(path) if path else None
        if kind is None:
            raise EntryNotFound(path, self.base, message=NO_SUCH_FILE)
        if kind == "folder" and path in self._added_folders:
            for added in [p for p in self._added if p.startswith(path + "/")]:
                del self._added[added]
            self._added_folders = {
                f for f in self._added_folders if f != path and not f.startswith(path + "/")
            }
            self._forget_empty_folders(path)
        self._import_if_large(0)
        if self._added.pop(path, None) is not None:
            self._forget_empty_folders(path)
        self._removed.add(path)
        if self._import is not None:
            self._import.remove(path)

    def land(self, ref: str, *, old: str | None, retry: bool) -> Landed:
        """Make the commit and point `ref`, now at `old`, to it.

        With `retry`, changes are put onto whatever the branch has become meanwhile. Raises
        BranchMoved, NamesCollide, PathTaken.
        """
        staged = self._import.finish() if self._import is not None else None
        try:
            return self._land(ref, old, staged, retry=retry)
        finally:
            self.discard()

    def discard(self) -> None:
        """Give up; what was written so far belongs to no commit and is swept up later."""
        if self._import is not None:
            self._import.stop()
            with contextlib.suppress(KeyError, pygit2.GitError):
                self._repository.references.delete(self._import.ref)
            self._import = None

    def _land(self, ref: str, old: str | None, staged: str | None, *, retry: bool) -> Landed:
        with refs.in_turn(self.repository_id):
            for attempt in range(_TRIES if retry else 1):
                head = refs.read_ref(self.repository_id, ref) if old is not None else None
                if old is not None and (head is None or (head != old and not retry)):
                    raise BranchMoved
                new = self._commit_onto(head or self.base, staged)
                try:
                    refs.move(self.repository_id, ref, old=head, new=new)
                except BranchMoved:
                    if attempt + 1 < _TRIES and retry:
                        time.sleep(random.uniform(0, 0.02) * (attempt + 1))  # noqa: S311 - jitter
                        continue
                    raise
                return Landed(ref, head, new)
        raise BranchMoved

    def _commit_onto(self, parent: str, staged: str | None) -> str:
        # The handle may be another thread's by now.
        self._repository = open_repository(self.repository_id)
        repository = self._repository
        base_tree = repository[parent].peel(pygit2.Tree)
        if staged is not None and parent == self.base:
            check_names(repository, base_tree, repository[staged].peel(pygit2.Tree))
            return staged
        if staged is not None:
            return self._replay_onto(parent, staged)
        tree_id = apply_changes(repository, base_tree, self._added, self._removed)
        check_names(repository, base_tree, repository[tree_id].peel(pygit2.Tree))
        message, author, email = self._message
        who = signature(author, email)
        return str(
            written(lambda: repository.create_commit(None, who, who, message, tree_id, [parent]))
        )

    def _replay_onto(self, parent: str, staged: str) -> str:
        """The staged difference on another parent, by blob ids: no content is read again."""
        repository = self._repository
        again = FastImport(self.repository_id, f"{STAGING}{uuid4().hex}", parent, *self._message)
        try:
            new_tree = repository[staged].peel(pygit2.Tree)
            there = Draft(self.repository_id, parent)
            for path, oid in differences(repository, self._base_tree, new_tree):
                if oid is None:
                    there._removed.add(path)
                    again.remove(path)
                else:
                    there._claim(path)
                    there._note(path, oid)
                    again.copy(path, oid)
            sha = again.finish()
        except PathTaken as error:
            raise BranchMoved from error
        finally:
            again.stop()
            with contextlib.suppress(KeyError, pygit2.GitError):
                repository.references.delete(again.ref)
        new_tree = repository[sha].peel(pygit2.Tree)
        check_names(repository, repository[parent].peel(pygit2.Tree), new_tree)
        return sha

    def _import_if_large(self, length: int) -> None:
        changes = len(self._added) + len(self._removed)
        if self._import is not None or (length <= SMALL_CONTENT and changes < SMALL_CHANGES):
            return
        self._import = FastImport(
            self.repository_id, f"{STAGING}{uuid4().hex}", self.base, *self._message
        )
        for path in self._removed:
            self._import.remove(path)
        for path, oid in self._added.items():
            self._import.copy(path, oid)

    def _claim(self, path: str) -> None:
        checked_path(path)
        if self._kind(path) == "folder":
            raise PathTaken(path, _("folder"))
        folder = path.rpartition("/")[0]
        while folder and folder not in self._added_folders:
            kind = self._kind(folder)
            if kind == "file":
                raise PathTaken(folder, _("file"))
            if kind == "folder":
                return
            folder = folder.rpartition("/")[0]

    def _note(self, path: str, oid: str) -> None:
        self._added[path] = oid
        folder = path.rpartition("/")[0]
        while folder and folder not in self._added_folders:
            self._added_folders.add(folder)
            folder = folder.rpartition("/")[0]

    def _forget_empty_folders(self, removed: str) -> None:
        """A folder that these changes made ends with its last file."""
        folder = removed.rpartition("/")[0]
        while folder and not any(path.startswith(folder + "/") for path in self._added):
            self._added_folders.discard(folder)
            folder = folder.rpartition("/")[0]

    def _kind(self, path: str) -> str | None:
        """What lies at a path after the changes so far: a file, a folder, or nothing."""
        if path in self._added:
            return "file"
        if path in self._added_folders:
            return "folder"
        if self._is_removed(path):
            return None
        folder, _, name = path.rpartition("/")
        tree = self._base_folder(folder)
        try:
            node = None if tree is None or not name else tree[name]
        except KeyError:
            return None
        if isinstance(node, pygit2.Tree):
            return None if self._is_emptied(path, node) else "folder"
        return None if node is None else "file"

    def _is_removed(self, path: str) -> bool:
        if not self._removed:
            return False
        while path:
            if path in self._removed:
                return True
            path = path.rpartition("/")[0]
        return False

    def _is_emptied(self, folder: str, tree: pygit2.Tree) -> bool:
        """Whether every file of a base folder was removed one by one."""
        if not any(path.startswith(folder + "/") for path in self._removed):
            return False
        return all(
            self._is_removed(f"{folder}/{path}")
            for path, node in walk(self._repository, tree.id.raw)
            if node[0] != FOLDER
        )

    def _base_folder(self, folder: str) -> pygit2.Tree | None:
        if folder in self._trees:
            return self._trees[folder]
        above, _, name = folder.rpartition("/")
        tree = self._base_folder(above)
        try:
            node = None if tree is None else tree[name]
        except KeyError:
            node = None
        if len(self._trees) >= _FOLDERS_KEPT:
            self._trees = {"": self._base_tree}
        found = node if isinstance(node, pygit2.Tree) else None
        self._trees[folder] = found
        return found


def apply_changes(
    repository: pygit2.Repository,
    tree: pygit2.Tree | None,
    added: dict[str, str],
    removed: set[str],
) -> pygit2.Oid:
    """Write a tree with removals, then additions; other entries stay. Raises BranchMoved.

    A removal of what is not there counts as done: another commit did it first.
    """
    builder = repository.TreeBuilder(tree) if tree is not None else repository.TreeBuilder()
    files, gone, below = _by_first_name(added, removed)
    for name in gone:
        if builder.get(name) is not None:
            builder.remove(name)
    for name, (additions, removals) in below.items():
        node = builder.get(name)
        if node is not None and not isinstance(node, pygit2.Tree):
            if additions:
                raise BranchMoved  # a file came where this commit wants a folder
            continue
        if node is None and not additions:
            continue
        inner = apply_changes(repository, node, additions, removals)
        if inner != _EMPTY_TREE:
            builder.insert(name, inner, FileMode.TREE)
        elif node is not None:
            builder.remove(name)
    for name, oid in files.items():
        if isinstance(builder.get(name), pygit2.Tree):
            raise BranchMoved  # a folder came where this commit wants a file
        builder.insert(name, pygit2.Oid(hex=oid), FileMode.BLOB)
    return written(builder.write)


def _by_first_name(
    added: dict[str, str], removed: set[str]
) -> tuple[dict[str, str], set[str], dict[str, tuple[dict[str, str], set[str]]]]:
    """Changes of one folder: files put, names removed, and the changes of each folder in it."""
    files: dict[str, str] = {}
    gone: set[str] = set()
    below: dict[str, tuple[dict[str, str], set[str]]] = {}
    for path in removed:
        name, slash, rest = path.partition("/")
        if slash:
            below.setdefault(name, ({}, set()))[1].add(rest)
        else:
            gone.add(name)
    for path, oid in added.items():
        name, slash, rest = path.partition("/")
        if slash:
            below.setdefault(name, ({}, set()))[0][rest] = oid
        else:
            files[name] = oid
    return files, gone, below


def check_names(repository: pygit2.Repository, old: pygit2.Tree | None, new: pygit2.Tree) -> None:
    """Refuse names that a commit brings into a folder where their like exists.

    Only folders that differ are looked at; what was so before stays. Raises NamesCollide.
    """
    stack = [("", None if old is None else old.id.raw, new.id.raw)]
    while stack:
        prefix, was, now = stack.pop()
        _refuse_depth(prefix)
        nodes = nodes_of(repository, now)
        _check_folder(repository, prefix.rstrip("/"), was, nodes)
        folders = [node for node in nodes if node[0] == FOLDER]
        if not folders:
            continue
        before = {name: oid for mode, name, oid in _nodes(repository, was) if mode == FOLDER}
        for node in folders:
            inner = before.get(node[1])
            if inner != node[2]:
                stack.append((f"{prefix}{name_of(node)}/", inner, node[2]))


def differences(
    repository: pygit2.Repository, old: pygit2.Tree | None, new: pygit2.Tree
) -> Iterator[tuple[str, str | None]]:
    """Paths whose blob differs, with the new id, or None where it is gone; removals first.

    Raises BadPath where folders lie too deep.
    """
    yield from (found for found in _changed(repository, old, new) if found[1] is None)
    yield from (found for found in _changed(repository, old, new) if found[1] is not None)


def _changed(
    repository: pygit2.Repository, old: pygit2.Tree | None, new: pygit2.Tree
) -> Iterator[tuple[str, str | None]]:
    stack: list[tuple[str, bytes | None, bytes | None]] = [
        ("", None if old is None else old.id.raw, new.id.raw)
    ]
    while stack:
        prefix, was, now = stack.pop()
        _refuse_depth(prefix)
        before = {name: (mode, oid) for mode, name, oid in _nodes(repository, was)}
        for node in _nodes(repository, now):
            mode, name, oid = node
            old_mode, old_oid = before.pop(name, (b"", b""))
            if (old_mode, old_oid) == (mode, oid):
                continue
            path = prefix + name_of(node)
            if mode == FOLDER:
                if old_mode not in {b"", FOLDER}:
                    yield path, None
                stack.append((path + "/", old_oid if old_mode == FOLDER else None, oid))
            else:
                if old_mode == FOLDER:
                    stack.append((path + "/", old_oid, None))
                yield path, oid.hex()
        for name, (mode, oid) in before.items():
            path = prefix + name.decode("utf-8", "replace")
            if mode == FOLDER:
                stack.append((path + "/", oid, None))
            else:
                yield path, None


def _refuse_depth(prefix: str) -> None:
    """Before a pushed tree of a million folders makes the walk take quadratic time."""
    if len(prefix) > LONGEST_PATH:
        raise BadPath(prefix, f"is longer than {LONGEST_PATH} bytes")


def _nodes(repository: pygit2.Repository, tree: bytes | None) -> list[Node]:
    return [] if tree is None else nodes_of(repository, tree)


def _check_folder(
    repository: pygit2.Repository, folder: str, was: bytes | None, nodes: list[Node]
) -> None:
    # All names are folded in one string: most folders are clean, and some have 10,000 names.
    joined = b"\0".join([node[1] for node in nodes]).decode("utf-8", "replace")
    keys = folded(joined).split("\0")
    if len(set(keys)) == len(keys):
        return
    before = {name for _, name, _ in _nodes(repository, was)}
    seen: dict[str, Node] = {}
    for key, node in zip(keys, nodes, strict=True):
        other = seen.setdefault(key, node)
        if other is not node and not (node[1] in before and other[1] in before):
            raise NamesCollide(folder, name_of(other), name_of(node))
