"""Which jobs a viewer may see, steer and pay for."""

from django.db.models import Q, QuerySet

from llmos.accounts.access import Viewer
from llmos.accounts.models import Membership, Namespace, Role, User
from llmos.hub.access import may_create_in, repo_for
from llmos.hub.kinds import kind_named
from llmos.jobs.config import JobsSettings
from llmos.jobs.errors import JobNotFound, MayNotSpend
from llmos.jobs.models import Job
from llmos.kit.config import current
from llmos.kit.errors import Forbidden, Refusal, Unauthenticated


def job_for(viewer: Viewer, namespace: str, job_id: str, *, steer: bool = False) -> Job:
    """The job, if the viewer may see it (or steer it: cancel, resume, rebuild).

    Raises JobNotFound, and Forbidden where it may be seen but not steered.
    """
    job = Job.objects.select_related("namespace", "user").filter(pk=job_id).first()
    if job is None or job.namespace.key != namespace.casefold() or not may_see(viewer, job):
        raise JobNotFound
    if steer and not may_steer(viewer, job):
        if viewer.is_anonymous:
            raise Unauthenticated("Sign in to steer jobs")
        raise Forbidden("Only members of its namespace may steer this job")
    return job


def may_see(viewer: Viewer, job: Job) -> bool:
    """Members of its namespace; and whoever may read all that goes in and what comes out."""
    if viewer.token_id is not None and job.token_id == viewer.token_id:
        return True
    if _belongs(viewer, job.namespace):
        return True
    output = job.spec.get("output")
    named = [*job.spec["inputs"], *([output] if output else [])]
    return all(_readable(viewer, one) for one in named)


def may_steer(viewer: Viewer, job: Job) -> bool:
    return may_create_in(viewer, job.namespace)


def is_jobs_own(viewer: Viewer, job: Job) -> bool:
    """Whether the job itself is asking, with the token it was given."""
    return viewer.token_id is not None and job.token_id == viewer.token_id


def spender(viewer: Viewer, namespace: Namespace) -> int:
    """The member who may start jobs under this name.

    Raises Unauthenticated, Forbidden, MayNotSpend.
    """
    if viewer.user_id is None:
        raise Unauthenticated("Sign in to start jobs")
    if not may_create_in(viewer, namespace):
        raise Forbidden(f"You may not start jobs as {namespace.name}")
    allowed = {name.casefold() for name in current(JobsSettings).spenders}
    by_name = viewer.name.casefold() in allowed or namespace.key in allowed
    if "everyone" in allowed or viewer.is_admin or by_name:
        return viewer.user_id
    raise MayNotSpend


def visible_jobs(viewer: Viewer) -> QuerySet[Job]:
    """Jobs of the viewer's namespaces; an administrator's are all."""
    jobs = Job.objects.select_related("namespace", "user")
    if viewer.user_id is None or viewer.scoped_token:
        return jobs.none()
    if viewer.is_admin:
        return jobs
    own = Q(namespace__user__pk=viewer.user_id)
    member = Q(namespace__organisation__memberships__user_id=viewer.user_id)
    return jobs.filter(own | member).distinct()


def _belongs(viewer: Viewer, namespace: Namespace) -> bool:
    if viewer.user_id is None or viewer.scoped_token:
        return False
    if viewer.is_admin or User.objects.filter(pk=viewer.user_id, namespace=namespace).exists():
        return True
    return Membership.objects.filter(
        organisation__namespace=namespace, user_id=viewer.user_id, role__in=Role.values
    ).exists()


def _readable(viewer: Viewer, named: dict[str, str]) -> bool:
    try:
        repo_for(viewer, kind_named(named["kind"]), named["repo"])
    except Refusal:
        return False
    return True
