"""The runner: takes jobs from the queue, starts them, hears them, ends them.

It keeps nothing in memory that it could not find again, so it may be killed at any moment.
"""

import logging
import socket
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import orjson
from django.db import DatabaseError, close_old_connections

from llmos.jobs import costs
from llmos.jobs.config import JobsSettings
from llmos.jobs.ending import checked_output, end, requeue
from llmos.jobs.executors import Executor, executor_named
from llmos.jobs.folders import SPEC, job_folder, read_events, read_exit, read_usage
from llmos.jobs.follower import LOST
from llmos.jobs.hearing import Heard
from llmos.jobs.models import Job
from llmos.jobs.retention import sweep
from llmos.jobs.stages import Stage
from llmos.jobs.starting import claim, job_token
from llmos.jobs.waking import wake_path
from llmos.kit.config import current
from llmos.kit.errors import Refusal
from llmos.kit.files import written_whole
from llmos.kit.time import now
from llmos.store.config import ServerSettings

logger = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds
HEARTBEAT_EVERY = 10.0
SWEEP_EVERY = 3600.0
# A job that the hub stumbles over so often in a row is ended, so that others get its cores.
STUMBLES = 5


class Runner:
    """`hub_url` is where jobs reach this hub."""

    def __init__(self, hub_url: str) -> None:
        self.hub_url = hub_url
        self._heard: dict[str, Heard] = {}
        self._stumbles: Counter[str] = Counter()
        self._beaten = self._swept = float("-inf")
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
        moment = time.monotonic()
        beat = moment - self._beaten > HEARTBEAT_EVERY
        for job in _running():
            self._look_after(job, beat=beat)
        if beat:
            self._beaten = moment
        self._is_first_look = False
        self._start_waiting()
        if moment - self._swept > SWEEP_EVERY:
            self._swept = moment
            sweep()

    def _look_after(self, job: Job, *, beat: bool) -> None:
        try:
            self._tend(job, beat=beat)
        except DatabaseError:
            raise
        except Exception as error:
            # One job's trouble is not the others': they are looked after all the same.
            logger.exception("job %s could not be looked after", job.pk)
            self._stumbles[job.pk] += 1
            if self._stumbles[job.pk] >= STUMBLES:
                executor_named(job.executor).stop(job)
                why = f"The hub could not follow this job ({error}); its log has the cause."
                self._over(job, Stage.FAILED, message=why)
        else:
            self._stumbles.pop(job.pk, None)

    def _start_waiting(self) -> None:
        """In line, the first first; whoever does not fit holds up those behind."""
        most: dict[str, int] = {}
        room: dict[str, int] = {}
        at_once, running = current(JobsSettings).at_once, Counter[int]()
        for place in _places(Stage.RUNNING):
            most.setdefault(place.executor, executor_named(place.executor).cores())
            room.setdefault(place.executor, most[place.executor])
            room[place.executor] -= place.wanted(most)
            running[place.namespace_id] += 1
        for place in _places(Stage.QUEUED):
            most.setdefault(place.executor, executor_named(place.executor).cores())
            left = room.setdefault(place.executor, most[place.executor])
            if at_once and running[place.namespace_id] >= at_once:
                continue
            # Once somebody does not fit, nobody behind is let past for ever.
            room[place.executor] = left - place.wanted(most)
            if room[place.executor] >= 0 and claim(place.pk):
                running[place.namespace_id] += 1
                self._start(Job.objects.select_related("namespace", "user").get(pk=place.pk))

    def _start(self, job: Job) -> None:
        folder = job_folder(job.pk)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            with written_whole(folder / SPEC) as file:
                file.write(orjson.dumps(job.spec))
            executor_named(job.executor).start(job, self._environment(job))
        except Refusal as refusal:
            end(job, Stage.FAILED, message=refusal.message)
        except DatabaseError:
            raise
        except Exception as error:
            logger.exception("job %s could not be started", job.pk)
            end(job, Stage.FAILED, message=f"The job could not be started: {error}")

    def _environment(self, job: Job) -> dict[str, str]:
        return {
            "HF_ENDPOINT": self.hub_url,
            "HF_TOKEN": job_token(job, hours=current(JobsSettings).hours),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "TQDM_DISABLE": "1",  # a job tells how far it is by events; bars only fill its log
            "NO_PROXY": "*",
            "LLMOS_JOB_ID": job.pk,
            "LLMOS_JOB_NAMESPACE": job.namespace.name,
            "LLMOS_JOB_HUB": current(ServerSettings).public_url.rstrip("/") or self.hub_url,
        }

    def _hear(self, job: Job) -> Heard:
        """Take in what the job has said since last time."""
        heard = self._heard.setdefault(job.pk, Heard(dict(job.progress)))
        for place in read_events(job.pk, after=heard.until):
            heard.note(place)
        if heard.progress != job.progress:
            job.progress = dict(heard.progress)
            Job.objects.filter(pk=job.pk).update(progress=job.progress)
        return heard

    def _tend(self, job: Job, *, beat: bool) -> None:
        executor = executor_named(job.executor)
        self._hear(job)
        if executor.is_alive(job):
            if job.cancel_wanted:
                executor.stop(job)
            if beat:
                Job.objects.filter(pk=job.pk).update(heartbeat_at=now())
            return
        heard = self._hear(job)  # its last words
        ended = read_exit(job.pk, job.attempt)
        if ended is not None:
            self._end(job, executor, ended, heard)
        elif not executor.find_again(job):
            why = "What ran this job ended without a word; it goes on from its checkpoint."
            # A hub that was stopped or killed is no fault of the job's.
            requeue(job, why, at_fault=not self._is_first_look, cost=_cost(job, heard))
            self._heard.pop(job.pk, None)

    def _end(self, job: Job, executor: Executor, ended: dict[str, Any], heard: Heard) -> None:
        facts = {**heard.facts, "cost": _cost(job, heard)}
        code, by = ended["code"], ended["ended_by"]
        stage, message = Stage.SUCCEEDED, ""
        if code == 0:  # also when it was asked to end a moment too late
            try:
                facts["output"] = checked_output(job, facts.get("output") or {}) or None
            except Refusal as refusal:
                stage, message = Stage.FAILED, refusal.message
        elif job.cancel_wanted or by == "cancel":
            stage = Stage.CANCELLED
        elif by:
            stage, message = Stage.FAILED, _LIMITS[by]
        elif code == LOST:
            requeue(job, heard.last_words, cost=facts["cost"])
            self._heard.pop(job.pk, None)
            return
        else:
            stage, message = Stage.FAILED, heard.refused or _broken_off(code, heard.last_words)
        if stage == Stage.SUCCEEDED:
            # Before anybody hears of the end: then whoever does finds the record only.
            executor.clear(job)
        self._over(job, stage, message=message, exit_code=code, facts=facts)

    def _over(self, job: Job, stage: Stage, **how: Any) -> None:
        end(job, stage, **how)
        self._heard.pop(job.pk, None)
        self._stumbles.pop(job.pk, None)


