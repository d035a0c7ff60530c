"""Reading repositories and what belongs to them, for pages and machine answers alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet, Sum

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.hub.access import visible_sql
from llmos.hub.facts.cards import read_card
from llmos.hub.facts.scans import can_carry_code
from llmos.hub.git import refs, repos, tree
from llmos.hub.git.tree import Entry
from llmos.hub.kinds import KINDS, Kind
from llmos.hub.listing import Page, Wish, listed
from llmos.hub.models import (
    AccessRequest,
    FileScan,
    Like,
    Repository,
    RepositoryTag,
    Snapshot,
)
from llmos.hub.snapshots import files_of, snapshot_of
from llmos.store import db, search

RELATIONS = ("adapter", "finetune", "merge", "quantized")


@dataclass(frozen=True, slots=True)
class RepositoryPage:
    repositories: list[Repository]
    cursor: str


@dataclass(frozen=True, slots=True)
class Overview:
    """A repository at a revision, as its page shows it."""

    repository: Repository
    sha: str
    snapshot: Snapshot


def repositories(viewer: Viewer, kind: Kind, wish: Wish) -> RepositoryPage:
    """One page of repositories that the viewer may know of. Raises Invalid."""
    found: Page = listed(viewer, kind, wish, columns=db.columns(Repository, "r"))
    return RepositoryPage([db.instance(Repository, row) for row in found.rows], found.cursor)


def overview(repository: Repository, revision: str = "main") -> Overview:
    """Raises RevisionNotFound."""
    sha = refs.resolve(repository.pk, revision)
    return Overview(repository, sha, snapshot_of(repository, sha))


def visible(viewer: Viewer) -> QuerySet[Repository]:
    """All repositories whose existence the viewer may know, for filters of one's own."""
    condition, params = visible_sql(viewer, "hub_repository")
    return Repository.objects.extra(where=[condition], params=params)  # noqa: S610  # no outside text


def counts_of(viewer: Viewer, namespace_id: int) -> dict[str, int]:
    """How many repositories of each kind a namespace shows to the viewer."""
    rows = (
        visible(viewer)
        .filter(namespace_id=namespace_id)
        .values_list("type")
        .annotate(count=Count("id"))
    )
    return {**dict.fromkeys(KINDS, 0), **dict(rows)}


def overview_facts(viewer: Viewer, namespace_id: int) -> dict[str, int]:
    """The same, and the likes a member gave, in the words of overviews."""
    counts = counts_of(viewer, namespace_id)
    likes = Like.objects.filter(user__namespace_id=namespace_id).count()
    named = {f"num{kind.plural.capitalize()}": counts[kind.name] for kind in KINDS.values()}
    return {**named, "numLikes": likes}


def repositories_of(viewer: Viewer, namespace_id: int) -> list[Repository]:
    """Everything in a namespace that the viewer may know of, newest change first."""
    return list(visible(viewer).filter(namespace_id=namespace_id).order_by("-updated_at", "-id"))


def security_status(repository_id: int, sha: str) -> dict[str, Any]:
    """Which files of a commit can run code and were found wanting; whether all are scanned."""
    suspects = [entry for entry in files_of(repository_id, sha) if can_carry_code(entry.path)]
    scans = scans_of(suspects)
    issues = [
        {"path": entry.path, "level": scans[entry.etag].status}
        for entry in suspects
        if entry.etag in scans and scans[entry.etag].status != "safe"
    ]
    return {
        "scansDone": all(entry.etag in scans for entry in suspects),
        "filesWithIssues": issues,
    }


def scans_of(entries: Sequence[Entry]) -> dict[str, FileScan]:
    """What the scanner found, by each file's `etag`; files not scanned yet are left out."""
    wanted = [entry.etag for entry in entries]
    found: dict[str, FileScan] = {}
    for start in range(0, len(wanted), 500):
        rows = FileScan.objects.filter(content__in=wanted[start : start + 500])
        found.update({row.content: row for row in rows})
    return found


