"""Reading the queue: lists, places in line, costs. What a job tells is read by `story`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import orjson
from django.core.exceptions import EmptyResultSet
from django.db.models import Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.jobs.access import visible_jobs
from llmos.jobs.models import Job
from llmos.jobs.stages import Stage
from llmos.store import db

LEDGER = ("cpu_seconds", "gpu_seconds", "energy_wh")


def jobs_of(
    viewer: Viewer,
    *,
    namespace: str = "",
    stages: Sequence[str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> QuerySet[Job]:
    """Newest first. With `labels`, those that have all of them."""
    jobs = visible_jobs(viewer)
    if namespace:
        jobs = jobs.filter(namespace__key=namespace.casefold())
    if stages is not None:
        jobs = jobs.filter(stage__in=stages)
    for number, (name, value) in enumerate((labels or {}).items()):
        asked = f"label_{number}"
        # Cast: SQLite would parse the value that it is compared with as JSON.
        label = Cast(KeyTextTransform(name, "labels"), TextField())
        jobs = jobs.annotate(**{asked: label}).filter(**{asked: value})
    return jobs.order_by("-created_at", "-pk")


class Summary(NamedTuple):
    """A job as lists show it; JSON stays the text that the database holds."""

    pk: str
    activity: str
    stage: str
    message: str
    attempt: int
    priority: int
    cores: int
    executor: str
    labels: Any
    progress: Any
    output: Any
    cost: Any
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    namespace_id: int
    namespace: str
    kind: str
    user_id: int
    user: str


_SUMMARY = (
    *("id", "activity", "stage", "message", "attempt", "priority", "cores", "executor"),
    *("labels", "progress", "output", "cost", "created_at", "started_at", "ended_at"),
    *("namespace_id", "namespace__name", "namespace__kind", "user_id", "user__username"),
)
_JSON = slice(Summary._fields.index("labels"), Summary._fields.index("created_at"))
_TIMES = slice(Summary._fields.index("created_at"), Summary._fields.index("namespace_id"))


def summaries(jobs: QuerySet[Job]) -> list[Summary]:
    """Those of a query, past Django's decoding: a thousand take as long as a hundred would."""
    try:
        sql, params = jobs.select_related(None).values_list(*_SUMMARY).query.sql_with_params()
    except EmptyResultSet:  # a condition that no row can meet
        return []
    return [
        Summary(
            *row[: _JSON.start],
            *(None if text in {None, "{}"} else orjson.Fragment(text) for text in row[_JSON]),
            *(_moment(value) for value in row[_TIMES]),
            *row[_TIMES.stop :],
        )
        for row in db.rows(sql, params)
    ]


def summary_of(job: Job) -> Summary:
    place = job.namespace
    return Summary(
        pk=job.pk,
        activity=job.activity,
        stage=job.stage,
        message=job.message,
        attempt=job.attempt,
        priority=job.priority,
        cores=job.cores,
        executor=job.executor,
        labels=job.labels or None,
        progress=job.progress or None,
        output=job.output,
        cost=job.cost,
        created_at=job.created_at,
        started_at=job.started_at,
        ended_at=job.ended_at,
        namespace_id=place.pk,
        namespace=place.name,
        kind=place.kind,
        user_id=job.user_id,
        user=job.user.username,
    )


def _moment(value: datetime | None) -> datetime | None:
    """SQLite keeps no time zone; all moments are in UTC."""
    return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


def waiting_in(namespace: Namespace) -> int:
    return Job.objects.filter(namespace=namespace, stage=Stage.QUEUED).count()


def before_in_line(job: Job) -> int:
    """How many jobs will be started before this one."""
    earlier = Q(priority=job.priority, created_at__lt=job.created_at)
    ahead = Job.objects.filter(stage=Stage.QUEUED)
    return ahead.filter(Q(priority__gt=job.priority) | earlier).count()


def ledger(namespace: Namespace, *, month: datetime | None = None) -> dict[str, float]:
    """What the jobs of a namespace have cost, in the month of a moment or in all.

    A job counts in the month in which it ended.
    """
    jobs = Job.objects.filter(namespace=namespace, cost__isnull=False)
    if month is not None:
        jobs = jobs.filter(ended_at__gte=_first_of(month), ended_at__lt=_first_of_next(month))
    return _total(cost for (cost,) in jobs.values_list("cost"))


def ledger_by_month(namespace: Namespace) -> dict[str, dict[str, float]]:
    """Month, like `2026-11`, to what the jobs that ended in it have cost; the newest first."""
    costs: dict[str, list[Any]] = defaultdict(list)
    jobs = Job.objects.filter(namespace=namespace, cost__isnull=False, ended_at__isnull=False)
    for ended_at, cost in jobs.order_by("-ended_at").values_list("ended_at", "cost"):
        costs[f"{ended_at:%Y-%m}"].append(cost)
    return {month: _total(found) for month, found in costs.items()}


def _total(costs: Iterable[Mapping[str, Any] | None]) -> dict[str, float]:
    total = {"jobs": 0.0, **dict.fromkeys(LEDGER, 0.0)}
    for cost in costs:
        total["jobs"] += 1
        for name in LEDGER:
            total[name] += (cost or {}).get(name, 0.0)
    return total


def _first_of(moment: datetime) -> datetime:
    return moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _first_of_next(moment: datetime) -> datetime:
    return _first_of(_first_of(moment) + timedelta(days=32))
