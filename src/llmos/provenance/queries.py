"""Reading lineage for pages and panels: how this was made, again by whom, used for what."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, QuerySet, When

from llmos.accounts.access import Viewer
from llmos.hub.git.tree import entries_at
from llmos.hub.models import Repository
from llmos.kit.time import iso
from llmos.provenance.access import is_named, seen
from llmos.provenance.graph import DEEPEST, lineage_of
from llmos.provenance.models import Activity, Edge, Rebuild

EARLIER = 20  # runs of one repository that are listed


@dataclass(frozen=True, slots=True)
class Source:
    """An input as this viewer may know it; without a name and a commit if she may not."""

    role: str
    kind: str
    name: str
    commit: str
    url: str
    is_gone: bool
    is_outdated: bool


@dataclass(frozen=True, slots=True)
class Rebuilds:
    """How often an activity was done again, and with what outcome."""

    equal: int
    differed: int

    @property
    def state(self) -> str:
        if self.differed:
            return "differed"
        return "equal" if self.equal else "never"


@dataclass(frozen=True, slots=True)
class Descendants:
    """What rests on a repository: those that may be named, and how many more there are."""

    named: list[tuple[str, str, bool]]  # name, address, whether it is stale already
    private: int
    cut: bool


def made_by(repository: Repository) -> Activity | None:
    """What made the head of `main`, or the last version before it."""
    edges = Edge.objects.filter(repository=repository, is_input=False)
    exact = Case(When(commit=repository.head_sha, then=1), default=0)
    edge = edges.order_by(exact.desc(), "-id").first()
    if edge is None:
        return None
    found = Activity.objects.select_related("user", "namespace")
    return found.prefetch_related("edges__repository").get(pk=edge.activity_id)


def runs_of(repository: Repository) -> QuerySet[Activity]:
    """All that was ever made into this repository, newest first."""
    edges = Edge.objects.filter(repository=repository, is_input=False).order_by("-id")
    newest = list(edges.values_list("activity_id", flat=True)[:EARLIER])
    return Activity.objects.filter(pk__in=newest).select_related("user").order_by("-ended_at")


def is_as_made(activity: Activity, repository: Repository) -> bool:
    """Whether the head still holds the large files that came out, whatever its words say."""
    output = activity.output()
    if output is None or output.commit == repository.head_sha:
        return True
    now = entries_at(repository.pk, repository.head_sha, list(activity.files))
    large = {entry.path: entry.pointer.sha256 for entry in now if entry.pointer}
    made = entries_at(repository.pk, output.commit, list(activity.files))
    return all(
        large.get(entry.path) == activity.files[entry.path] for entry in made if entry.pointer
    )


def sources_of(viewer: Viewer, activity: Activity) -> list[Source]:
    edges = activity.inputs()
    known = seen(viewer, [edge.repository_id for edge in edges])
    return [_source(edge, is_known=is_named(edge, known)) for edge in edges]


def output_of(viewer: Viewer, activity: Activity) -> Source | None:
    edge = activity.output()
    if edge is None:
        return None
    return _source(edge, is_known=is_named(edge, seen(viewer, [edge.repository_id])))


def rebuilds_of(activity: Activity) -> list[Rebuild]:
    """Newest first."""
    found = Rebuild.objects.filter(activity=activity).select_related("user", "namespace")
    return list(found.order_by("-at", "-pk"))


def rebuild_count(activity: Activity) -> Rebuilds:
    verdicts = list(Rebuild.objects.filter(activity=activity).values_list("equal", flat=True))
    return Rebuilds(equal=sum(verdicts), differed=len(verdicts) - sum(verdicts))


def uses_count(repository: Repository) -> int:
    """How many activities took this as their input."""
    return Edge.objects.filter(repository=repository, is_input=True).count()


def descendants_of(
    viewer: Viewer, repository: Repository, *, most: int, depth: int = DEEPEST
) -> Descendants:
    """Repositories that would be left behind if this one changed or went."""
    graph = lineage_of(viewer, repository, direction="to", depth=depth, most=most)
    stale = graph.stale()
    named: dict[str, tuple[str, str, bool]] = {}
    private: set[str] = set()
    for step, key in graph.makes:
        node = graph.nodes[key]
        if node.repository_id == repository.pk or node.is_gone:
            continue
        if not node.name:
            private.add(key)
            continue
        was_stale = named.get(node.url, ("", "", True))[2]
        named[node.url] = (node.name, node.url, was_stale and step in stale)
    return Descendants(list(named.values()), len(private), graph.cut)


def as_json(viewer: Viewer, activity: Activity, base: str) -> dict[str, Any]:
    """An activity with all that it takes to do it again."""
    output = output_of(viewer, activity)
    return {
        "id": activity.pk,
        "activity": activity.activity,
        "url": base + activity.url,
        "by": activity.user.username if activity.user else None,
        "startedAt": iso(activity.started_at),
        "endedAt": iso(activity.ended_at),
        "inputs": [_source_json(one) for one in sources_of(viewer, activity)],
        "output": _source_json(output) if output else None,
        "recipe": recipe_for(viewer, activity),
        "recipeHash": activity.recipe_hash,
        "arguments": activity.arguments,
        "seed": activity.seed,
        "software": activity.software,
        "softwareHash": activity.software_hash,
        "hardware": activity.hardware,
        "cost": activity.cost,
        "files": activity.files,
        "rebuilds": [
            {
                "job": one.pk,
                "by": one.user.username if one.user else None,
                "at": iso(one.at),
                "equal": one.equal,
                "differences": one.differences,
            }
            for one in rebuilds_of(activity)
        ],
    }


def recipe_for(viewer: Viewer, activity: Activity) -> dict[str, Any]:
    """The recipe, without the names of sources that the viewer may not know."""
    edges = activity.inputs()
    known = seen(viewer, [edge.repository_id for edge in edges])
    hidden = {edge.full_name for edge in edges if not is_named(edge, known)}
    cleaned: dict[str, Any] = _without(activity.recipe, hidden) if hidden else activity.recipe
    return cleaned


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_without(item, names) for item in value]
    if isinstance(value, str) and any(name in value for name in names):
        return "private"
    return value


def _source(edge: Edge, *, is_known: bool) -> Source:
    repository = edge.repository
    name = edge.name_now if is_known else ""
    prefix = repository.kind.prefix if repository else ""
    return Source(
        role=edge.role,
        kind=edge.kind,
        name=name,
        commit=edge.commit if is_known else "",
        url=f"/{prefix}{name}" if is_known and repository else "",
        is_gone=repository is None,
        is_outdated=edge.is_input and (repository is None or edge.outdated_since is not None),
    )


def _source_json(source: Source) -> dict[str, Any]:
    return {
        "role": source.role,
        "kind": source.kind,
        "repo": source.name or None,
        "commit": source.commit or None,
        "gone": source.is_gone,
        "outdated": source.is_outdated,
    }
