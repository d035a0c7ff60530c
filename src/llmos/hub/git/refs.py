"""References: which commit a revision names, and how branches and tags move without loss."""

import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

import pygit2
from django.utils.translation import gettext as _
from pygit2.enums import ObjectType

from llmos.hub.errors import BranchMoved, ReferenceExists, RevisionNotFound
from llmos.hub.git.repos import MAIN, STAGING, open_repository, path_of, run_git, signature, written
from llmos.kit.errors import Busy, Forbidden, Unprocessable

NOTHING = "0" * 40  # what stands for "no commit" where references come and go
# Seconds. Nobody is left who could hold a lock from before this process began: one tree of
# processes owns a home. A moment is granted all the same.
STALE_LOCK = 60.0
STALE_OLD_LOCK = 1.0
_BEGAN = time.time()

_SHA = re.compile(r"[0-9a-f]{40}")
_SHORT = re.compile(r"[0-9a-f]{7,39}")
_REVISION = re.compile(r"[^\x00-\x20\x7f~^:?*\[\\-][^\x00-\x20\x7f~^:?*\[\\]{0,249}")
_LOCKS = [threading.Lock() for _ in range(64)]


class BadReferenceName(Unprocessable):
    """Not a name that git takes for a branch or a tag."""

    def __init__(self, name: str) -> None:
        super().__init__(
            _("%(name)s is not a name for a branch or a tag") % {"name": repr(name[:200])}
        )


@dataclass(frozen=True, slots=True)
class Ref:
    """A branch, tag or change request; `target` is the commit it leads to."""

    name: str  # short: "main"
    ref: str  # full: "refs/heads/main"
    target: str


@dataclass(frozen=True, slots=True)
class RefList:
    branches: list[Ref]
    tags: list[Ref]
    changes: list[Ref]


def resolve(repository_id: int, revision: str) -> str:
    """The full id of the commit that a revision names. Raises RevisionNotFound.

    A revision is a branch, a tag, `refs/…`, or a commit id of at least seven digits.
    """
    if revision == "main":
        found = read_ref(repository_id, MAIN)
    elif _SHA.fullmatch(revision):
        found = _commit_of(repository_id, revision)
    elif not _REVISION.fullmatch(revision) or revision.startswith(STAGING):
        found = None
    elif revision.startswith("refs/"):
        found = _peeled(repository_id, revision)
    else:
        found = (
            _peeled(repository_id, f"refs/heads/{revision}")
            or _peeled(repository_id, f"refs/tags/{revision}")
            or _commit_starting_with(repository_id, revision)
        )
    if found is None:
        raise RevisionNotFound(revision)
    return found


def read_ref(repository_id: int, ref: str) -> str | None:
    """What a branch points at, by the cheapest read there is; None when it does not exist.

    `ref` must be a well-formed full name.
    """
    try:
        with open(f"{path_of(repository_id)}/{ref}", "rb", buffering=0) as file:  # noqa: PTH123 - half the cost
            text = file.read(64)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return _packed_ref(repository_id, ref)
    sha = text[:40].decode("latin-1")
    return sha if _SHA.fullmatch(sha) else _packed_ref(repository_id, ref)


def writable_ref(revision: str) -> str:
    """The full name of the branch or change request that a commit onto `revision` moves.

    Raises RevisionNotFound for commit ids and anything else that cannot move.
    """
    if revision.startswith("refs/pr/") and revision[8:].isdecimal():
        return revision
    ref = revision if revision.startswith("refs/heads/") else f"refs/heads/{revision}"
    if not _REVISION.fullmatch(revision) or not pygit2.reference_is_valid_name(ref):
        raise RevisionNotFound(revision)
    return ref


def list_refs(repository_id: int) -> RefList:
    """All branches, tags and change requests, by name."""
    repository = open_repository(repository_id)
    found = RefList([], [], [])
    kinds = (("refs/heads/", found.branches), ("refs/tags/", found.tags))
    for ref in sorted(repository.references):
        for prefix, group in kinds:
            if ref.startswith(prefix):
                target = _peeled(repository_id, ref)
                if target is not None:
                    group.append(Ref(ref.removeprefix(prefix), ref, target))
        if ref.startswith("refs/pr/"):
            target = _peeled(repository_id, ref)
            if target is not None:
                found.changes.append(Ref(ref.removeprefix("refs/"), ref, target))
    return found


