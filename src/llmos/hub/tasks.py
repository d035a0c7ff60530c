"""What follows a change in the background: head copies, tags, search, scans, counters.

Every task looks at the state of now and not at the event's, so late, doubled and reordered
runs end the same.
"""

import logging
import math
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Sum
from django.utils import timezone

from llmos.hub import actions, queries
from llmos.hub.facts import scans
from llmos.hub.git import maintenance, refs, repos
from llmos.hub.git.tree import Entry
from llmos.hub.models import DownloadDay, FileScan, Like, Repository, RepositoryTag, Snapshot
from llmos.hub.snapshots import files_of, open_entry, snapshot_of
from llmos.store import search
from llmos.store.tasks import file_once, task, wake_worker

logger = logging.getLogger(__name__)

KEPT_SNAPSHOTS = 8  # older ones are made again when somebody asks
DOWNLOAD_DAYS = 30
TRENDING_DAYS = 7
_DAY = timedelta(days=1)


@task()
def on_ref_updated(
    *, repository_id: int, ref: str, old: str, new: str, user_id: int | None
) -> None:
    repository = Repository.objects.filter(pk=repository_id).first()
    if repository is None:
        return
    if ref == repos.MAIN:
        refresh(repository)
    if new != refs.NOTHING:
        scan_commit(repository_id, new)
    if maintenance.needs_packing(repository_id):
        tidy_repository.enqueue(repository_id=repository_id)


@task()
def tidy_repository(*, repository_id: int) -> None:
    """Pack what many commits left loose; whoever was filed second finds nothing to do."""
    here = Repository.objects.filter(pk=repository_id).exists()
    if here and maintenance.needs_packing(repository_id):
        maintenance.tidy(repository_id)


@task()
def on_repository_changed(*, repository_id: int) -> None:
    """Created, renamed, or with other settings."""
    repository = Repository.objects.filter(pk=repository_id).first()
    if repository is not None:
        refresh(repository)


@task()
def on_repository_deleted(*, repository_id: int, type: str, full_name: str) -> None:
    _forgetting([f"{type}:{repository_id}"])


@task()
def rebuild_search() -> None:
    """Make the search index anew from the rows."""
    logger.info("the search index holds %s documents", search.rebuild())


@task()
def catch_up() -> None:
    """Take in what was pushed and never recorded: after a kill or a restore."""
    copies = Snapshot.objects.filter(repository=OuterRef("pk"), sha=OuterRef("head_sha"))
    recorded = Repository.objects.values_list("pk", "head_sha", Exists(copies))
    moved: list[int] = []
    stale: list[int] = []
    for repository_id, head_sha, is_copied in recorded.iterator(chunk_size=1000):
        head = refs.read_ref(repository_id, repos.MAIN)
        if head is not None and head != head_sha:
            moved.append(repository_id)
        elif head is not None and not is_copied:
            stale.append(repository_id)
    for repository_id in moved:
        # Looked at again: one that was on its way is recorded by now.
        repository = Repository.objects.filter(pk=repository_id).first()
        if repository is not None:
            actions.record_lost_push(repository)
    for repository_id in stale:
        on_repository_changed.enqueue(repository_id=repository_id)


@task()
def recount() -> None:
    """Downloads of the last thirty days and what is on the rise; once a day."""
    maintenance.sweep_all()
    today = timezone.now().date()
    month = _sums(today - timedelta(days=DOWNLOAD_DAYS))
    week = _sums(today - timedelta(days=TRENDING_DAYS))
    likes: dict[int, int] = dict(
        Like.objects.filter(created_at__gt=timezone.now() - timedelta(days=TRENDING_DAYS))
        .values_list("repository_id")
        .annotate(count=Count("id"))
    )
    for row in Repository.objects.only("pk", "downloads", "trending").iterator(chunk_size=1000):
        downloads = month.get(row.pk, 0)
        trending = _trending(likes.get(row.pk, 0), week.get(row.pk, 0))
        if (downloads, trending) != (row.downloads, row.trending):
            Repository.objects.filter(pk=row.pk).update(downloads=downloads, trending=trending)
    file_once(recount, run_after=timezone.now() + _DAY)