def count_children(full_name: str) -> dict[str, int]:
    """How many public models say that they come from this one, by how."""
    tags = {f"base_model:{relation}:{full_name}": relation for relation in RELATIONS}
    rows = (
        RepositoryTag.objects.filter(tag__in=tags)
        .exclude(repository__visibility="private")
        .values_list("tag")
        .annotate(count=Count("id"))
    )
    return {**dict.fromkeys(RELATIONS, 0), **{tags[tag]: count for tag, count in rows}}


def public_tags(kind: Kind) -> list[tuple[str, int]]:
    """Tags of public repositories with how many have each, most used first."""
    found = db.rows(
        "SELECT t.tag, COUNT(*) AS n FROM hub_repositorytag t "
        "JOIN hub_repository r ON r.id = t.repository_id "
        "WHERE r.type = %s AND r.visibility <> 'private' AND NOT r.disabled "
        "GROUP BY t.tag ORDER BY n DESC, t.tag LIMIT 5000",
        [kind.name],
    )
    return [(tag, int(count)) for tag, count in found]


def pipeline_tags() -> set[str]:
    return set(
        Repository.objects.filter(type="model")
        .exclude(pipeline_tag="")
        .values_list("pipeline_tag", flat=True)
        .distinct()
    )


def libraries() -> set[str]:
    return set(
        Repository.objects.filter(type="model")
        .exclude(library_name="")
        .values_list("library_name", flat=True)
        .distinct()
    )


def likes_of(viewer: Viewer, user_id: int) -> list[Like]:
    """What a member likes, newest first, as far as the viewer may know of it."""
    return list(
        Like.objects.filter(user_id=user_id, repository__in=visible(viewer))
        .select_related("repository")
        .order_by("-created_at", "-id")
    )


def likers_of(repository_id: int, *, limit: int, after: int | None) -> list[Like]:
    """Likes with their members, newest first; `after` is the last like's id of a page before."""
    found = Like.objects.filter(repository_id=repository_id, user__is_active=True)
    if after is not None:
        found = found.filter(pk__lt=after)
    return list(found.select_related("user__namespace").order_by("-id")[:limit])


def likes(user_id: int | None, repository_id: int) -> bool:
    return (
        user_id is not None
        and Like.objects.filter(user_id=user_id, repository_id=repository_id).exists()
    )


def access_requests(repository_id: int, status: str) -> list[AccessRequest]:
    """Who asked to read a gated repository and stands at `status`, oldest first."""
    return list(
        AccessRequest.objects.filter(repository_id=repository_id, status=status)
        .select_related("user__namespace")
        .order_by("created_at", "id")
    )


def storage_of(namespace: Namespace) -> int:
    """Bytes of the files at the heads of a namespace's repositories."""
    total = Repository.objects.filter(namespace=namespace).aggregate(total=Sum("used_storage"))
    return int(total["total"] or 0)


def search_documents() -> Iterator[search.Document]:
    """Every repository as the search index sees it; private ones under their owner's scope."""
    found = Repository.objects.select_related("namespace").order_by("pk")
    for repository in found.iterator(chunk_size=500):
        yield search_document(repository)


def search_document(repository: Repository) -> search.Document:
    card = repository.card if isinstance(repository.card, dict) else {}
    names = [repository.full_name, repository.namespace.full_name]
    names += [str(card[key]) for key in ("title", "pretty_name", "model_name") if card.get(key)]
    return search.Document(
        kind=repository.type,
        id=repository.pk,
        names=" ".join(names),
        tags=" ".join(repository.tags),
        text=f"{repository.description}\n{_card_text(repository)}",
        scope=search.EVERYBODY if not repository.is_private else f"ns:{repository.namespace_id}",
    )


def _card_text(repository: Repository) -> str:
    """The words of the card; a missing repository folder is as good as no card."""
    try:
        sha = refs.read_ref(repository.pk, repos.MAIN)
        raw = tree.read_file(repository.pk, sha, "README.md") if sha else None
    except (OSError, KeyError, ValueError):
        return ""
    return read_card(raw.decode("utf-8", "replace")).text[:100_000] if raw else ""
