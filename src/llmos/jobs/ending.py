"""How jobs end: written down once, with the lineage they leave, and told to rooms to the right."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F

from llmos.accounts.access import viewer_of_user
from llmos.accounts.models import Token
from llmos.hub.git import refs
from llmos.jobs.access import repository_of
from llmos.jobs.config import JobsSettings
from llmos.jobs.events import JobEnded
from llmos.jobs.models import Job
from llmos.jobs.stages import Stage, may_follow
from llmos.kit.config import current
from llmos.kit.errors import Conflict, Refusal
from llmos.kit.time import now
from llmos.provenance.actions import record_activity, record_rebuild
from llmos.provenance.models import Activity
from llmos.store.events import announce


@transaction.atomic
def end(
    job: Job,
    stage: Stage,
    *,
    message: str = "",
    exit_code: int | None = None,
    facts: Mapping[str, Any] | None = None,
) -> bool:
    """Write down how a running job ended, and tell it. `facts` are columns learned from it.

    A job that succeeded leaves its lineage edge in the same transaction. False when the job
    was not running any more.
    """
    assert may_follow(Stage.RUNNING, stage)
    fields = {"stage": stage, "message": message, "exit_code": exit_code, "ended_at": now()}
    changed = Job.objects.filter(pk=job.pk, stage=Stage.RUNNING).update(**fields, **(facts or {}))
    if not changed:
        return False
    job.refresh_from_db()
    forget_token(job)
    if stage == Stage.SUCCEEDED:
        _record(job)
    announce(JobEnded(job_id=job.pk, activity=job.activity, stage=stage))
    return True


@transaction.atomic
def requeue(
    job: Job, message: str, *, at_fault: bool = True, cost: Mapping[str, Any] | None = None
) -> None:
    """What ran the job was lost; it goes on from its checkpoint, unless it was lost too often.

    `at_fault` says that this may be the job's own doing, and counts.
    """
    facts = {"cost": cost} if cost else {}
    losses = job.losses + at_fault
    if at_fault and losses >= current(JobsSettings).attempts:
        end(job, Stage.LOST, message=message, facts={**facts, "losses": losses})
        return
    assert may_follow(Stage.RUNNING, Stage.QUEUED)
    if Job.objects.filter(pk=job.pk, stage=Stage.RUNNING, cancel_wanted=False).update(
        stage=Stage.QUEUED, message=message, losses=F("losses") + int(at_fault), **facts
    ):
        forget_token(job)
    else:  # cancelled meanwhile
        end(job, Stage.CANCELLED, facts=facts)


def forget_token(job: Job) -> None:
    """The token dies with what it was given to."""
    Token.objects.filter(user_id=job.user_id, name=f"job {job.pk}").delete()


def checked_output(job: Job, output: Mapping[str, Any]) -> dict[str, Any]:
    """What a job reports to have written, under its repository's name of today.

    Raises Conflict when the commit does not lie in the repository that the job was given.
    """
    found = dict(output)
    if not found.get("commit"):
        return found
    wanted = job.spec["output"]
    if wanted is None or found.get("repo") != wanted["repo"]:
        raise Conflict("The job says that it wrote to a repository which is not its own")
    try:
        repository = repository_of(viewer_of_user(job.user), wanted)
        refs.resolve(repository.pk, str(found["commit"]))
    except Refusal as refusal:
        raise Conflict("The commit that the job reports is not in its repository") from refusal
    return found | {"repo": repository.full_name}


def _record(job: Job) -> None:
    """The lineage edge, or the verdict on a rebuild."""
    made, output = job.made or {}, job.output or {}
    files = output.get("files") or _samples(job.result or {})
    if job.rebuild_of:
        first = Activity.objects.filter(pk=job.rebuild_of).first()
        if first is not None:
            record_rebuild(
                activity=first,
                job_id=job.pk,
                namespace_id=job.namespace_id,
                user_id=job.user_id,
                made=made,
                files=files,
            )
        return
    if not made:
        return
    record_activity(
        job_id=job.pk,
        namespace_id=job.namespace_id,
        activity=job.activity,
        recipe=made.get("recipe", job.spec["recipe"]),
        arguments=job.spec["arguments"],
        inputs=job.spec["inputs"],
        outputs=[{"role": "output", **output}] if output.get("commit") else [],
        files=files,
        software=made.get("software", {}),
        seed=job.spec["seed"],
        hardware=made.get("hardware", {}),
        cost=job.cost or {},
        started_at=_moment(job.started_at),
        ended_at=_moment(job.ended_at),
        user_id=job.user_id,
    )


def _samples(result: Mapping[str, Any]) -> dict[str, str]:
    """An evaluation makes no files but its samples; their Merkle root stands for the bytes."""
    samples = result.get("samples") or {}
    return {samples["file"]: samples["merkle_root"]} if "merkle_root" in samples else {}


def _moment(value: datetime | None) -> datetime:
    return value or now()