_LIMITS = {
    "memory": "The job used more memory than it may: lower batch.tokens or the model's size.",
    "processes": "The job started more processes than it may: lower its number of workers.",
    "time": "The job took longer than jobs may here; resume it to go on from its checkpoint.",
}


def _broken_off(code: int, last_words: str) -> str:
    if code == -9:
        return (
            "The job was killed from outside; most often the machine's memory was used up. "
            "Lower batch.tokens or the model's size, then resume it."
        )
    status = f"signal {-code}" if code < 0 else f"exit status {code}"
    said = f" Its last words: {last_words}" if last_words else " It said nothing."
    return f"The job broke off ({status}).{said}"


def _cost(job: Job, heard: Heard) -> dict[str, Any] | None:
    """Of all attempts so far: this one as it tells itself, or as it was seen."""
    told = heard.facts.get("cost") or costs.seen(read_usage(job.pk, job.attempt))
    return costs.added(job.cost, told)


class _Place(NamedTuple):
    """What counts when jobs are given their cores."""

    pk: str
    executor: str
    cores: int
    namespace_id: int

    def wanted(self, most: dict[str, int]) -> int:
        """A job wider than the machine runs alone; where no core is for jobs, none runs."""
        return max(1, min(self.cores, most[self.executor]))


def _places(stage: Stage) -> list[_Place]:
    jobs = Job.objects.filter(stage=stage).order_by("-priority", "created_at")
    return [_Place(*row) for row in jobs.values_list(*_Place._fields)]


def _running() -> list[Job]:
    return list(Job.objects.filter(stage=Stage.RUNNING).select_related("namespace", "user"))


def _wake_socket() -> socket.socket:
    path = wake_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    wire.bind(str(path))
    wire.settimeout(LOOK_EVERY)
    return wire
