"""Recording what was made, whether it could be made again, and what was measured."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from llmos.hub.models import Repository
from llmos.lab.recipes.reading import recipe_hash
from llmos.lab.software import lock_hash
from llmos.provenance.events import ActivityRecorded, RebuildRecorded
from llmos.provenance.keys import signing_key
from llmos.provenance.models import Activity, Edge, Rebuild, Receipt
from llmos.store.events import announce
from llmos.wire.receipts import sign


@transaction.atomic
def record_activity(
    *,
    job_id: str,
    activity: str,
    recipe: dict[str, Any],
    arguments: dict[str, Any],
    inputs: list[dict[str, str]],
    outputs: list[dict[str, Any]],
    files: dict[str, str],
    software: dict[str, str],
    seed: int,
    hardware: dict[str, Any],
    cost: dict[str, Any],
    started_at: datetime,
    ended_at: datetime,
    user_id: int | None,
) -> Activity:
    """The edge that a finished job leaves; recorded once, however often it is told."""
    made, is_new = Activity.objects.get_or_create(
        job_id=job_id,
        defaults={
            "activity": activity,
            "recipe": recipe,
            "recipe_hash": recipe_hash(recipe),
            "arguments": arguments,
            "software": software,
            "software_hash": lock_hash(software),
            "seed": seed,
            "hardware": hardware,
            "cost": cost,
            "files": files,
            "user_id": user_id,
            "started_at": started_at,
            "ended_at": ended_at,
        },
    )
    if is_new:
        Edge.objects.bulk_create(
            [_edge(made, one, is_input=True) for one in inputs]
            + [_edge(made, one, is_input=False) for one in outputs]
        )
        announce(ActivityRecorded(activity_id=made.pk))
    return made


@transaction.atomic
def record_rebuild(
    *, activity: Activity, job_id: str, made: Mapping[str, Any], output: Mapping[str, Any] | None
) -> Rebuild:
    """Compare what came out now with what came out first; says what differs, if anything."""
    files = dict((output or {}).get("files", {}))
    differences = {
        "files": _differing(activity.files, files),
        "software": _differing(activity.software, dict(made.get("software", {}))),
        "hardware": _differing(activity.hardware, dict(made.get("hardware", {}))),
    }
    verdict, _ = Rebuild.objects.get_or_create(
        job_id=job_id,
        defaults={
            "activity": activity,
            "equal": bool(files) and not differences["files"],
            "differences": {part: found for part, found in differences.items() if found},
        },
    )
    announce(RebuildRecorded(activity_id=activity.pk, equal=verdict.equal))
    return verdict


@transaction.atomic
def sign_statement(
    statement: Mapping[str, Any], *, repository: Repository | None = None, job_id: str = ""
) -> Receipt:
    """Sign with the hub's key and keep the envelope; the same job is signed once."""
    if job_id:
        known = Receipt.objects.filter(job_id=job_id).first()
        if known is not None:
            return known
    envelope = sign(statement, signing_key())
    digest = hashlib.sha256(envelope).hexdigest()
    receipt, _ = Receipt.objects.get_or_create(
        digest=digest,
        defaults={"envelope": envelope, "repository": repository, "job_id": job_id},
    )
    return receipt


def _edge(activity: Activity, named: Mapping[str, Any], *, is_input: bool) -> Edge:
    repository = Repository.objects.filter(
        type=named["kind"], key=str(named["repo"]).casefold()
    ).first()
    return Edge(
        activity=activity,
        is_input=is_input,
        role=named.get("role", ""),
        repository=repository,
        kind=named["kind"],
        full_name=named["repo"],
        commit=named["commit"],
    )


def _differing(first: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Key to [then, now] where they are not the same."""
    return {
        key: [first.get(key), now.get(key)]
        for key in sorted({*first, *now})
        if first.get(key) != now.get(key)
    }
