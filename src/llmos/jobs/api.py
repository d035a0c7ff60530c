"""Jobs for machines: the calls of hub clients (`hf jobs …`), our own to file and follow.

Clients' fields are theirs; our own part of a job stands under `llmos`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import psutil
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from llmos.accounts.access import viewer_of
from llmos.jobs.access import is_jobs_own, job_for
from llmos.jobs.actions import cancel, file_job, relabel, resume, run_again
from llmos.jobs.config import JobsSettings
from llmos.jobs.executors import executor_named
from llmos.jobs.folders import SPOKEN, Place, artefact_path, read_events, read_usage, tail_offset
from llmos.jobs.models import Job
from llmos.jobs.queries import Summary, jobs_of, summaries, summary_of
from llmos.jobs.specs import ACTIVITIES
from llmos.jobs.stages import CLIENT_NAMES, ENDED, Stage
from llmos.kit.config import current
from llmos.kit.errors import Forbidden, Invalid, Unauthenticated
from llmos.kit.files import written_whole
from llmos.kit.time import iso, now
from llmos.store.http import base_url, blocking, endpoint, json_of, read_body, reply
from llmos.store.threads import in_thread

PAGE = 1000
AT_A_TIME = 500  # events read in one go
LOOK_EVERY = 0.5  # seconds between looks at a stream that is being written
KEEP_ALIVE = 20.0
_NAMES = {stage.value: name for stage, name in CLIENT_NAMES.items()}
ARTEFACT_NAMES = frozenset({"samples.jsonl"})
FLAVOUR = "cpu-basic"  # the client's name for the plainest machine; there is one kind here
WISHES = frozenset("activity inputs output recipe seed arguments priority cores labels".split())


@blocking
def list_jobs(request: Request, body: bytes) -> Response:
    """Jobs of a namespace, newest first; `stage` and `label` (`key=value`) choose some."""
    viewer = viewer_of(request)
    if viewer.is_anonymous:
        raise Unauthenticated("Sign in to see your jobs")
    query = request.query_params
    wanted = {name.upper() for name in query.getlist("stage")}
    stages = [stage for stage, name in CLIENT_NAMES.items() if name in wanted] if wanted else None
    labels = dict(label.partition("=")[::2] for label in query.getlist("label"))
    start = _number(query.get("skip"), "skip")
    found = jobs_of(viewer, namespace=request.path_params["ns"], stages=stages, labels=labels)
    jobs = summaries(found[start : start + PAGE + 1])
    headers = {}
    if len(jobs) > PAGE:
        following = request.url.include_query_params(skip=start + PAGE).query
        headers["Link"] = f'<{base_url(request)}{request.url.path}?{following}>; rel="next"'
    told = _told(base_url(request))
    return reply([_in_list(job, told) for job in jobs[:PAGE]], headers=headers)


@blocking
def create(request: Request, body: bytes) -> Response:
    """File a job of ours. What other hubs take here, containers and commands, is refused."""
    viewer = viewer_of(request)
    if viewer.is_anonymous:
        raise Unauthenticated("Sign in to start jobs")
    wish = json_of(body)
    if "activity" not in wish:
        raise Forbidden(
            "This hub runs its own recipes, not containers or commands: send an activity "
            f"({', '.join(ACTIVITIES)}), or start it on the page /train"
        )
    unknown = sorted(wish.keys() - WISHES)
    if unknown:
        raise Invalid(f"A job has no {unknown[0]!r}; it knows {', '.join(sorted(WISHES))}")
    job = file_job(
        viewer=viewer,
        namespace=request.path_params["ns"],
        activity=wish["activity"],
        inputs=_objects(wish, "inputs"),
        output=_object(wish, "output"),
        recipe=_object(wish, "recipe") or {},
        seed=wish.get("seed", 1),
        arguments=_object(wish, "arguments"),
        priority=wish.get("priority", 0),
        cores=wish.get("cores", 0),
        labels=_object(wish, "labels"),
    )
    return reply(described(job, base_url(request)), status=201)


@blocking
def inspect(request: Request, body: bytes) -> Response:
    """One job, in the fields of hub clients; our own part of it stands under `llmos`."""
    return reply(described(_job(request), base_url(request)))


@blocking
def stop(request: Request, body: bytes) -> Response:
    """Cancel: a waiting job ends at once, a running one as soon as it has been ended."""
    job = _job(request, steer=True)
    cancel(job)
    job.refresh_from_db()
    return reply(described(job, base_url(request)))


@blocking
def take_up(request: Request, body: bytes) -> Response:
    """Queue a job that did not succeed again; it goes on from its last checkpoint."""
    job = _job(request, steer=True)
    resume(job)
    job.refresh_from_db()
    return reply(described(job, base_url(request)))


@blocking
def duplicate(request: Request, body: bytes) -> Response:
    """Run it again: a new job with the same spec, at the same commits."""
    job = _job(request)
    again = run_again(viewer=viewer_of(request), job=job, namespace=request.path_params["ns"])
    return reply(described(again, base_url(request)), status=201)


@blocking
def put_labels(request: Request, body: bytes) -> Response:
    """Put `labels` in the place of the old ones."""
    job = _job(request, steer=True)
    relabel(job, json_of(body).get("labels"))
    job.refresh_from_db()
    return reply(described(job, base_url(request)))


@endpoint
async def logs(request: Request) -> Response:
    """Server-sent events `{data, timestamp}`, one for each line, until the job ends."""

    def shaped(place: Place) -> dict[str, Any] | None:
        event = place.event
        if event["event"] not in SPOKEN:
            return None
        return {"data": event["text"], "timestamp": event["at"]}

    job = await in_thread(_job, request)
    tail = request.query_params.get("tail")
    start = await in_thread(tail_offset, job.pk, _number(tail, "tail")) if tail else 0
    return _stream(_followed(job.pk, start, shaped))


@endpoint
async def metrics(request: Request) -> Response:
    """Server-sent events of what the job uses now, each second, until it ends."""
    job = await in_thread(_job, request)
    return _stream(_uses(job.pk))


@endpoint
async def events(request: Request) -> Response:
    """All events, each with its offset as id: `Last-Event-ID` or `?after=` go on from there."""
    job = await in_thread(_job, request)
    after = request.headers.get("last-event-id") or request.query_params.get("after")
    start = _number(after, "after")
    return _stream(_followed(job.pk, start, lambda place: place.event, farewell=True))


@blocking
def hardware(request: Request, body: bytes) -> Response:
    """What jobs may run on: this machine, or the cluster."""
    memory = psutil.virtual_memory().total / 2**30
    cores = executor_named(current(JobsSettings).executor).cores()
    return reply(
        [
            {
                "name": FLAVOUR,
                "prettyName": "This hub's processors",
                "cpu": f"{cores} vCPU",
                "ram": f"{memory:.0f} GB",
                "accelerator": None,
                "unitCostMicroUSD": 0,
                "unitCostUSD": 0.0,
                "unitLabel": "minute",
            }
        ]
    )


@blocking
def list_scheduled(request: Request, body: bytes) -> Response:
    """Clients ask for jobs that run by the clock; this hub has none."""
    return reply([])


@endpoint
async def put_artefact(request: Request) -> Response:
    """A file that a running job leaves with the hub; only the job itself may."""
    job = await in_thread(_asking_job, request)
    name = request.path_params["name"]
    if name not in ARTEFACT_NAMES:
        raise Invalid(f"Jobs leave {', '.join(ARTEFACT_NAMES)} and nothing else")
    body = await read_body(request, current(JobsSettings).artefact_mb * 2**20)
    await in_thread(_keep, artefact_path(job.pk, name), body)
    return reply({"name": name, "size": len(body)}, status=201)


def described(job: Job, base: str) -> dict[str, Any]:
    """A job in the fields of hub clients, with all that we know of it under `llmos`."""
    found = _in_list(summary_of(job), _told(base))
    found["llmos"] |= {"spec": job.spec, "made": job.made, "result": job.result}
    return found


@dataclass(frozen=True, slots=True)
class _Told:
    """What is the same in every row of a list, and would take longer than the row."""

    base: str
    moment: datetime
    retries: int


def _told(base: str) -> _Told:
    return _Told(base, now(), current(JobsSettings).attempts - 1)


def _in_list(job: Summary, told: _Told) -> dict[str, Any]:
    created, started, until = job.created_at, job.started_at, job.ended_at or told.moment
    return {
        "id": job.pk,
        "createdAt": iso(created),
        "startedAt": iso(started) if started else None,
        "finishedAt": iso(job.ended_at) if job.ended_at else None,
        "dockerImage": "llmos",
        "command": ["llmos", job.activity],
        "arguments": [],
        "environment": {},
        "flavor": FLAVOUR,
        "labels": job.labels,
        "status": {"stage": _NAMES[job.stage], "message": job.message or None},
        "owner": {"id": str(job.namespace_id), "name": job.namespace, "type": job.kind},
        "initiator": {"type": "user", "id": str(job.user_id), "name": job.user},
        "retry": told.retries,
        "durations": {
            "schedulingSecs": _seconds(created, started) if started else None,
            "runningSecs": _seconds(started, until) if started else None,
            "totalSecs": _seconds(created, until),
        },
        "llmos": {
            "activity": job.activity,
            "stage": job.stage,
            "attempt": job.attempt,
            "cores": job.cores,
            "priority": job.priority,
            "executor": job.executor,
            "progress": job.progress or {},
            "output": job.output,
            "cost": job.cost,
            "url": f"{told.base}/jobs/{job.namespace}/{job.pk}",
        },
    }


def _seconds(since: datetime, until: datetime) -> int:
    return max(0, round((until - since).total_seconds()))


def _job(request: Request, *, steer: bool = False) -> Job:
    found = request.path_params
    return job_for(viewer_of(request), found["ns"], found["id"], steer=steer)


def _asking_job(request: Request) -> Job:
    """The job whose own token came with the request. Raises JobNotFound, Forbidden."""
    job = _job(request)
    if not is_jobs_own(viewer_of(request), job):
        raise Forbidden("Only the job itself leaves files here")
    return job


def _keep(path: Path, content: bytes) -> None:
    with written_whole(path) as file:
        file.write(content)


def _number(text: str | None, name: str) -> int:
    """A number of a query, 0 for none. Raises Invalid."""
    if text and not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise Invalid(f"{name} is a whole number")
    return int(text or 0)


def _objects(wish: dict[str, Any], key: str) -> list[dict[str, str]]:
    value = wish.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Invalid(f"{key} is a list of objects")
    return value


def _object(wish: dict[str, Any], key: str) -> dict[str, Any] | None:
    value = wish.get(key)
    if value is not None and not isinstance(value, dict):
        raise Invalid(f"{key} is an object")
    return value


def _stream(events: AsyncIterator[bytes]) -> Response:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(events, media_type="text/event-stream", headers=headers)


async def _followed(
    job_id: str,
    after: int,
    shaped: Callable[[Place], dict[str, Any] | None],
    *,
    farewell: bool = False,
) -> AsyncIterator[bytes]:
    """Events as they come. Whoever goes away ends it; so does the end of the job.

    `farewell` tells that end by an event `end`; hub clients take every event for a line.
    """
    quiet = 0.0
    while True:
        # Asked before the stream is read, so that last words are not missed.
        over = await in_thread(_is_over, job_id)
        places = await in_thread(_some_events, job_id, after)
        for place in places:
            after = place.after
            content = shaped(place)
            if content is not None:
                yield b"id: %d\ndata: %s\n\n" % (after, orjson.dumps(content))
                quiet = 0.0
        if len(places) == AT_A_TIME:
            continue
        if over:
            if farewell:
                yield b"event: end\ndata: {}\n\n"
            return
        await asyncio.sleep(LOOK_EVERY)
        quiet += LOOK_EVERY
        if quiet >= KEEP_ALIVE:
            yield b": keep-alive\n\n"
            quiet = 0.0


def _some_events(job_id: str, after: int) -> list[Place]:
    return list(islice(read_events(job_id, after=after), AT_A_TIME))


async def _uses(job_id: str) -> AsyncIterator[bytes]:
    """What the newest attempt uses, as often as its keeper looks."""
    told = ""
    while True:
        use = await in_thread(_use_of, job_id)
        if use is None:
            return
        if use.get("at", told) != told:
            told = use["at"]
            yield b"event: metric\ndata: %s\n\n" % orjson.dumps(_as_metric(job_id, use))
        await asyncio.sleep(LOOK_EVERY)


def _use_of(job_id: str) -> dict[str, Any] | None:
    """None once the job is over; empty while nobody has looked."""
    found = Job.objects.filter(pk=job_id).values_list("stage", "attempt").first()
    if found is None or found[0] in ENDED:
        return None
    return (read_usage(job_id, found[1]) or {}) if found[0] == Stage.RUNNING else {}


def _as_metric(job_id: str, use: dict[str, Any]) -> dict[str, Any]:
    """In the client's words. What jobs send over the network is not counted apart here."""
    return {
        "cpu_usage_pct": round(100 * use["cores_used"] / use["cores"]),
        "cpu_millicores": round(1000 * use["cores_used"]),
        "memory_used_bytes": use["memory_bytes"],
        "memory_total_bytes": use["memory_limit_bytes"],
        "rx_bps": 0,
        "tx_bps": 0,
        "gpus": {},
        "replica": job_id[:5],
    }