def create_branch(repository_id: int, name: str, *, at: str) -> Ref:
    """Raises ReferenceExists, BadReferenceName."""
    ref = _named("refs/heads/", name)
    _create(repository_id, ref, at)
    return Ref(name, ref, at)


def delete_branch(repository_id: int, name: str) -> Ref:
    """Remove a branch and return what it was. Raises RevisionNotFound, Forbidden for `main`."""
    ref = f"refs/heads/{name}"
    if ref == MAIN:
        raise Forbidden(_("Cannot delete %(ref)s") % {"ref": MAIN})
    return _delete(repository_id, ref, name)


def create_tag(repository_id: int, name: str, *, at: str, message: str, author: str) -> Ref:
    """A tag, annotated when there is a message. Raises ReferenceExists, BadReferenceName."""
    ref = _named("refs/tags/", name)
    target = at
    if message:
        if _exists(repository_id, ref):
            raise ReferenceExists(ref)
        target = _write_tag(repository_id, name, at, message, author)
    _create(repository_id, ref, target)
    return Ref(name, ref, at)


def delete_tag(repository_id: int, name: str) -> Ref:
    """Remove a tag and return what it was. Raises RevisionNotFound."""
    return _delete(repository_id, f"refs/tags/{name}", name)


def super_squash(repository_id: int, branch: str, *, message: str, author: str) -> tuple[Ref, str]:
    """Replace a branch's history by one commit with the same files.

    Returns the branch and the commit that it left. Raises RevisionNotFound, BranchMoved.
    """
    ref = writable_ref(branch)
    old = read_ref(repository_id, ref)
    if old is None:
        raise RevisionNotFound(branch)
    repository = open_repository(repository_id)
    who = signature(author)
    tree = repository[old].peel(pygit2.Commit).tree_id
    new = str(written(lambda: repository.create_commit(None, who, who, message, tree, [])))
    move(repository_id, ref, old=old, new=new)
    return Ref(branch, ref, new), old


def move(repository_id: int, ref: str, *, old: str | None, new: str) -> None:
    """Point `ref` from `old` to `new`, or create it when `old` is None.

    Raises BranchMoved when it points elsewhere by now.
    """
    if old is None:
        try:
            _create(repository_id, ref, new)
        except ReferenceExists as error:
            raise BranchMoved from error
        return
    repository = open_repository(repository_id)

    def change() -> None:
        try:
            found = repository.references[ref]
        except KeyError as error:
            raise BranchMoved from error
        if str(found.target) != old:
            raise BranchMoved
        found.set_target(pygit2.Oid(hex=new))

    _despite_locks(repository_id, ref, change)


def in_turn(repository_id: int) -> threading.Lock:
    """A lock for writers of one repository in this process.

    It only spares them lost races; what keeps commits safe is the comparison in `move`.
    """
    return _LOCKS[repository_id % len(_LOCKS)]


def break_stale_locks(repository_id: int, ref: str) -> None:
    """Remove what a killed process left; git and libgit2 hold a lock for milliseconds."""
    for name in (f"{ref}.lock", "packed-refs.lock"):
        lock = path_of(repository_id) / name
        with suppress(FileNotFoundError, NotADirectoryError):
            made = lock.stat().st_mtime
            if time.time() - made > (STALE_OLD_LOCK if made < _BEGAN else STALE_LOCK):
                lock.unlink()


def drift(repository_id: int, recorded: str) -> str | None:
    """The head of `main` when it is not the recorded one: a push whose record was lost."""
    head = read_ref(repository_id, MAIN)
    return head if head != recorded else None


def _named(prefix: str, name: str) -> str:
    ref = prefix + name
    if (
        not _REVISION.fullmatch(name)
        or not pygit2.reference_is_valid_name(ref)
        or _SHA.fullmatch(name)
        or name in {"HEAD", "refs"}
        or name.startswith("refs/")
    ):
        raise BadReferenceName(name)
    return ref