def begin() -> None:
    """File what a starting worker owes: a search index, and the daily count."""
    if search.is_missing():
        file_once(rebuild_search)
    file_once(recount)


def begin_serving() -> None:
    """File what a starting web process owes: the one before may have been killed in a push."""
    file_once(catch_up)
    wake_worker()


def refresh(repository: Repository) -> None:
    """Copy what the head of `main` says into the row, its tags and the search index."""
    head = refs.read_ref(repository.pk, repos.MAIN)
    if head is None:
        return
    snapshot = snapshot_of(repository, head)
    _copy_facts(repository, snapshot)
    _forget_old_snapshots(repository.pk)
    repository.refresh_from_db()
    document = queries.search_document(repository)
    try:
        search.index([document])
    except search.IndexDamaged:
        logger.warning("the search index is damaged; making it anew")
        search.rebuild()


def scan_commit(repository_id: int, sha: str) -> None:
    """Look through every file of a commit that can carry code and was not looked at yet."""
    suspects = [entry for entry in files_of(repository_id, sha) if scans.can_carry_code(entry.path)]
    known = queries.scans_of(suspects)
    for entry in suspects:
        if entry.etag not in known:
            known[entry.etag] = _scan(repository_id, entry)


@transaction.atomic
def _copy_facts(repository: Repository, snapshot: Snapshot) -> None:
    facts: dict[str, Any] = snapshot.facts
    parameters = (facts.get("safetensors") or facts.get("gguf") or {}).get("total")
    card, tags = facts.get("cardData", {}), facts.get("tags", [])
    Repository.objects.filter(pk=repository.pk).update(
        head_sha=snapshot.sha,
        card=card,
        tags=tags,
        description=facts.get("description", ""),
        pipeline_tag=facts.get("pipeline_tag", ""),
        library_name=facts.get("library_name", ""),
        parameters=parameters,
        used_storage=facts.get("usedStorage", 0),
    )
    # A space is found by what it uses, though that is not among the tags it shows.
    linked = [f"models:{name}" for name in facts.get("models", [])]
    linked += [f"datasets:{name}" for name in facts.get("datasets", [])]
    _set_tags(repository.pk, {*tags, *(tag for tag in linked if len(tag) <= 128)})


def _set_tags(repository_id: int, wanted: set[str]) -> None:
    rows = RepositoryTag.objects.filter(repository_id=repository_id)
    have = set(rows.values_list("tag", flat=True))
    rows.filter(tag__in=have - wanted).delete()
    RepositoryTag.objects.bulk_create(
        [RepositoryTag(repository_id=repository_id, tag=tag) for tag in sorted(wanted - have)],
        ignore_conflicts=True,
    )


def _forget_old_snapshots(repository_id: int) -> None:
    rows = Snapshot.objects.filter(repository_id=repository_id).order_by("-made_at", "-id")
    old = list(rows.values_list("pk", flat=True)[KEPT_SNAPSHOTS:])
    if old:
        Snapshot.objects.filter(pk__in=old).delete()


def _scan(repository_id: int, entry: Entry) -> FileScan:
    try:
        with open_entry(repository_id, entry) as file:
            finding = scans.scan(file, entry.path)
    except OSError:
        finding = scans.Finding("error")
    imports = [found.as_json() for found in finding.imports[:200]]
    scan, _new = FileScan.objects.update_or_create(
        content=entry.etag, defaults={"status": finding.status, "imports": imports}
    )
    return scan


def _sums(since: Any) -> dict[int, int]:
    rows = DownloadDay.objects.filter(day__gt=since).values_list("repository_id")
    return dict(rows.annotate(total=Sum("count")))


def _trending(likes: int, downloads: int) -> float:
    """One like weighs as much as doubling a handful of downloads."""
    return round(likes + math.log2(1 + downloads), 3)


def _forgetting(uids: Iterable[str]) -> None:
    try:
        search.forget(uids)
    except search.IndexDamaged:
        search.rebuild()