def _is_over(job_id: str) -> bool:
    stage = Job.objects.filter(pk=job_id).values_list("stage", flat=True).first()
    return stage is None or stage in ENDED


_ONE = "/api/jobs/{ns:seg}/{id:seg}"
routes = [
    Route("/api/jobs/hardware", hardware, methods=["GET"]),
    Route("/api/jobs/{ns:seg}", list_jobs, methods=["GET"]),
    Route("/api/jobs/{ns:seg}", create, methods=["POST"]),
    Route(_ONE, inspect, methods=["GET"]),
    Route(f"{_ONE}/cancel", stop, methods=["POST"]),
    Route(f"{_ONE}/resume", take_up, methods=["POST"]),
    Route(f"{_ONE}/duplicate", duplicate, methods=["POST"]),
    Route(f"{_ONE}/labels", put_labels, methods=["PUT"]),
    Route(f"{_ONE}/logs", logs, methods=["GET"]),
    Route(f"{_ONE}/metrics", metrics, methods=["GET"]),
    Route(f"{_ONE}/events", events, methods=["GET"]),
    Route(f"{_ONE}/artefacts/{{name:seg}}", put_artefact, methods=["PUT"]),
    Route("/api/scheduled-jobs/{ns:seg}", list_scheduled, methods=["GET"]),
]
