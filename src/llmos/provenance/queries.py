"""Reading lineage: made from what, used for what, and what is stale since."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from llmos.accounts.access import Viewer
from llmos.hub.models import Repository
from llmos.kit.time import iso
from llmos.provenance.access import sees
from llmos.provenance.models import Activity, Edge

Direction = Literal["from", "to"]
MOST_ACTIVITIES = 200
DEEPEST = 12


@dataclass(frozen=True, slots=True)
class Node:
    """A commit of a repository; without a name where the viewer may not know it."""

    key: str
    name: str
    kind: str
    commit: str
    url: str
    stale: bool = False  # its source has moved on, or is gone


@dataclass(slots=True)
class Lineage:
    """A graph: commits and the activities between them. `cut` says that there is more."""

    nodes: dict[str, Node] = field(default_factory=dict)
    activities: dict[str, Activity] = field(default_factory=dict)
    uses: list[tuple[str, str, str]] = field(default_factory=list)  # node, activity, role
    makes: list[tuple[str, str]] = field(default_factory=list)  # activity, node
    cut: bool = False


def lineage_of(
    viewer: Viewer, repository: Repository, *, direction: Direction, depth: int = DEEPEST
) -> Lineage:
    """Everything upstream (`from`) or downstream (`to`) of a repository, breadth first."""
    graph = Lineage()
    frontier = {repository.pk}
    seen: set[int] = set()
    for _ in range(min(depth, DEEPEST)):
        frontier -= seen
        if not frontier or graph.cut:
            break
        seen |= frontier
        activities = _around(frontier, direction)
        frontier = set()
        for activity in activities:
            if len(graph.activities) >= MOST_ACTIVITIES:
                graph.cut = True
                break
            if activity.pk in graph.activities:
                continue
            _add(graph, viewer, activity)
            frontier |= {
                edge.repository_id
                for edge in activity.edges.all()
                if edge.is_input == (direction == "from") and edge.repository_id is not None
            }
    return graph


def made_by(repository: Repository, commit: str | None = None) -> Activity | None:
    """The newest activity that wrote to this repository (at this commit)."""
    edges = Edge.objects.filter(repository=repository, is_input=False)
    if commit:
        edges = edges.filter(commit=commit)
    edge = edges.order_by("-activity__ended_at").first()
    if edge is None:
        return None
    return Activity.objects.prefetch_related("edges__repository").get(pk=edge.activity_id)


def descendants(repository: Repository) -> int:
    """How many other repositories were made from this one, directly."""
    outputs = Edge.objects.filter(
        is_input=False, activity__edges__is_input=True, activity__edges__repository=repository
    )
    return outputs.values("repository_id").distinct().count()


def stale_inputs(activity: Activity) -> list[Edge]:
    """Inputs whose repository is gone, or whose main branch stands elsewhere now."""
    return [edge for edge in activity.inputs() if _is_stale(edge)]


def prov_json(viewer: Viewer, graph: Lineage) -> dict[str, Any]:
    """The graph in W3C PROV-JSON: https://www.w3.org/submissions/prov-json/"""
    document: dict[str, Any] = {
        "prefix": {"llmos": "tag:llmos,2026:"},
        "entity": {
            f"llmos:{key}": {
                "prov:label": node.name or "private",
                "llmos:kind": node.kind,
                "llmos:commit": node.commit,
            }
            for key, node in graph.nodes.items()
        },
        "activity": {},
        "agent": {},
        "used": {},
        "wasGeneratedBy": {},
        "wasAssociatedWith": {},
        "wasDerivedFrom": {},
    }
    for key, activity in graph.activities.items():
        document["activity"][f"llmos:{key}"] = _prov_activity(activity)
        if activity.user is not None:
            agent = f"llmos:member-{activity.user.username}"
            document["agent"][agent] = {"prov:type": {"$": "prov:Person", "type": "xsd:QName"}}
            document["wasAssociatedWith"][f"_:by-{key}"] = {
                "prov:activity": f"llmos:{key}",
                "prov:agent": agent,
            }
    for node, activity_id, role in graph.uses:
        document["used"][f"_:use-{activity_id}-{node}"] = {
            "prov:activity": f"llmos:{activity_id}",
            "prov:entity": f"llmos:{node}",
            "prov:role": role,
        }
    for activity_id, node in graph.makes:
        document["wasGeneratedBy"][f"_:make-{activity_id}-{node}"] = {
            "prov:entity": f"llmos:{node}",
            "prov:activity": f"llmos:{activity_id}",
        }
        for source, used_by, _role in graph.uses:
            if used_by == activity_id:
                document["wasDerivedFrom"][f"_:derive-{node}-{source}"] = {
                    "prov:generatedEntity": f"llmos:{node}",
                    "prov:usedEntity": f"llmos:{source}",
                    "prov:activity": f"llmos:{activity_id}",
                }
    return document


def _prov_activity(activity: Activity) -> dict[str, Any]:
    return {
        "prov:startTime": iso(activity.started_at),
        "prov:endTime": iso(activity.ended_at),
        "prov:type": activity.activity,
        "llmos:job": activity.job_id,
        "llmos:recipe": activity.recipe_hash,
        "llmos:software": activity.software_hash,
        "llmos:seed": activity.seed,
        "llmos:cpuSeconds": activity.cost.get("cpu_seconds"),
        "llmos:hardware": activity.hardware.get("cpu", ""),
    }


def _around(repositories: Iterable[int], direction: Direction) -> list[Activity]:
    """Activities that made (or used) any of these, newest first."""
    edges = Edge.objects.filter(
        repository_id__in=list(repositories), is_input=direction == "to"
    ).values_list("activity_id", flat=True)
    found = Activity.objects.filter(pk__in=edges).select_related("user")
    return list(
        found.prefetch_related("edges__repository").order_by("-ended_at")[: MOST_ACTIVITIES + 1]
    )


def _add(graph: Lineage, viewer: Viewer, activity: Activity) -> None:
    graph.activities[activity.pk] = activity
    for edge in activity.edges.all():
        node = _node(viewer, edge)
        graph.nodes.setdefault(node.key, node)
        if edge.is_input:
            graph.uses.append((node.key, activity.pk, edge.role))
        else:
            graph.makes.append((activity.pk, node.key))


def _node(viewer: Viewer, edge: Edge) -> Node:
    key = f"{edge.repository_id or f'gone-{edge.pk}'}-{edge.commit[:12]}"
    if not sees(viewer, edge):
        gone = edge.repository_id is None
        return Node(key, edge.full_name if gone else "", edge.kind, "", "", stale=gone)
    repository = edge.repository
    assert repository is not None
    url = f"/{repository.kind.prefix}{repository.full_name}/tree/{edge.commit}"
    return Node(key, repository.full_name, edge.kind, edge.commit, url, _is_stale(edge))


def _is_stale(edge: Edge) -> bool:
    if not edge.is_input:
        return False
    return edge.repository is None or edge.repository.head_sha != edge.commit
