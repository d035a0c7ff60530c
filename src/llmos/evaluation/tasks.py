"""What follows a push and the end of a job: boards, claims, results.

Each looks at the state of now, so late, doubled and reordered runs end the same.
"""

import logging

from llmos.evaluation.actions import ACTIVITY, publish, record_result, refresh_claims
from llmos.evaluation.errors import ResultUnproven
from llmos.evaluation.models import Result
from llmos.hub.git import repos
from llmos.hub.models import Repository
from llmos.jobs.actions import remark
from llmos.jobs.models import Job
from llmos.jobs.stages import Stage
from llmos.store.tasks import task

logger = logging.getLogger(__name__)


@task()
def on_ref_updated(
    *, repository_id: int, ref: str, old: str, new: str, user_id: int | None
) -> None:
    repository = Repository.objects.filter(pk=repository_id).first()
    if repository is None or ref != repos.MAIN:
        return
    if repository.type == "dataset":
        publish(repository=repository)
    elif repository.type == "model":
        refresh_claims(repository=repository)


@task()
def on_job_ended(*, job_id: str, activity: str, stage: str) -> None:
    if activity == ACTIVITY and stage == Stage.SUCCEEDED:
        _record(job_id)


def begin() -> None:
    """File what a restored or long stopped hub owes: results of jobs that nobody took in."""
    owed = Job.objects.filter(activity=ACTIVITY, stage=Stage.SUCCEEDED, rebuild_of="")
    for job_id in owed.exclude(pk__in=Result.objects.values("pk")).values_list("pk", flat=True):
        on_job_ended.enqueue(job_id=job_id, activity=ACTIVITY, stage=Stage.SUCCEEDED)


def _record(job_id: str) -> None:
    job = Job.objects.select_related("user").filter(pk=job_id).first()
    # A rebuild is compared with the first run and is no score of its own.
    if job is None or job.rebuild_of:
        return
    try:
        record_result(job=job)
    except ResultUnproven as refusal:
        logger.warning("job %s: no result is kept: %s", job_id, refusal.message)
        remark(job_id=job_id, message=refusal.message)
