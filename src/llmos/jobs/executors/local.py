"""Jobs as processes of this machine, each under a keeper (`jobs/keeper.py`)."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import psutil

from llmos.jobs.config import JobsSettings, cores_for_jobs
from llmos.jobs.folders import LOCK, SPEC, job_folder
from llmos.jobs.keeper import Terms
from llmos.jobs.limits import Limits, parent_group
from llmos.jobs.models import Job
from llmos.jobs.retention import keep_record_only
from llmos.kit.config import current
from llmos.kit.lifeline import HELD_LIFELINE_VARIABLE

# What a job may see of the hub's environment; secrets of the server are not among it.
PASSED = (
    "CUDA_VISIBLE_DEVICES",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "PATH",
    "TMPDIR",
    "TZ",
    "VIRTUAL_ENV",
)
FOLDER_VARIABLE = "LLMOS_JOB_FOLDER"

# Held only so that those which have ended leave the kernel's table.
_started: list[subprocess.Popen[bytes]] = []


class LocalExecutor:
    command = (sys.executable, "-m", "llmos.lab.work")

    def cores(self) -> int:
        return cores_for_jobs()

    def start(self, job: Job, environment: dict[str, str]) -> None:
        self._keep(job, environment, self.command)

    def is_alive(self, job: Job) -> bool:
        try:
            lock = os.open(job_folder(job.pk) / LOCK, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not _taken(lock)
        finally:
            os.close(lock)

    def find_again(self, job: Job) -> bool:
        """Without its keeper nobody hears the job any more: what is left of it is ended."""
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):
                if process.environ().get(FOLDER_VARIABLE) == str(job_folder(job.pk)):
                    process.kill()
        return False

    def stop(self, job: Job) -> None:
        with suppress(FileNotFoundError, ValueError, ProcessLookupError):
            number = int((job_folder(job.pk) / LOCK).read_text())
            if self.is_alive(job):
                os.kill(number, signal.SIGTERM)

    def clear(self, job: Job) -> None:
        keep_record_only(job_folder(job.pk))

    def _keep(
        self,
        job: Job,
        environment: dict[str, str],
        command: tuple[str, ...],
        *,
        is_new: bool = True,
    ) -> None:
        lock = os.open(job_folder(job.pk) / LOCK, os.O_RDWR | os.O_CREAT)
        try:
            if _taken(lock):  # else a runner that was killed had started it
                _start_keeper(job, environment, command, lock, is_new=is_new)
        finally:
            os.close(lock)


def limits_for(job: Job) -> Limits:
    settings = current(JobsSettings)
    return Limits(
        memory=settings.memory_mb * 2**20 or psutil.virtual_memory().total * 3 // 4,
        processes=settings.processes,
        seconds=settings.hours * 3600.0,
        cores=job.cores,
        cgroup=parent_group(settings.cgroup),
    )


def _start_keeper(
    job: Job,
    environment: dict[str, str],
    command: tuple[str, ...],
    lock: int,
    *,
    is_new: bool,
) -> None:
    folder = job_folder(job.pk)
    lifeline = int(os.environ.get(HELD_LIFELINE_VARIABLE, "-1"))
    terms = json.dumps(asdict(Terms(job.attempt, limits_for(job), lifeline, is_new)))
    _started[:] = [process for process in _started if process.poll() is None]
    keeper = subprocess.Popen(
        [sys.executable, "-m", "llmos.jobs.keeper", str(folder), terms, *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**_own_environment(folder), "OMP_NUM_THREADS": str(job.cores), **environment},
        # The keeper holds the lock as long as it lives: that is how it is found again.
        pass_fds=[lock, *([lifeline] if lifeline >= 0 else [])],
        start_new_session=True,
    )
    _started.append(keeper)


def _own_environment(folder: Path) -> dict[str, str]:
    return {
        **{name: os.environ[name] for name in PASSED if name in os.environ},
        "HOME": str(folder),
        "HF_HOME": str(folder / "cache"),
        FOLDER_VARIABLE: str(folder),
        "LLMOS_JOB_SPEC": str(folder / SPEC),
        "PYTHONUNBUFFERED": "1",
    }


def _taken(lock: int) -> bool:
    """Whether the lock could be taken: then nobody holds it, and we do now."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
