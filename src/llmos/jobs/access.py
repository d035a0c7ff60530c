"""Which jobs a viewer may see, steer and pay for."""

from collections.abc import Mapping

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.accounts.models import Membership, Namespace, Role, User
from llmos.hub.access import Wants, may_create_in, repo_for
from llmos.hub.kinds import kind_named
from llmos.hub.models import Repository
from llmos.jobs.config import JobsSettings
from llmos.jobs.errors import JobNotFound, MayNotSpend
from llmos.jobs.models import Job
from llmos.kit.config import current
from llmos.kit.errors import Forbidden, Moved, Refusal, Unauthenticated


def job_for(viewer: Viewer, namespace: str, job_id: str, *, steer: bool = False) -> Job:
    """The job, if the viewer may see it (or steer it: cancel, resume, rebuild).

    Raises JobNotFound, and Forbidden where it may be seen but not steered.
    """
    job = job_named(viewer, job_id)
    if job.namespace.key != namespace.casefold():
        raise JobNotFound
    if steer and not may_steer(viewer, job):
        if viewer.is_anonymous:
            raise Unauthenticated(_("Sign in to steer jobs"))
        raise Forbidden(_("Only members of its namespace may steer this job"))
    return job


def job_named(viewer: Viewer, job_id: str) -> Job:
    """The job of that id, if the viewer may see it. Raises JobNotFound."""
    job = Job.objects.select_related("namespace", "user").filter(pk=job_id).first()
    if job is None or not may_see(viewer, job):
        raise JobNotFound
    return job


def may_see(viewer: Viewer, job: Job) -> bool:
    """Members of its namespace; and whoever may read all that goes in and what comes out."""
    if viewer.token_id is not None and job.token_id == viewer.token_id:
        return True
    if _belongs(viewer, job.namespace):
        return True
    output = job.spec.get("output")
    named = [*job.spec["inputs"], *([output] if output else [])]
    return bool(named) and all(_readable(viewer, one) for one in named)


def may_steer(viewer: Viewer, job: Job) -> bool:
    return may_create_in(viewer, job.namespace)


def is_jobs_own(viewer: Viewer, job: Job) -> bool:
    """Whether the job itself is asking, with the token it was given."""
    return viewer.token_id is not None and job.token_id == viewer.token_id


def repository_of(viewer: Viewer, named: Mapping[str, str], *, wants: Wants = "read") -> Repository:
    """An input or output of a job, under whichever name it has today.

    Raises what `repo_for` raises, but for RepoMoved.
    """
    kind = kind_named(named["kind"])
    try:
        return repo_for(viewer, kind, named["repo"], wants=wants)
    except Moved as moved:
        return repo_for(viewer, kind, moved.new, wants=wants)


def spender(viewer: Viewer, namespace: Namespace) -> int:
    """The member who may start jobs under this name.

    Raises Unauthenticated, Forbidden, MayNotSpend.
    """
    if viewer.user_id is None:
        raise Unauthenticated(_("Sign in to start jobs"))
    if not viewer.can_write or viewer.scoped_token:
        raise Forbidden(_("This token may not start jobs; use one that may write everywhere"))
    if not may_create_in(viewer, namespace):
        raise Forbidden(_("You may not start jobs as %(name)s") % {"name": namespace.name})
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
    own = User.objects.filter(pk=viewer.user_id).values("namespace_id")
    shared = Membership.objects.filter(user_id=viewer.user_id).values("organisation__namespace_id")
    return jobs.filter(Q(namespace_id__in=own) | Q(namespace_id__in=shared))


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
        repository_of(viewer, named)
    except Refusal:
        return False
    return True
