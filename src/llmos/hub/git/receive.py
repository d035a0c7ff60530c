"""What a push may bring: asked by git's pre-receive hook, answered before anything is kept.

git holds pushed objects in quarantine while its hook runs. Ours is a few lines of shell that
hand the quarantine's place and the reference changes to the server process over a pipe it
inherited, and wait for the verdict; so the rules live here, in one process that already has
the rows, and only this very push can ask about itself.
"""

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pygit2

from llmos.hub.git import signoff
from llmos.hub.git.config import GitSettings
from llmos.hub.git.draft import check_names, differences
from llmos.hub.git.paths import DEEPEST, BadPath, NamesCollide, checked_path
from llmos.hub.git.refs import NOTHING, break_stale_locks
from llmos.hub.git.repos import MAIN, git_environment, open_repository, path_of
from llmos.hub.git.tree import SMALLEST_POINTER
from llmos.kit.config import current
from llmos.kit.errors import Refusal
from llmos.kit.files import written_whole
from llmos.kit.home import home_from_environment
from llmos.wire.lfs import POINTER_CUTOFF, MalformedPointer, parse_pointer

HOOK = """#!/bin/sh
# Asks the hub whether this push may be kept; refused when nobody answers.
{ printf '%s\\n' "$GIT_OBJECT_DIRECTORY"; cat; printf 'end\\n'; } > "/dev/fd/$LLMOS_ASK" || exit 1
verdict=no
while IFS= read -r line; do
    case $line in
        ok) verdict=ok; break ;;
        no) break ;;
        *) printf '%s\\n' "$line" >&2 ;;
    esac
done < "/dev/fd/$LLMOS_ANSWER"
test "$verdict" = ok
"""
CHECK_SECONDS = 600
MOST_NAMED = 10  # faults told at once
_REF = re.compile(r"refs/(heads/.+|tags/.+|pr/[1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class RefChange:
    """One line of a push: a reference, and where it goes from and to."""

    ref: str
    old: str
    new: str

    @property
    def deletes(self) -> bool:
        return self.new == NOTHING

    @property
    def creates(self) -> bool:
        return self.old == NOTHING


@dataclass(frozen=True, slots=True)
class Rules:
    """What the pusher may do, and how to tell whether a large file's content is here."""

    may_write: bool
    own_changes: frozenset[int]  # numbers of change requests that are hers
    protected: frozenset[str]  # short branch names
    sign_off: bool  # commits onto `main` need the line
    missing: Callable[[dict[str, str]], set[str]]  # of {sha256: path}, those not uploaded here


class PushRefused(Refusal):
    """The whole push is refused; each line says what to do."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))


def hooks_folder() -> Path:
    """The folder with our hook, made again whenever it is not as it should be.

    Raises OSError when the home's disk lets no file be run: git would skip the hook silently.
    """
    hook = home_from_environment().run / "hooks" / "pre-receive"
    if not hook.is_file() or hook.read_text() != HOOK:
        with written_whole(hook) as file:
            os.fchmod(file.fileno(), 0o755)
            file.write(HOOK.encode())
    if not os.access(hook, os.X_OK):
        raise PermissionError(f"{hook} cannot be run; mount the home without `noexec`")
    return hook.parent


def read_change(line: str) -> RefChange:
    old, new, ref = line.split(" ", 2)
    return RefChange(ref, old, new)


def check_push(repository_id: int, quarantine: str, changes: list[RefChange], rules: Rules) -> None:
    """Raises PushRefused with a line for each of the first faults."""
    for change in changes:
        break_stale_locks(repository_id, change.ref)
    faults = [fault for change in changes if (fault := _fault_of_ref(change, rules))]
    if faults:
        raise PushRefused(faults)
    objects = _Objects(repository_id, quarantine)
    faults = [
        f"{c.ref} is protected: its history cannot be rewritten; push to another branch"
        for c in changes
        if _is_protected(c.ref, rules) and not c.creates and not objects.is_ancestor(c.old, c.new)
    ]
    faults = faults or [
        fault
        for c in changes
        if signoff.must_sign(rules.sign_off, c.ref) and not c.deletes
        for fault in _faults_of_signing(objects, c)
    ]
    if faults:
        raise PushRefused(faults)
    faults = _faults_of_blobs(objects, [c.new for c in changes if not c.deletes], rules)
    faults += [fault for c in changes if not c.deletes and (fault := objects.fault_of_names(c))]
    if faults:
        more = len(faults) - MOST_NAMED
        raise PushRefused([*faults[:MOST_NAMED], *([f"… and {more} more"] if more > 0 else [])])


def _fault_of_ref(change: RefChange, rules: Rules) -> str | None:
    ref = change.ref
    if not _REF.fullmatch(ref):
        return f"{ref}: only branches, tags and change requests (refs/pr/N) can be pushed"
    if ref.startswith("refs/pr/"):
        number = int(ref.rpartition("/")[2])
        if change.deletes:
            return f"{ref}: a change request is closed on its page, not deleted"
        if change.creates:
            return f"{ref}: open a change request first, then push to it"
        if not rules.may_write and number not in rules.own_changes:
            return f"{ref}: only its author and those who may write here push to it"
        return None
    if not rules.may_write:
        return f"{ref}: you may push to your change requests only (refs/pr/N)"
    if change.deletes and (ref == MAIN or _is_protected(ref, rules)):
        return f"{ref} is protected and cannot be deleted"
    return None


def _is_protected(ref: str, rules: Rules) -> bool:
    return ref.removeprefix("refs/heads/") in rules.protected and ref.startswith("refs/heads/")


def _faults_of_signing(objects: "_Objects", change: RefChange) -> list[str]:
    unsigned = [c for c in objects.new_commits(change) if not c.is_signed_off]
    if not unsigned:
        return []
    first = unsigned[0]
    named = f"{first.sha[:8]} “{first.title[:60]}”"
    return [
        f"{change.ref}: this repository asks for a sign-off, and {named}"
        + (f" and {len(unsigned) - 1} more have" if len(unsigned) > 1 else " has")
        + " none by its author or committer",
        "By “Signed-off-by: Name <mail>” you say that you may contribute it (/legal/dco).",
        "Add it with: git rebase --signoff origin/main; from then on: git commit -s",
    ]


def _faults_of_blobs(objects: "_Objects", tips: list[str], rules: Rules) -> list[str]:
    limit = current(GitSettings).largest_regular_file
    faults: list[str] = []
    small: dict[str, str] = {}
    for oid, size, path in objects.new_blobs(tips):
        if size > limit:
            shown = path or oid
            faults.append(
                f"'{shown}' has {size} bytes; files over {limit // 2**20} MiB must be stored with "
                f'Git LFS: git lfs track "{shown}", then commit again (git lfs migrate import '
                "rewrites commits that have it)"
            )
        elif SMALLEST_POINTER <= size < POINTER_CUTOFF:
            small[oid] = path
    pointers: dict[str, str] = {}
    for oid, content in objects.contents(small):
        try:
            pointer = parse_pointer(content)
        except MalformedPointer as error:
            faults.append(f"'{small[oid]}': {error.message}")
            continue
        if pointer is not None:
            pointers[pointer.sha256] = small[oid]
    faults += [
        f"'{pointers[sha256]}' is a pointer to a large file that is not here; "
        "upload it: git lfs push --all origin"
        for sha256 in sorted(rules.missing(pointers))
    ]
    return faults


class _Objects:
    """The repository as it would be after the push."""

    def __init__(self, repository_id: int, quarantine: str) -> None:
        self._path = path_of(repository_id)
        self._quarantine = quarantine
        self._environment = git_environment()
        if quarantine:  # a push that only deletes brings nothing
            self._environment |= {
                "GIT_OBJECT_DIRECTORY": quarantine,
                "GIT_ALTERNATE_OBJECT_DIRECTORIES": str(self._path / "objects"),
            }
        self._library: pygit2.Repository | None = None
        self._main = open_repository(repository_id).references.get(MAIN)

    def is_ancestor(self, old: str, new: str) -> bool:
        process = self._started(["merge-base", "--is-ancestor", old, new], None)
        process.communicate(timeout=CHECK_SECONDS)
        return process.returncode == 0

    def new_blobs(self, tips: list[str]) -> Iterator[tuple[str, int, str]]:
        """Id, size and path of each blob that no reference leads to yet, read as it goes."""
        # Deeper folders are refused by name; listing their paths would take quadratic time.
        listing = ["rev-list", "--objects", f"--filter=tree:{DEEPEST + 2}", "--stdin"]
        listing += ["--not", "--all"]
        sizing = ["cat-file", "--batch-check=%(objecttype) %(objectname) %(objectsize) %(rest)"]
        with tempfile.TemporaryFile() as wanted:
            wanted.write("".join(f"{tip}\n" for tip in tips).encode())
            wanted.seek(0)
            listed = self._started(listing, wanted)
            sized = self._started(sizing, listed.stdout)
        watch = threading.Timer(CHECK_SECONDS, listed.kill)
        watch.start()
        try:
            assert sized.stdout is not None
            for line in sized.stdout:
                kind, oid, size, path = line.rstrip(b"\n").split(b" ", 3)
                if kind == b"blob":
                    yield oid.decode(), int(size), path.decode("utf-8", "replace")
        finally:
            watch.cancel()
            for process in (sized, listed):
                assert process.stdout is not None
                process.stdout.close()  # ends one that still writes
                process.wait()
        if listed.returncode != 0 or sized.returncode != 0:
            raise PushRefused(["The pushed objects cannot be read; check them with git fsck"])

    def new_commits(self, change: RefChange) -> Iterator[signoff.Signed]:
        """The commits that a push puts onto a branch, read as they are found."""
        known = [] if change.creates else ["--not", change.old]
        process = self._started([*signoff.LOG, change.new, *known], None)
        watch = threading.Timer(CHECK_SECONDS, process.kill)
        watch.start()
        assert process.stdout is not None
        try:
            yield from signoff.read(process.stdout)
        finally:
            watch.cancel()
            process.stdout.close()
            process.wait()
        if process.returncode != 0:
            raise PushRefused(["The pushed commits cannot be read; check them with git fsck"])

    def contents(self, oids: dict[str, str]) -> Iterator[tuple[str, bytes]]:
        """Of small blobs; only those that begin like a pointer matter to the caller."""
        library = self._opened()
        for oid in oids:
            yield oid, bytes(library.odb.read(pygit2.Oid(hex=oid))[1])

    def fault_of_names(self, change: RefChange) -> str | None:
        """A path or a pair of names in the new tree that no repository takes."""
        library = self._opened()
        new = _tree_of(library, change.new)
        old = _tree_of(library, change.old) if not change.creates else self._main_tree(library)
        if new is None:
            return None
        try:
            check_names(library, old, new)
            for path, oid in differences(library, old, new):
                if oid is not None:
                    checked_path(path)
        except (BadPath, NamesCollide) as error:
            return f"{change.ref}: {error.message}"
        return None

    def _main_tree(self, library: pygit2.Repository) -> pygit2.Tree | None:
        return None if self._main is None else _tree_of(library, str(self._main.target))

    def _opened(self) -> pygit2.Repository:
        if self._library is None:
            self._library = pygit2.Repository(str(self._path))
            if self._quarantine:
                self._library.odb.add_disk_alternate(self._quarantine)
        return self._library

    def _started(self, arguments: list[str], stdin: IO[bytes] | None) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            ["git", *arguments],
            cwd=self._path,
            env=self._environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )


def _tree_of(library: pygit2.Repository, oid: str) -> pygit2.Tree | None:
    found = library.get(pygit2.Oid(hex=oid))
    try:
        return None if found is None else found.peel(pygit2.Tree)
    except (pygit2.GitError, ValueError):
        return None