def _create(repository_id: int, ref: str, target: str) -> None:
    repository = open_repository(repository_id)

    def change() -> None:
        try:
            repository.references.create(ref, pygit2.Oid(hex=target), force=False)
        except pygit2.AlreadyExistsError as error:
            raise ReferenceExists(ref) from error
        except (pygit2.GitError, ValueError, OSError) as error:
            if _exists(repository_id, ref) or _blocked(repository, ref):
                raise ReferenceExists(ref) from error
            raise

    _despite_locks(repository_id, ref, change)


def _delete(repository_id: int, ref: str, name: str) -> Ref:
    target = _peeled(repository_id, ref) if _REVISION.fullmatch(name) else None
    if target is None:
        raise RevisionNotFound(name)
    repository = open_repository(repository_id)

    def change() -> None:
        try:
            repository.references.delete(ref)
        except KeyError as error:
            raise RevisionNotFound(name) from error

    _despite_locks(repository_id, ref, change)
    return Ref(name, ref, target)


def _despite_locks(repository_id: int, ref: str, change: Callable[[], None]) -> None:
    """Try again while another process holds the reference's lock; break one that nobody holds."""
    for attempt in range(40):
        try:
            change()
            return
        except (pygit2.GitError, OSError, ValueError) as error:
            text = str(error)
            if "modified" in text or "does not match" in text:
                raise BranchMoved from error
            if "lock" not in text:
                raise
            break_stale_locks(repository_id, ref)
        time.sleep(0.01 * min(attempt + 1, 10))
    raise Busy(
        _("Another change holds %(ref)s; try again") % {"ref": ref}, headers={"Retry-After": "2"}
    )


def _blocked(repository: pygit2.Repository, ref: str) -> bool:
    """Whether `a/b` cannot be made because `a` exists, or the other way round."""
    return any(
        other.startswith(ref + "/") or ref.startswith(other + "/")
        for other in repository.references
    )


def _exists(repository_id: int, ref: str) -> bool:
    return open_repository(repository_id).references.get(ref) is not None


def _write_tag(repository_id: int, name: str, at: str, message: str, author: str) -> str:
    who = signature(author)
    text = (
        f"object {at}\ntype commit\ntag {name}\n"
        f"tagger {who.name} <{who.email}> {who.time} +0000\n\n{message.replace(chr(0), '')}\n"
    )
    made = run_git(repository_id, ["mktag"], stdin=text.encode())
    return made.decode().strip()


def _peeled(repository_id: int, ref: str) -> str | None:
    if not pygit2.reference_is_valid_name(ref):
        return None
    sha = read_ref(repository_id, ref)
    return None if sha is None else _commit_of(repository_id, sha)


def _packed_ref(repository_id: int, ref: str) -> str | None:
    try:
        return str(open_repository(repository_id).references[ref].resolve().target)
    except (KeyError, ValueError, pygit2.GitError):
        return None


def _commit_of(repository_id: int, sha: str) -> str | None:
    try:
        return _known_commit(repository_id, sha)
    except KeyError:
        return None


@lru_cache(maxsize=20_000)
def _known_commit(repository_id: int, sha: str) -> str:
    """The commit that an object is or leads to; KeyError, which is not kept, when none."""
    found = open_repository(repository_id).get(pygit2.Oid(hex=sha))
    try:
        if found is None:
            raise KeyError(sha)
        return str(found.peel(pygit2.Commit).id)
    except (pygit2.GitError, ValueError) as error:
        raise KeyError(sha) from error


def _commit_starting_with(repository_id: int, start: str) -> str | None:
    if not _SHORT.fullmatch(start):
        return None
    try:
        found = open_repository(repository_id).get(start)
    except (KeyError, ValueError, pygit2.GitError):
        return None  # none, or several
    if found is None or found.type not in {ObjectType.COMMIT, ObjectType.TAG}:
        return None
    return _commit_of(repository_id, str(found.id))
