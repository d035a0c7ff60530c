"""Checks of repositories and large files: what rows say against what lies on disk.

They read only; what they find is mended by the finding's own repair. A check may run
beside a working hub, so whoever calls it looks twice before believing a finding.
"""

import hashlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pygit2

from llmos.hub import actions
from llmos.hub.git import refs, repos, tree
from llmos.hub.lfs.content import content
from llmos.hub.models import LfsLink, LfsObject, Repository
from llmos.hub.xet.blocks import xorb_path
from llmos.hub.xet.models import XetFile, XetTerm, Xorb
from llmos.kit.errors import Refusal
from llmos.kit.health import Finding
from llmos.kit.home import home_from_environment
from llmos.store.blobs import blob_path

# What a creation or a removal leaves for a moment is a leftover only after this, in seconds.
SETTLED = 3600.0
_FSCK_SECONDS = 3600.0


def repository_findings(*, thorough: bool) -> Iterator[Finding]:
    """Each repository's git folder, its objects, its recorded head, its large files.

    Thorough: every git object that a reference needs is looked up.
    """
    for repository in Repository.objects.order_by("pk").iterator(chunk_size=500):
        try:
            repos.open_repository(repository.pk)
        except (FileNotFoundError, pygit2.GitError):
            yield Finding(
                f"{repository.type} {repository}",
                f"its git folder {repos.path_of(repository.pk)} is missing or unreadable; "
                "restore it from a backup",
            )
            continue
        if thorough:
            yield from _lost_objects(repository)
        yield from _drifted_head(repository)
        try:
            wanted = _pointers(repository)
        except (KeyError, pygit2.GitError) as error:
            yield Finding(
                f"{repository.type} {repository}",
                f"a git object is missing or unreadable ({error}); restore it from a backup",
            )
        else:
            yield from _missing_content(repository, wanted)


def leftover_findings() -> Iterator[Finding]:
    """Git folders that no row names: creations and removals that were cut short."""
    known = set(Repository.objects.values_list("pk", flat=True))
    horizon = time.time() - SETTLED
    for path in sorted(home_from_environment().git.glob("*/*")):
        if path.stat().st_mtime > horizon:
            continue
        if path.name.startswith((".new-", ".gone-")):
            yield Finding(str(path), "a leftover of a cut-short change", partial(_remove, path))
        elif path.suffix == ".git" and path.stem.isdecimal() and int(path.stem) not in known:
            repair = partial(repos.remove, int(path.stem))
            yield Finding(str(path), "a git folder that no repository owns", repair)


def content_findings(*, thorough: bool) -> Iterator[Finding]:
    """Large files: that their bytes are there. Thorough: that they are the right bytes."""
    for xorb in Xorb.objects.only("hash", "stored_size").iterator(chunk_size=1000):
        size = _size(xorb_path(xorb.hash))
        if size != xorb.stored_size:
            is_used = XetTerm.objects.filter(xorb_id=xorb.hash).exists()
            repair = None if is_used else partial(_forget_xorb, xorb.hash)
            yield Finding(f"xorb {xorb.hash}", _told(size, xorb.stored_size), repair)
    for large in LfsObject.objects.iterator(chunk_size=1000):
        yield from _large_findings(large, thorough=thorough)


def _large_findings(large: LfsObject, *, thorough: bool) -> Iterator[Finding]:
    subject = f"large file {large.sha256}"
    in_xet = (
        bool(large.xet_hash)
        and XetFile.objects.filter(pk=large.xet_hash, sha256=large.sha256, size=large.size).exists()
    )
    if large.xet_hash and not in_xet:
        repair = partial(_update, large, xet_hash="") if large.whole else None
        yield Finding(subject, f"its Xet file {large.xet_hash} is not known", repair)
    if large.whole:
        size = _size(blob_path(large.sha256))
        if size != large.size:
            repair = partial(_update, large, whole=False) if in_xet else None
            yield Finding(subject, _told(size, large.size), repair)
            return
    elif not large.xet_hash and LfsLink.objects.filter(object=large).exists():
        yield Finding(subject, "repositories use it, but its bytes never came")
        return
    if thorough and (large.whole or in_xet):
        yield from _wrong_bytes(subject, large)


def _wrong_bytes(subject: str, large: LfsObject) -> Iterator[Finding]:
    digest = hashlib.sha256()
    try:
        for piece in content(large.sha256).pieces(0, large.size):
            digest.update(piece)
    except (OSError, ValueError, Refusal) as error:
        yield Finding(subject, f"its bytes cannot be read: {error}; restore it from a backup")
        return
    if digest.hexdigest() != large.sha256:
        yield Finding(subject, "its bytes changed on disk; restore it from a backup")


def _lost_objects(repository: Repository) -> Iterator[Finding]:
    try:
        repos.run_git(
            repository.pk,
            ["fsck", "--connectivity-only", "--no-dangling", "--no-progress"],
            seconds=_FSCK_SECONDS,
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr or error.stdout or b"").decode(errors="replace").splitlines()
        yield Finding(f"{repository.type} {repository}", f"git fsck: {'; '.join(said[:3])}")


def _drifted_head(repository: Repository) -> Iterator[Finding]:
    head = refs.drift(repository.pk, repository.head_sha)
    if head is not None:
        yield Finding(
            f"{repository.type} {repository}",
            f"main is at {head[:12]}, the row says {repository.head_sha[:12] or 'nothing'}",
            partial(actions.record_lost_push, repository),
        )


def _pointers(repository: Repository) -> dict[str, str]:
    """Content by sha256 that the head of any reference points at, with one of its paths."""
    found = refs.list_refs(repository.pk)
    wanted: dict[str, str] = {}
    seen: set[str] = set()
    for head in {ref.target for ref in [*found.branches, *found.tags, *found.changes]}:
        for path, oid in tree.all_files(repository.pk, head):
            if oid not in seen:
                seen.add(oid)
                pointer = tree.pointer_of(repository.pk, oid)
                if pointer is not None:
                    wanted[pointer.sha256] = path
    return wanted


def _missing_content(repository: Repository, wanted: dict[str, str]) -> Iterator[Finding]:
    if not wanted:
        return
    links = LfsLink.objects.filter(repository=repository)
    held = set(links.values_list("object_id", flat=True))
    for sha256, path in wanted.items():
        if sha256 not in held:
            yield Finding(
                f"{repository.type} {repository}",
                f"{path} points at content {sha256[:12]} that this repository does not hold",
            )


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _told(size: int | None, expected: int) -> str:
    if size is None:
        return "its file is missing; restore it from a backup"
    return f"its file has {size} bytes instead of {expected}; restore it from a backup"


def _update(large: LfsObject, **fields: object) -> None:
    LfsObject.objects.filter(pk=large.pk).update(**fields)


def _forget_xorb(name: str) -> None:
    """Of a block that no file uses, so that the next upload sends it again."""
    Xorb.objects.filter(pk=name).delete()
    xorb_path(name).unlink(missing_ok=True)


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
