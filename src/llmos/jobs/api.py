"""Jobs for machines: the calls of hub clients (`hf jobs …`), our own to file and follow.

Clients' fields are theirs; our own part of a job stands under `llmos`.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import orjson
import psutil
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from llmos.accounts.access import viewer_of
from llmos.jobs.access import is_jobs_own, job_for
from llmos.jobs.actions import cancel, file_job, resume
from llmos.jobs.config import JobsSettings
from llmos.jobs.errors import JobNotFound
from llmos.jobs.folders import Place, artefact_path, read_events, tail_offset
from llmos.jobs.models import Job
from llmos.jobs.queries import jobs_of
from llmos.jobs.stages import CLIENT_NAMES, ENDED
from llmos.kit.config import current
from llmos.kit.errors import Forbidden, Invalid, Unauthenticated
from llmos.kit.files import written_whole
from llmos.kit.time import iso
from llmos.store.http import base_url, blocking, endpoint, json_of, read_body, reply
from llmos.store.threads import in_thread

PAGE = 100
LOOK_EVERY = 0.5  # seconds between looks at a stream that is being written
KEEP_ALIVE = 20.0
ARTEFACT_NAMES = frozenset({"samples.jsonl"})


@blocking
def list_jobs(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    if viewer.is_anonymous:
        raise Unauthenticated("Sign in to see your jobs")
    wanted = {name.upper() for name in request.query_params.getlist("stage")}
    stages = [stage for stage, name in CLIENT_NAMES.items() if name in wanted] if wanted else None
    start = int(request.query_params.get("skip", "0") or 0)
    found = jobs_of(viewer, namespace=request.path_params["ns"], stages=stages)
    jobs = list(found[start : start + PAGE + 1])
    headers = {}
    if len(jobs) > PAGE:
        query = request.url.include_query_params(skip=start + PAGE).query
        headers["Link"] = f'<{base_url(request)}{request.url.path}?{query}>; rel="next"'
    return reply([described(job, base_url(request)) for job in jobs[:PAGE]], headers=headers)


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
            '("train" or "evaluate"), or start it on the page /train'
        )
    job = file_job(
        viewer=viewer,
        namespace=request.path_params["ns"],
        activity=str(wish["activity"]),
        inputs=_objects(wish, "inputs"),
        output=wish.get("output"),
        recipe=wish.get("recipe") or {},
        seed=int(wish.get("seed", 1)),
        arguments=wish.get("arguments") or {},
        cores=int(wish.get("cores", 1)),
        labels={str(key): str(value) for key, value in (wish.get("labels") or {}).items()},
    )
    return reply(described(job, base_url(request)), status=201)


@blocking
def inspect(request: Request, body: bytes) -> Response:
    return reply(described(_job(request), base_url(request)))


@blocking
def stop(request: Request, body: bytes) -> Response:
    job = _job(request, steer=True)
    cancel(job)
    job.refresh_from_db()
    return reply(described(job, base_url(request)))


@blocking
def take_up(request: Request, body: bytes) -> Response:
    job = _job(request, steer=True)
    resume(job)
    job.refresh_from_db()
    return reply(described(job, base_url(request)))


@endpoint
async def logs(request: Request) -> Response:
    """Server-sent events `{"data", "timestamp"}`, one for each line, until the job ends."""

    def shaped(place: Place) -> dict[str, Any] | None:
        event = place.event
        if event["event"] not in {"log", "status", "refused"}:
            return None
        return {"data": event["text"], "timestamp": event["at"]}

    job = await in_thread(_job, request)
    tail = request.query_params.get("tail")
    start = await in_thread(tail_offset, job.pk, int(tail)) if tail else 0
    return _stream(request, job, start, shaped)


@endpoint
async def metrics(request: Request) -> Response:
    """Server-sent events of what the job measures of itself."""

    def shaped(place: Place) -> dict[str, Any] | None:
        event = place.event
        return event if event["event"] in {"step", "evaluation", "cost"} else None

    job = await in_thread(_job, request)
    return _stream(request, job, 0, shaped)


@endpoint
async def events(request: Request) -> Response:
    """All events, each with its offset as id: `Last-Event-ID` or `?after=` go on from there."""
    job = await in_thread(_job, request)
    after = request.headers.get("last-event-id") or request.query_params.get("after") or "0"
    if not after.isdecimal():
        raise Invalid("after is an offset, as the ids of events give it")
    return _stream(request, job, int(after), lambda place: place.event)


@blocking
def hardware(request: Request, body: bytes) -> Response:
    """What jobs may run on: this machine."""
    memory = psutil.virtual_memory().total / 2**30
    cores = current(JobsSettings).cores or os.cpu_count() or 1
    return reply(
        [
            {
                "name": "cpu-basic",
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
    stage, created = CLIENT_NAMES[job.stage], job.created_at  # type: ignore[index]
    waited = ((job.started_at or job.ended_at or created) - created).total_seconds()
    ran = (job.ended_at - job.started_at).total_seconds() if job.ended_at and job.started_at else 0
    owner = {"id": str(job.namespace_id), "name": job.namespace.name, "type": job.namespace.kind}
    return {
        "id": job.pk,
        "createdAt": iso(created),
        "startedAt": iso(job.started_at) if job.started_at else None,
        "finishedAt": iso(job.ended_at) if job.ended_at else None,
        "dockerImage": "llmos",
        "command": ["llmos", job.activity],
        "arguments": [],
        "environment": {},
        "flavor": "cpu-basic",
        "labels": job.labels or None,
        "status": {"stage": stage, "message": job.message or None},
        "owner": owner,
        "initiator": {"type": "user", "id": str(job.user_id), "name": job.user.username},
        "durations": {
            "scheduling_secs": round(waited),
            "running_secs": round(ran),
            "total_secs": round(waited + ran),
        },
        "llmos": {
            "activity": job.activity,
            "stage": job.stage,
            "spec": job.spec,
            "progress": job.progress,
            "output": job.output,
            "result": job.result,
            "cost": job.cost,
            "url": base + job.url,
        },
    }


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


def _objects(wish: dict[str, Any], key: str) -> list[dict[str, str]]:
    value = wish.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Invalid(f"{key} is a list of objects")
    return value


def _stream(
    request: Request, job: Job, after: int, shaped: Callable[[Place], dict[str, Any] | None]
) -> Response:
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(
        _followed(job.pk, after, shaped), media_type="text/event-stream", headers=headers
    )


async def _followed(
    job_id: str, after: int, shaped: Callable[[Place], dict[str, Any] | None]
) -> AsyncIterator[bytes]:
    """Events as they come. Whoever goes away ends it; so does the end of the job."""
    quiet = 0.0
    while True:
        # Asked before the stream is read, so that last words are not missed.
        over = await in_thread(_is_over, job_id)
        places = await in_thread(lambda start: list(read_events(job_id, after=start)), after)
        for place in places:
            after = place.after
            content = shaped(place)
            if content is not None:
                yield b"id: %d\ndata: %s\n\n" % (after, orjson.dumps(content))
                quiet = 0.0
        if over:
            yield b"event: end\ndata: {}\n\n"
            return
        await asyncio.sleep(LOOK_EVERY)
        quiet += LOOK_EVERY
        if quiet >= KEEP_ALIVE:
            yield b": keep-alive\n\n"
            quiet = 0.0


def _is_over(job_id: str) -> bool:
    stage = Job.objects.filter(pk=job_id).values_list("stage", flat=True).first()
    if stage is None:
        raise JobNotFound
    return stage in ENDED


_ONE = "/api/jobs/{ns:seg}/{id:seg}"
routes = [
    Route("/api/jobs/hardware", hardware, methods=["GET"]),
    Route("/api/jobs/{ns:seg}", list_jobs, methods=["GET"]),
    Route("/api/jobs/{ns:seg}", create, methods=["POST"]),
    Route(_ONE, inspect, methods=["GET"]),
    Route(f"{_ONE}/cancel", stop, methods=["POST"]),
    Route(f"{_ONE}/resume", take_up, methods=["POST"]),
    Route(f"{_ONE}/logs", logs, methods=["GET"]),
    Route(f"{_ONE}/metrics", metrics, methods=["GET"]),
    Route(f"{_ONE}/events", events, methods=["GET"]),
    Route(f"{_ONE}/artefacts/{{name:seg}}", put_artefact, methods=["PUT"]),
]
