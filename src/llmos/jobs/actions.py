"""Filing, steering and ending jobs."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer, viewer_of_user
from llmos.accounts.actions import create_token, revoke_token
from llmos.accounts.models import Namespace, Token
from llmos.accounts.queries import namespace_named
from llmos.hub.access import repo_for
from llmos.hub.actions import create_repository
from llmos.hub.errors import RepoNotFound
from llmos.hub.git import refs
from llmos.hub.kinds import kind_named
from llmos.hub.models import Repository, TokenGrant
from llmos.jobs.access import spender
from llmos.jobs.config import JobsSettings
from llmos.jobs.errors import QueueFull, WrongStage
from llmos.jobs.events import JobEnded
from llmos.jobs.models import Job
from llmos.jobs.queries import waiting_in
from llmos.jobs.stages import ENDED, Stage, may_follow
from llmos.jobs.waking import wake_runner
from llmos.kit.config import current
from llmos.kit.errors import Conflict, Invalid, Refusal
from llmos.kit.time import now
from llmos.lab.work import ACTIVITIES, VERSION
from llmos.provenance.actions import record_activity, record_rebuild
from llmos.provenance.models import Activity
from llmos.store.events import announce

TOKEN_MARGIN = timedelta(hours=1)


def file_job(
    *,
    viewer: Viewer,
    namespace: str,
    activity: str,
    inputs: list[dict[str, str]],
    output: dict[str, str] | None,
    recipe: dict[str, Any],
    seed: int = 1,
    arguments: dict[str, Any] | None = None,
    priority: int = 0,
    cores: int = 1,
    labels: dict[str, str] | None = None,
    rebuild_of: str = "",
) -> Job:
    """A new job at the end of the queue, its inputs pinned to commits.

    An output repository that is not there is made, private with `arguments["private"]`.
    Raises Invalid, Forbidden, RepoNotFound, MayNotSpend, QueueFull.
    """
    place = _place(namespace)
    user_id = spender(viewer, place)
    if activity not in ACTIVITIES:
        raise Invalid(_("There is no activity %(name)r") % {"name": activity})
    settings = current(JobsSettings)
    if waiting_in(place) >= settings.queue:
        raise QueueFull(settings.queue)
    arguments = dict(arguments or {})
    pinned = [pinned_input(viewer, one) for one in inputs]
    made = _output_for(viewer, output, private=bool(arguments.pop("private", False)))
    job = Job(
        namespace=place,
        user_id=user_id,
        activity=activity,
        labels=labels or {},
        rebuild_of=rebuild_of,
        priority=priority,
        cores=max(1, cores),
        executor=settings.executor,
    )
    job.spec = {
        "version": VERSION,
        "job": job.pk,
        "activity": activity,
        "inputs": pinned,
        "output": made,
        "recipe": recipe,
        "seed": int(seed),
        "rebuild": bool(rebuild_of),
        "arguments": arguments,
    }
    with transaction.atomic():
        job.save(force_insert=True)
        transaction.on_commit(wake_runner)
    return job


def rebuild(*, viewer: Viewer, activity: Activity) -> Job:
    """File an activity again as it was; when it ends, its files are compared with the first.

    Raises Forbidden, RepoNotFound where an input is gone or closed, Conflict.
    """
    inputs = [
        {"role": edge.role, "kind": edge.kind, "repo": edge.full_name, "commit": edge.commit}
        for edge in activity.inputs()
    ]
    output = activity.output()
    return file_job(
        viewer=viewer,
        namespace=viewer.name,
        activity=activity.activity,
        inputs=inputs,
        output={"kind": output.kind, "repo": output.full_name} if output else None,
        recipe=activity.recipe,
        seed=activity.seed,
        arguments=activity.arguments,
        rebuild_of=activity.pk,
        cores=int(activity.recipe.get("workers") or 1),
    )


def cancel(job: Job) -> None:
    """A waiting job ends at once, a running one when its executor has ended it."""
    with transaction.atomic():
        ended = Job.objects.filter(pk=job.pk, stage=Stage.QUEUED).update(
            stage=Stage.CANCELLED, ended_at=now(), message=""
        )
        if ended:
            announce(JobEnded(job_id=job.pk, activity=job.activity, stage=Stage.CANCELLED))
        elif not Job.objects.filter(pk=job.pk, stage=Stage.RUNNING).update(cancel_wanted=True):
            raise WrongStage(_("This job has ended already"))
    wake_runner()


def resume(job: Job) -> None:
    """Queue an ended job again; it goes on from its last checkpoint. Raises WrongStage."""
    done = Job.objects.filter(pk=job.pk, stage__in=[s for s in ENDED if may_follow(s, "queued")])
    if not done.update(
        stage=Stage.QUEUED,
        ended_at=None,
        exit_code=None,
        message="",
        cancel_wanted=False,
        attempt=0,
    ):
        raise WrongStage(_("Only a job that failed or was cancelled can be resumed"))
    wake_runner()


def claim(job: Job) -> bool:
    """Take a waiting job for running; false when somebody else was quicker."""
    moment = now()
    return bool(
        Job.objects.filter(pk=job.pk, stage=Stage.QUEUED).update(
            stage=Stage.RUNNING,
            started_at=moment,
            heartbeat_at=moment,
            attempt=job.attempt + 1,
            message="",
        )
    )


def job_token(job: Job, *, hours: int) -> str:
    """The secret with which a job reaches its own repositories and no others, for its time."""
    for old in Token.objects.filter(user_id=job.user_id, name=_token_name(job)):
        revoke_token(user=job.user, token_id=old.pk)
    token, secret = create_token(
        user=job.user,
        name=_token_name(job),
        role=Token.Role.WRITE,
        scoped=True,
        expires_at=now() + timedelta(hours=hours) + TOKEN_MARGIN,
    )
    output = job.spec.get("output")
    viewer = viewer_of_user(job.user)
    wanted = [(one, "read") for one in job.spec["inputs"]]
    if output and not job.spec["rebuild"]:
        wanted.append((output, "write"))
    for named, wants in wanted:
        repository = repo_for(viewer, kind_named(named["kind"]), named["repo"], wants=wants)  # type: ignore[arg-type]
        TokenGrant.objects.get_or_create(token=token, repository=repository)
    Job.objects.filter(pk=job.pk).update(token=token)
    return secret


@transaction.atomic
def end(
    job: Job,
    stage: Stage,
    *,
    message: str = "",
    exit_code: int | None = None,
    facts: dict[str, Any] | None = None,
) -> None:
    """Write down how a running job ended, and tell it. `facts` are columns learned from it.

    A job that succeeded leaves its lineage edge in the same transaction.
    """
    fields = {"stage": stage, "message": message, "exit_code": exit_code, "ended_at": now()}
    changed = Job.objects.filter(pk=job.pk, stage=Stage.RUNNING).update(**fields, **(facts or {}))
    if not changed:
        return
    job.refresh_from_db()
    if job.token_id is not None:
        Token.objects.filter(pk=job.token_id).delete()
    if stage == Stage.SUCCEEDED:
        _record(job)
    announce(JobEnded(job_id=job.pk, activity=job.activity, stage=stage))


def requeue(job: Job, message: str, *, at_fault: bool = True) -> None:
    """What ran the job was lost; it goes on from its checkpoint, unless it was lost too often."""
    if job.cancel_wanted:
        end(job, Stage.CANCELLED)
    elif at_fault and job.attempt >= current(JobsSettings).attempts:
        end(job, Stage.LOST, message=message)
    else:
        Job.objects.filter(pk=job.pk, stage=Stage.RUNNING).update(
            stage=Stage.QUEUED, message=message, attempt=job.attempt - (not at_fault)
        )


def pinned_input(viewer: Viewer, named: dict[str, str]) -> dict[str, str]:
    """An input at a commit. Raises what `repo_for` raises, RevisionNotFound, Invalid."""
    name, _at, revision = str(named.get("repo", "")).partition("@")
    repository = repo_for(viewer, kind_named(named.get("kind")), name)
    commit = refs.resolve(repository.pk, named.get("commit") or revision or "main")
    return {
        "role": named.get("role") or "data",
        "kind": repository.type,
        "repo": repository.full_name,
        "commit": commit,
    }


def _place(namespace: str) -> Namespace:
    place = namespace_named(namespace)
    if place is None:
        raise Invalid(_("There is no member or organisation %(name)r") % {"name": namespace})
    return place


def _output_for(
    viewer: Viewer, output: dict[str, str] | None, *, private: bool
) -> dict[str, str] | None:
    if output is None:
        return None
    kind = kind_named(output.get("kind"))
    namespace, slash, name = str(output.get("repo", "")).partition("/")
    if not slash:
        raise Invalid(_("The output is a repository like name/model"))
    try:
        repository: Repository = repo_for(viewer, kind, f"{namespace}/{name}", wants="write")
    except RepoNotFound:
        repository = create_repository(
            viewer=viewer,
            kind=kind,
            namespace=namespace,
            name=name,
            visibility="private" if private else None,
        )
    return {"kind": kind.name, "repo": repository.full_name}


def _token_name(job: Job) -> str:
    return f"job {job.pk}"


def _record(job: Job) -> None:
    """The lineage edge, or the verdict on a rebuild."""
    made, output = job.made or {}, job.output
    if job.rebuild_of:
        first = Activity.objects.filter(pk=job.rebuild_of).first()
        if first is not None:
            record_rebuild(activity=first, job_id=job.pk, made=made, output=output)
        return
    if not made:
        return
    outputs = [{"role": "output", **output}] if output and output.get("commit") else []
    record_activity(
        job_id=job.pk,
        activity=job.activity,
        recipe=made.get("recipe", job.spec["recipe"]),
        arguments=job.spec["arguments"],
        inputs=job.spec["inputs"],
        outputs=outputs,
        files=(output or {}).get("files", {}),
        software=made.get("software", {}),
        seed=job.spec["seed"],
        hardware=made.get("hardware", {}),
        cost=job.cost or {},
        started_at=_moment(job.started_at),
        ended_at=_moment(job.ended_at),
        user_id=job.user_id,
    )


def _moment(value: datetime | None) -> datetime:
    return value or now()


def check_output(job: Job, output: dict[str, Any]) -> None:
    """Whether the commit that a job reports lies in the repository it was given.

    Raises Conflict.
    """
    wanted = job.spec.get("output")
    if not output.get("commit"):
        return
    if wanted is None or output.get("repo") != wanted["repo"]:
        raise Conflict("The job says that it wrote to a repository which is not its own")
    repository = Repository.objects.filter(
        type=wanted["kind"], key=wanted["repo"].casefold()
    ).first()
    try:
        if repository is not None and refs.resolve(repository.pk, output["commit"]):
            return
    except Refusal:
        pass
    raise Conflict("The commit that the job reports is not in its repository")
