"""Lineage as W3C PROV-JSON: https://www.w3.org/submissions/prov-json/"""

from typing import Any

from llmos.kit.time import iso
from llmos.provenance.graph import Lineage, Node, Step

PREFIX = {"llmos": "tag:llmos,2026:"}


def prov_json(graph: Lineage, base: str) -> dict[str, Any]:
    """A document that any PROV tool reads; `base` is where this hub is found."""
    stale = graph.stale()
    document: dict[str, Any] = {
        "prefix": PREFIX,
        "entity": {f"llmos:{node.key}": _entity(node, base) for node in graph.nodes.values()},
        "activity": {
            f"llmos:{key}": _activity(step, base, is_stale=key in stale)
            for key, step in graph.steps.items()
        },
        "agent": {
            _agent(name): {"prov:type": _qualified("prov:Person"), "prov:label": name}
            for name in graph.members.values()
        },
        "used": {},
        "wasGeneratedBy": {},
        "wasAssociatedWith": {},
        "wasDerivedFrom": {},
    }
    document["entity"][f"llmos:{graph.focus}"]["llmos:more"] = graph.cut
    _relate(document, graph)
    return {part: content for part, content in document.items() if content}


def _relate(document: dict[str, Any], graph: Lineage) -> None:
    used: dict[str, list[str]] = {}
    for number, use in enumerate(graph.uses):
        used.setdefault(use.step, []).append(use.node)
        found = {
            "prov:activity": f"llmos:{use.step}",
            "prov:entity": f"llmos:{use.node}",
            "llmos:outdated": use.is_outdated,
        }
        if use.role:
            found["prov:role"] = use.role
        document["used"][f"_:u{number}"] = found
    for number, (maker, node) in enumerate(graph.makes):
        document["wasGeneratedBy"][f"_:g{number}"] = {
            "prov:entity": f"llmos:{node}",
            "prov:activity": f"llmos:{maker}",
        }
        for source in used.get(maker, ()):
            document["wasDerivedFrom"][f"_:d{len(document['wasDerivedFrom'])}"] = {
                "prov:generatedEntity": f"llmos:{node}",
                "prov:usedEntity": f"llmos:{source}",
                "prov:activity": f"llmos:{maker}",
            }
    for later, made in graph.revisions:
        document["wasDerivedFrom"][f"_:d{len(document['wasDerivedFrom'])}"] = {
            "prov:generatedEntity": f"llmos:{later}",
            "prov:usedEntity": f"llmos:{made}",
            "prov:type": _qualified("prov:Revision"),
        }
    for key, step in graph.steps.items():
        if step is not None and step.user_id in graph.members:
            document["wasAssociatedWith"][f"_:a-{key}"] = {
                "prov:activity": f"llmos:{key}",
                "prov:agent": _agent(graph.members[step.user_id]),
            }


def _entity(node: Node, base: str) -> dict[str, Any]:
    found: dict[str, Any] = {
        "prov:type": _qualified(f"llmos:{node.kind}"),
        "prov:label": node.name or "private",
    }
    if node.commit:
        found["llmos:commit"] = node.commit
    if node.url:
        found["prov:location"] = f"{base}{node.url}/tree/{node.commit}"
    if node.is_gone:
        found["llmos:gone"] = True
    return found


def _activity(step: Step | None, base: str, *, is_stale: bool) -> dict[str, Any]:
    if step is None:
        return {"prov:label": "private"}
    found: dict[str, Any] = {
        "prov:startTime": iso(step.started_at),
        "prov:endTime": iso(step.ended_at),
        "prov:type": _qualified(f"llmos:{step.activity}"),
        "prov:location": f"{base}{step.url}",
        "llmos:recipe": step.recipe_hash,
        "llmos:software": step.software_hash,
        "llmos:seed": step.seed,
        "llmos:stale": is_stale,
    }
    told = {
        "llmos:cpuSeconds": step.cost.get("cpu_seconds"),
        "llmos:energyWh": step.cost.get("energy_wh"),
        "llmos:hardware": step.hardware.get("cpu"),
    }
    return found | {key: value for key, value in told.items() if value is not None}


def _agent(name: str) -> str:
    return f"llmos:member-{name}"


def _qualified(name: str) -> dict[str, str]:
    return {"$": name, "type": "prov:QUALIFIED_NAME"}
