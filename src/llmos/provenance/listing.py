"""A lineage graph as rows of a table: the twin of the drawing."""

from dataclasses import dataclass

from llmos.provenance.graph import Lineage, Node, Step


@dataclass(frozen=True, slots=True)
class Row:
    """One activity; None where the viewer may not know what was done."""

    activity: Step | None
    by: str
    sources: list[tuple[Node, bool]]  # with whether it is outdated
    outputs: list[Node]
    is_stale: bool


def listed(graph: Lineage) -> list[Row]:
    """In the order of the walk: what is near comes first."""
    stale = graph.stale()
    sources: dict[str, list[tuple[Node, bool]]] = {}
    outputs: dict[str, list[Node]] = {}
    for use in graph.uses:
        sources.setdefault(use.step, []).append((graph.nodes[use.node], use.is_outdated))
    for step, node in graph.makes:
        outputs.setdefault(step, []).append(graph.nodes[node])
    return [
        Row(
            activity=activity,
            by=graph.members.get(activity.user_id, "") if activity and activity.user_id else "",
            sources=sources.get(step, []),
            outputs=outputs.get(step, []),
            is_stale=step in stale,
        )
        for step, activity in graph.steps.items()
    ]
