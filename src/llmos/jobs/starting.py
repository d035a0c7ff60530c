"""What the runner does when it starts a job: takes it for itself, and gives it its token."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F

from llmos.accounts.access import viewer_of_user
from llmos.accounts.actions import create_token
from llmos.accounts.models import Token
from llmos.hub.actions import grant_to_token
from llmos.hub.kinds import kind_named
from llmos.jobs.access import repository_of
from llmos.jobs.models import Job
from llmos.jobs.stages import Stage, may_follow
from llmos.kit.time import now

# A job that is stopped at the end of its time still has its last words to say.
TOKEN_MARGIN = timedelta(hours=1)


def claim(job_id: str) -> bool:
    """Take a waiting job for running; false when somebody else was quicker."""
    assert may_follow(Stage.QUEUED, Stage.RUNNING)
    moment = now()
    claimed = Job.objects.filter(pk=job_id, stage=Stage.QUEUED).update(
        stage=Stage.RUNNING,
        started_at=moment,
        heartbeat_at=moment,
        attempt=F("attempt") + 1,
        message="",
    )
    return bool(claimed)


@transaction.atomic
def job_token(job: Job, *, hours: int) -> str:
    """The secret with which a job reads its inputs and writes its output, for its time.

    It opens nothing else that its member could open. Raises RepoNotFound, Forbidden where the
    member may no longer do what she could when she filed the job.
    """
    name = f"job {job.pk}"
    Token.objects.filter(user_id=job.user_id, name=name).delete()
    token, secret = create_token(
        user=job.user,
        name=name,
        role=Token.Role.WRITE,
        scoped=True,
        expires_at=now() + timedelta(hours=hours) + TOKEN_MARGIN,
    )
    viewer = viewer_of_user(job.user)
    output = None if job.spec["rebuild"] else job.spec["output"]
    for named in [*job.spec["inputs"], *([output] if output else [])]:
        writes = named is output
        repository = repository_of(viewer, named, wants="write" if writes else "read")
        grant_to_token(
            viewer=viewer,
            token_id=token.pk,
            kind=kind_named(repository.type),
            full_name=repository.full_name,
            may_write=writes,
        )
    Job.objects.filter(pk=job.pk).update(token=token)
    return secret
