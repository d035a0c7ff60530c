"""Reading the queue: lists, curves, logs, costs."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.jobs.access import visible_jobs
from llmos.jobs.folders import Place, read_events
from llmos.jobs.models import Job
from llmos.jobs.stages import Stage

CURVES = ("loss", "learning_rate", "tokens_per_second")


def jobs_of(
    viewer: Viewer, *, namespace: str = "", stages: Sequence[str] | None = None
) -> QuerySet[Job]:
    """Newest first."""
    jobs = visible_jobs(viewer)
    if namespace:
        jobs = jobs.filter(namespace__key=namespace.casefold())
    if stages:
        jobs = jobs.filter(stage__in=stages)
    return jobs.order_by("-created_at", "-pk")


def waiting_in(namespace: Namespace) -> int:
    return Job.objects.filter(namespace=namespace, stage=Stage.QUEUED).count()


def before_in_line(job: Job) -> int:
    """How many jobs will be started before this one."""
    ahead = Job.objects.filter(stage=Stage.QUEUED, priority__gte=job.priority)
    return ahead.filter(created_at__lt=job.created_at).count()


def events_of(job: Job, *kinds: str) -> list[dict[str, Any]]:
    """All events of these kinds, the newest word on each step: a resumed run repeats some."""
    found: list[dict[str, Any]] = []
    for place in read_events(job.pk):
        event = place.event
        if event["event"] not in kinds:
            continue
        step = event.get("step")
        if event["event"] == "step" and step is not None:
            while found and found[-1]["event"] == "step" and found[-1]["step"] >= step:
                found.pop()
        found.append(event)
    return found


def curves_of(job: Job) -> dict[str, list[tuple[int, float]]]:
    """Curve name to its points; measures on unseen rows are called `validation …`."""
    curves: dict[str, dict[int, float]] = defaultdict(dict)
    for event in events_of(job, "step", "evaluation"):
        named = (
            {name: event.get(name) for name in CURVES}
            if event["event"] == "step"
            else {f"validation {name}": value for name, value in event["metrics"].items()}
        )
        for name, value in named.items():
            if value is not None:
                curves[name][event["step"]] = value
    return {name: sorted(points.items()) for name, points in curves.items()}


def log_of(job: Job, *, after: int = 0, limit: int = 500) -> list[Place]:
    """The last log lines and status texts behind an offset."""
    found = [
        place
        for place in read_events(job.pk, after=after)
        if place.event["event"] in {"log", "status", "refused"}
    ]
    return found[-limit:]


def newest_samples(job: Job) -> list[dict[str, Any]]:
    """Samples of the last look."""
    samples = events_of(job, "sample")
    last = samples[-1]["step"] if samples else None
    return [one for one in samples if one["step"] == last]


def ledger(namespace: Namespace) -> dict[str, float]:
    """What the jobs of a namespace have cost so far."""
    total: dict[str, float] = {"jobs": 0, "cpu_seconds": 0.0, "energy_wh": 0.0}
    for (cost,) in Job.objects.filter(namespace=namespace, cost__isnull=False).values_list("cost"):
        total["jobs"] += 1
        assert cost is not None
        total["cpu_seconds"] += cost.get("cpu_seconds", 0.0)
        total["energy_wh"] += cost.get("energy_wh", 0.0)
    return total
