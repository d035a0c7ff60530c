"""Snapshots: the facts of a commit, computed when first asked for and kept.

A snapshot follows from its commit alone, so it is never stale and can be dropped at any time.
"""

import io
from datetime import UTC, datetime
from typing import IO

import pygit2
from django.utils import translation

from llmos.hub.facts.snapshot import facts_of
from llmos.hub.git import tree
from llmos.hub.git.repos import open_repository
from llmos.hub.git.tree import Entry
from llmos.hub.lfs.content import ContentMissing, open_content
from llmos.hub.models import Repository, Snapshot
from llmos.kit.time import iso

# Listing more names than this in one answer helps nobody; the tree has pages.
MOST_FILES = 200_000


def snapshot_of(repository: Repository, sha: str) -> Snapshot:
    """The facts of a commit that exists. Blocking: a first call reads the commit's files."""
    found = Snapshot.objects.filter(repository_id=repository.pk, sha=sha).first()
    return found or _take(repository, sha)


def known_snapshot(repository_id: int, sha: str) -> Snapshot | None:
    return Snapshot.objects.filter(repository_id=repository_id, sha=sha).first()


def open_entry(repository_id: int, entry: Entry) -> IO[bytes]:
    """A file's content, large or small, seekable. Raises OSError when bytes are missing."""
    if entry.pointer is not None:
        try:
            return open_content(entry.pointer.sha256)
        except ContentMissing as missing:
            raise FileNotFoundError(entry.path) from missing
    return io.BytesIO(tree.read_blob(repository_id, entry.oid))


def files_of(repository_id: int, sha: str) -> list[Entry]:
    """Every file of a commit, in git's order."""
    page = tree.entries(repository_id, sha, recursive=True, limit=MOST_FILES)
    return [entry for entry in page.entries if entry.type == "file"]


def date_of(repository_id: int, sha: str) -> datetime:
    """When a commit was made, as it says itself."""
    commit = open_repository(repository_id)[sha].peel(pygit2.Commit)
    return datetime.fromtimestamp(commit.commit_time, UTC)


def _take(repository: Repository, sha: str) -> Snapshot:
    entries = files_of(repository.pk, sha)
    with translation.override("en"):  # kept for everybody, whoever asks first
        facts = facts_of(repository.kind, entries, lambda entry: open_entry(repository.pk, entry))
    fields = {
        **facts.fields,
        "lastModified": iso(date_of(repository.pk, sha)),
        "usedStorage": facts.size,
    }
    # Two may compute the same at once; both are right.
    snapshot, _new = Snapshot.objects.get_or_create(
        repository_id=repository.pk,
        sha=sha,
        defaults={
            "facts": fields,
            "names": facts.names.decode(),
            "files": facts.files.decode(),
        },
    )
    return snapshot
