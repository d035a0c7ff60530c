"""What a card should say and does not: advice, never a refusal."""

import re
from typing import Any

from llmos.hub.facts.tags import listed
from llmos.hub.kinds import Kind

_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*|code|multilingual")
_NO_METADATA = (
    "empty or missing yaml metadata in repo card: begin README.md with lines between "
    "'---' that name at least the license"
)
_MODEL_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


def card_warnings(kind: Kind, front: dict[str, Any]) -> list[str]:
    """One sentence for each thing that would help people find and trust the repository."""
    if not front:
        return [_NO_METADATA]
    warnings = []
    if kind.name in {"model", "dataset"} and not front.get("license"):
        warnings.append("license is missing: without one nobody knows whether they may use this")
    warnings += [
        f"language {language!r} is not a code: write en, zh or fr, as ISO 639 has them"
        for language in listed(front.get("language"))
        if not _LANGUAGE.fullmatch(language)
    ]
    warnings += [
        f"{field} {name!r} is not the id of a repository, namespace/name"
        for field in ("base_model", "datasets")
        for name in listed(front.get(field))
        if kind.name == "model" and not _MODEL_ID.fullmatch(name)
    ]
    if kind.name == "space" and not front.get("sdk"):
        warnings.append("sdk is missing: a space needs one to run")
    return warnings
