"""What members do with jobs: file, rebuild, cancel, resume."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.accounts.queries import namespace_named
from llmos.hub.actions import create_repository
from llmos.hub.errors import RepoNotFound
from llmos.hub.git import refs
from llmos.hub.kinds import kind_named
from llmos.hub.models import Repository
from llmos.jobs.access import repository_of, spender
from llmos.jobs.config import JobsSettings
from llmos.jobs.errors import MonthSpent, QueueFull, WrongStage
from llmos.jobs.events import JobEnded
from llmos.jobs.executors import executor_named
from llmos.jobs.models import Job
from llmos.jobs.queries import ledger, waiting_in
from llmos.jobs.specs import (
    activity_named,
    check_roles,
    checked_cores,
    checked_labels,
    checked_priority,
    checked_seed,
    cores_of,
)
from llmos.jobs.stages import ENDED, Stage, may_follow
from llmos.jobs.waking import wake_runner
from llmos.kit.config import current
from llmos.kit.errors import Forbidden, Invalid
from llmos.kit.time import now
from llmos.lab.work import VERSION
from llmos.provenance.models import Activity
from llmos.store.events import announce


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
    cores: int = 0,
    labels: dict[str, str] | None = None,
    rebuild_of: str = "",
) -> Job:
    """A new job at the end of the queue, its inputs pinned to commits.

    All is checked before anything is written. An output repository that is not there is then
    made, private with `arguments["private"]`, and after it the job: whatever ends us between
    the two leaves an empty repository, never a job without one.
    Raises Invalid, Forbidden, RepoNotFound, MayNotSpend, QueueFull, MonthSpent,
    BadConfiguration.
    """
    place = _place(namespace)
    user_id = spender(viewer, place)
    _check_priority(viewer, priority)
    _check_bounds(place)
    shape, arguments = activity_named(activity), dict(arguments or {})
    private = bool(arguments.pop("private", False))
    seed = checked_seed(seed)
    check_roles(activity, inputs)
    pinned = [pinned_input(viewer, one) for one in inputs]
    cores = cores_of(recipe, checked_cores(cores))
    recipe = shape.complete(recipe, pinned, seed, cores)
    labels = checked_labels(labels or {})
    if shape.writes == (output is None):
        raise Invalid(
            _("Say into which repository the model goes (output)")
            if shape.writes
            else _("%(activity)s writes to no repository: leave output out")
            % {"activity": activity}
        )
    executor = current(JobsSettings).executor
    executor_named(executor)  # a word that names none is refused now, not when it is started
    # A rebuild pushes nothing, so whoever may read what went in may do it.
    made = output if rebuild_of else _output_for(viewer, output, private=private)
    job = Job(
        namespace=place,
        user_id=user_id,
        activity=activity,
        labels=labels,
        rebuild_of=rebuild_of,
        priority=priority,
        cores=cores,
        executor=executor,
    )
    job.spec = {
        "version": VERSION,
        "job": job.pk,
        "activity": activity,
        "inputs": pinned,
        "output": made,
        "recipe": recipe,
        "seed": seed,
        "rebuild": bool(rebuild_of),
        "arguments": arguments,
    }
    with transaction.atomic():
        _check_bounds(place)  # again: others file at the same time
        job.save(force_insert=True)
        transaction.on_commit(wake_runner)
    return job


def rebuild(*, viewer: Viewer, activity: Activity) -> Job:
    """File an activity again as it was; when it ends, its files are compared with the first.

    Raises Forbidden, RepoNotFound where an input is gone or closed, MayNotSpend.
    """
    inputs = [
        {"role": edge.role, "kind": edge.kind, "repo": edge.name_now, "commit": edge.commit}
        for edge in activity.inputs()
    ]
    output = activity.output()
    return file_job(
        viewer=viewer,
        namespace=viewer.name,
        activity=activity.activity,
        inputs=inputs,
        output={"kind": output.kind, "repo": output.name_now} if output else None,
        recipe=activity.recipe,
        seed=activity.seed,
        arguments=activity.arguments,
        rebuild_of=activity.pk,
    )


def run_again(*, viewer: Viewer, job: Job, namespace: str) -> Job:
    """A new job with the same spec, at the same commits. Raises what `file_job` raises."""
    spec = job.spec
    return file_job(
        viewer=viewer,
        namespace=namespace,
        activity=job.activity,
        inputs=spec["inputs"],
        output=spec["output"],
        recipe=spec["recipe"],
        seed=spec["seed"],
        arguments=spec["arguments"],
        cores=job.cores,
        labels=job.labels,
        rebuild_of=job.rebuild_of,
    )


@transaction.atomic
def cancel(job: Job) -> None:
    """A waiting job ends at once, a running one when its executor has ended it.

    Raises WrongStage.
    """
    assert may_follow(Stage.QUEUED, Stage.CANCELLED)
    held = Job.objects.select_for_update().get(pk=job.pk)
    if held.stage == Stage.QUEUED:
        held.stage, held.ended_at, held.message = Stage.CANCELLED, now(), ""
        held.save(update_fields=["stage", "ended_at", "message"])
        announce(JobEnded(job_id=job.pk, activity=job.activity, stage=Stage.CANCELLED))
    elif held.stage == Stage.RUNNING:
        held.cancel_wanted = True
        held.save(update_fields=["cancel_wanted"])
    else:
        raise WrongStage(_("This job has ended already"))
    transaction.on_commit(wake_runner)


@transaction.atomic
def resume(job: Job) -> None:
    """Queue an ended job again; it goes on from its last checkpoint. Raises WrongStage."""
    resumable = [stage for stage in ENDED if may_follow(stage, Stage.QUEUED)]
    if not Job.objects.filter(pk=job.pk, stage__in=resumable).update(
        stage=Stage.QUEUED,
        ended_at=None,
        exit_code=None,
        message="",
        cancel_wanted=False,
        losses=0,
    ):
        raise WrongStage(_("Only a job that failed, was lost or was cancelled can be resumed"))
    transaction.on_commit(wake_runner)


def relabel(job: Job, labels: Any) -> None:
    """Put these labels in the place of the old ones. Raises Invalid."""
    Job.objects.filter(pk=job.pk).update(labels=checked_labels(labels))


def remark(*, job_id: str, message: str) -> None:
    """Say what a room to the right found out about a job that has ended."""
    Job.objects.filter(pk=job_id).update(message=message)


def pinned_input(viewer: Viewer, named: Mapping[str, str]) -> dict[str, str]:
    """An input at a commit. Raises what `repo_for` raises, RevisionNotFound, Invalid."""
    for key, value in named.items():
        if not isinstance(value, str):
            raise Invalid(_("%(key)s of an input is a text") % {"key": key})
    name, _at, revision = named.get("repo", "").partition("@")
    repository = repository_of(viewer, {"kind": named.get("kind", ""), "repo": name})
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


def _check_priority(viewer: Viewer, priority: Any) -> None:
    """Anybody may let others go first; only administrators go before others."""
    if checked_priority(priority) > 0 and not viewer.is_admin:
        raise Forbidden(_("Only administrators file jobs with a priority above 0"))


def _check_bounds(place: Namespace) -> None:
    """Raises QueueFull, MonthSpent."""
    settings = current(JobsSettings)
    if waiting_in(place) >= settings.queue:
        raise QueueFull(settings.queue)
    if settings.cpu_hours:
        spent = ledger(place, month=now())["cpu_seconds"]
        if spent >= settings.cpu_hours * 3600:
            raise MonthSpent(settings.cpu_hours)


def _output_for(
    viewer: Viewer, output: Mapping[str, str] | None, *, private: bool
) -> dict[str, str] | None:
    if output is None:
        return None
    kind = kind_named(output.get("kind"))
    namespace, slash, name = str(output.get("repo", "")).partition("/")
    if not slash:
        raise Invalid(_("The output is a repository like name/model"))
    named = {"kind": kind.name, "repo": f"{namespace}/{name}"}
    try:
        repository: Repository = repository_of(viewer, named, wants="write")
    except RepoNotFound:
        repository = create_repository(
            viewer=viewer,
            kind=kind,
            namespace=namespace,
            name=name,
            visibility="private" if private else None,
        )
    if repository.sign_off:
        raise Invalid(
            _(
                "%(name)s asks for a sign-off in each commit, which a job cannot give: let it "
                "write to another repository, and propose from there what came out"
            )
            % {"name": repository.full_name}
        )
    return {"kind": kind.name, "repo": repository.full_name}
