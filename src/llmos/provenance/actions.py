"""Recording what was made, whether it could be made again, and what was measured."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from llmos.hub.git import refs, repos
from llmos.hub.models import Repository
from llmos.kit.time import now
from llmos.lab.recipes.reading import recipe_hash
from llmos.lab.software import lock_hash
from llmos.provenance.events import ActivityRecorded, RebuildRecorded, SourceMovedOn
from llmos.provenance.keys import signing_key
from llmos.provenance.models import Activity, Edge, Rebuild, Receipt
from llmos.provenance.staleness import content_of
from llmos.store.events import announce
from llmos.wire.receipts import sign

GONE = "gone"  # stands for the head of a repository that is not there any more


@transaction.atomic
def record_activity(
    *,
    job_id: str,
    namespace_id: int | None,
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
        pk=job_id,
        defaults={
            "namespace_id": namespace_id,
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
    *,
    activity: Activity,
    job_id: str,
    namespace_id: int | None,
    user_id: int | None,
    made: Mapping[str, Any],
    files: Mapping[str, str],
) -> Rebuild:
    """Compare what came out now with what came out first; says what differs, if anything."""
    differences = {
        "files": _differing(activity.files, files),
        "recipe": _differing(_flat(activity.recipe), _flat(made.get("recipe", activity.recipe))),
        "software": _differing(activity.software, made.get("software", {})),
        "hardware": _differing(activity.hardware, made.get("hardware", {})),
    }
    verdict, is_new = Rebuild.objects.get_or_create(
        pk=job_id,
        defaults={
            "activity": activity,
            "namespace_id": namespace_id,
            "user_id": user_id,
            "equal": bool(files) and not differences["files"],
            "differences": {part: found for part, found in differences.items() if found},
        },
    )
    if is_new:
        announce(RebuildRecorded(activity_id=activity.pk, job_id=job_id, equal=verdict.equal))
    return verdict


@transaction.atomic
def sign_statement(
    statement: Mapping[str, Any], *, repository: Repository | None = None, job_id: str = ""
) -> Receipt:
    """Sign with the hub's key and keep the envelope; the same job is signed once."""
    known = Receipt.objects.filter(job_id=job_id).first() if job_id else None
    if known is not None:
        return known
    envelope = sign(statement, signing_key())
    digest = hashlib.sha256(envelope).hexdigest()
    receipt, _ = Receipt.objects.get_or_create(
        digest=digest,
        defaults={"envelope": envelope, "repository": repository, "job_id": job_id},
    )
    return receipt


def follow_source(repository_id: int) -> None:
    """Note which uses of a repository are outdated, against its `main` of now; tell of new ones."""
    is_there = Repository.objects.filter(pk=repository_id).exists()
    head = (refs.read_ref(repository_id, repos.MAIN) if is_there else None) or GONE
    uses = Edge.objects.filter(repository_id=repository_id, is_input=True)
    uses = uses.exclude(compared_with=head)
    commits = set(uses.values_list("commit", flat=True))
    if not commits:
        return
    holds = None if head == GONE else content_of(repository_id, head)
    same = {one for one in commits if one == head}
    same |= {one for one in commits - same if holds and content_of(repository_id, one) == holds}
    with transaction.atomic():
        fresh = uses.filter(commit__in=commits - same, outdated_since=None)
        activity_ids = sorted(set(fresh.values_list("activity_id", flat=True)))
        fresh.update(outdated_since=now())
        uses.filter(commit__in=same).update(outdated_since=None)
        uses.filter(commit__in=commits).update(compared_with=head)
        if activity_ids:
            announce(SourceMovedOn(repository_id=repository_id, activity_ids=activity_ids))


def note_visibility(repository_id: int) -> None:
    """Keep what may be told of a repository once it is deleted; if it is already, nothing new."""
    repository = Repository.objects.filter(pk=repository_id).first()
    is_public = repository is not None and not repository.is_private
    Edge.objects.filter(repository_id=repository_id).update(was_public=is_public)


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
        was_public=repository is not None and not repository.is_private,
    )


def _differing(first: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Key to [then, now] where they are not the same."""
    return {
        key: [first.get(key), now.get(key)]
        for key in sorted({*first, *now})
        if first.get(key) != now.get(key)
    }


def _flat(content: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """`{"optimiser": {"rate": 1}}` as `{"optimiser.rate": 1}`: differences name one value."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{above}{key}.")
        else:
            found[f"{above}{key}"] = value
    return found
