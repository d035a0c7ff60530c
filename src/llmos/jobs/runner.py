"""The runner: takes jobs from the queue, starts them, hears them, ends them.

It keeps nothing in memory that it could not find again, so it may be killed at any moment.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import orjson
from django.db import close_old_connections

from llmos.jobs.actions import check_output, claim, end, job_token, requeue
from llmos.jobs.config import JobsSettings
from llmos.jobs.executors import executor_named
from llmos.jobs.folders import EXIT, SPEC, job_folder, read_events, read_exit
from llmos.jobs.models import Job
from llmos.jobs.stages import Stage
from llmos.jobs.waking import wake_path
from llmos.kit.config import current
from llmos.kit.errors import Refusal
from llmos.kit.files import written_whole
from llmos.kit.time import now

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds
HEARTBEAT_EVERY = 10.0
# Events that become columns of the row when they come.
FACTS = {"made": "made", "output": "output", "result": "result", "cost": "cost"}


class Runner:
    """`hub_url` is where jobs reach this hub."""

    def __init__(self, hub_url: str) -> None:
        self.hub_url = hub_url
        self._heard: dict[str, int] = {}  # job → offset in its stream
        self._facts: dict[str, dict[str, Any]] = {}
        self._beaten = 0.0
        self._is_first_look = True

    def run(self, stopping: Callable[[], bool]) -> None:
        with _wake_socket() as wire:
            while not stopping():
                try:
                    self.look()
                except Exception:
                    # A database that is locked or away for a moment must not end all jobs' runner.
                    logger.exception("the runner goes on after an error")
                close_old_connections()
                with suppress(OSError):
                    wire.recv(16)

    def look(self) -> None:
        """One round: hear the running jobs, then start waiting ones while there is room."""
        running = list(Job.objects.filter(stage=Stage.RUNNING).select_related("namespace", "user"))
        beat = time.monotonic() - self._beaten > HEARTBEAT_EVERY
        for job in running:
            self._hear(job)
            self._tend(job, beat=beat)
        if beat:
            self._beaten = time.monotonic()
        self._is_first_look = False
        self._start_waiting()

    def _start_waiting(self) -> None:
        room = cores_for_jobs() - sum(
            Job.objects.filter(stage=Stage.RUNNING).values_list("cores", flat=True)
        )
        for job in _waiting():
            # A job wider than the machine runs alone.
            wanted = min(job.cores, cores_for_jobs())
            if wanted > room:
                return
            if claim(job):
                job.refresh_from_db()
                self._start(job)
                room -= wanted

    def _start(self, job: Job) -> None:
        folder = job_folder(job.pk)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            (folder / EXIT).unlink(missing_ok=True)
            with written_whole(folder / SPEC) as file:
                file.write(orjson.dumps(job.spec))
            environment = {
                "HF_ENDPOINT": self.hub_url,
                "HF_TOKEN": job_token(job, hours=current(JobsSettings).hours),
                "HF_HOME": str(folder / "cache"),
                "HF_HUB_DISABLE_TELEMETRY": "1",
                "HF_HUB_DISABLE_UPDATE_CHECK": "1",
                "HF_HUB_DISABLE_PROGRESS_BARS": "1",
                "NO_PROXY": "*",
                "LLMOS_JOB_ID": job.pk,
                "LLMOS_JOB_NAMESPACE": job.namespace.name,
            }
            executor_named(job.executor).start(job, environment)
        except Refusal as refusal:
            end(job, Stage.FAILED, message=refusal.message)
        except Exception as error:
            logger.exception("job %s could not be started", job.pk)
            end(job, Stage.FAILED, message=f"The job could not be started: {error}")

    def _hear(self, job: Job) -> None:
        """Take in what the job has said since last time."""
        facts = self._facts.setdefault(job.pk, {})
        progress = dict(job.progress)
        for place in read_events(job.pk, after=self._heard.get(job.pk, 0)):
            self._heard[job.pk] = place.after
            _note(place.event, progress, facts)
        if progress != job.progress:
            job.progress = progress
            Job.objects.filter(pk=job.pk).update(progress=progress)

    def _tend(self, job: Job, *, beat: bool) -> None:
        executor = executor_named(job.executor)
        if executor.is_alive(job):
            if job.cancel_wanted:
                executor.stop(job)
            if beat:
                Job.objects.filter(pk=job.pk).update(heartbeat_at=now())
            return
        self._hear(job)  # its last words
        ended = read_exit(job.pk)
        if ended is None:
            why = "What ran this job ended without a word; it goes on from its checkpoint."
            # A hub that was stopped or killed is no fault of the job's.
            requeue(job, why, at_fault=not self._is_first_look)
        else:
            self._end(job, ended)
        self._heard.pop(job.pk, None)
        self._facts.pop(job.pk, None)

    def _end(self, job: Job, ended: dict[str, Any]) -> None:
        facts = dict(self._facts.get(job.pk, {}))
        refused = facts.pop("refused", "")
        last = facts.pop("log", "")
        code, by = ended["code"], ended.get("ended_by", "")
        if job.cancel_wanted or by == "cancel":
            end(job, Stage.CANCELLED, exit_code=code, facts=facts)
        elif by:
            end(job, Stage.FAILED, message=_LIMITS[by], exit_code=code, facts=facts)
        elif code == 0:
            try:
                check_output(job, facts.get("output") or {})
            except Refusal as refusal:
                end(job, Stage.FAILED, message=refusal.message, exit_code=code, facts=facts)
            else:
                end(job, Stage.SUCCEEDED, exit_code=code, facts=facts)
        else:
            why = refused or f"The job broke off ({_status(code)}). Its last words: {last}"
            end(job, Stage.FAILED, message=why, exit_code=code, facts=facts)


_LIMITS = {
    "memory": "The job used more memory than it may: lower batch.tokens or the model's size.",
    "time": "The job took longer than jobs may here; resume it to go on from its checkpoint.",
}


def cores_for_jobs() -> int:
    return current(JobsSettings).cores or os.cpu_count() or 1


def _waiting() -> Iterator[Job]:
    jobs = Job.objects.filter(stage=Stage.QUEUED).select_related("namespace", "user")
    yield from jobs.order_by("-priority", "created_at")[:50]


def _note(event: dict[str, Any], progress: dict[str, Any], facts: dict[str, Any]) -> None:
    kind = event["event"]
    content = {key: value for key, value in event.items() if key not in {"event", "at"}}
    if kind in FACTS:
        facts[FACTS[kind]] = content
    elif kind == "step":
        progress["step"] = content
    elif kind == "evaluation":
        progress["metrics"] = content["metrics"]
    elif kind in {"plan", "status"}:
        progress |= content
    elif kind == "refused":
        facts["refused"] = content["text"]
    elif kind == "log" and content["text"].strip():
        facts["log"] = content["text"].strip()


def _status(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"


def _wake_socket() -> socket.socket:
    path = wake_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    wire.bind(str(path))
    wire.settimeout(LOOK_EVERY)
    return wire
