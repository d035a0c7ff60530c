"""Jobs as processes of this machine, each under a keeper (`jobs/keeper.py`)."""

import fcntl
import os
import signal
import subprocess
import sys
from contextlib import suppress

import psutil

from llmos.jobs.config import JobsSettings
from llmos.jobs.folders import LOCK, SPEC, job_folder
from llmos.jobs.models import Job
from llmos.kit.config import current
from llmos.kit.lifeline import HELD_LIFELINE_VARIABLE

# What a job may see of the hub's environment; secrets of the server are not among it.
PASSED = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
COMMAND = [sys.executable, "-m", "llmos.lab.work"]


class LocalExecutor:
    def start(self, job: Job, environment: dict[str, str]) -> None:
        folder = job_folder(job.pk)
        lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # a runner that was killed had started it
            return
        else:
            self._start(job, environment, lock)
        finally:
            os.close(lock)

    def _start(self, job: Job, environment: dict[str, str], lock: int) -> None:
        settings, folder = current(JobsSettings), job_folder(job.pk)
        lifeline = int(os.environ.get(HELD_LIFELINE_VARIABLE, "-1"))
        limits = [str(memory_limit(settings)), str(settings.hours * 3600)]
        keeper = [sys.executable, "-m", "llmos.jobs.keeper", str(folder), *limits, str(lifeline)]
        subprocess.Popen(
            [*keeper, *COMMAND],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={
                **{name: os.environ[name] for name in PASSED if name in os.environ},
                "HOME": str(folder),
                "LLMOS_JOB_FOLDER": str(folder),
                "LLMOS_JOB_SPEC": str(folder / SPEC),
                "OMP_NUM_THREADS": "1",
                "PYTHONUNBUFFERED": "1",
                **environment,
            },
            # The keeper holds the lock as long as it lives: that is how it is found again.
            pass_fds=[lock, *([lifeline] if lifeline >= 0 else [])],
            start_new_session=True,
        )

    def is_alive(self, job: Job) -> bool:
        try:
            lock = os.open(job_folder(job.pk) / LOCK, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False

    def stop(self, job: Job) -> None:
        number = (job_folder(job.pk) / LOCK).read_text()
        if number and self.is_alive(job):
            with suppress(ProcessLookupError):
                os.kill(int(number), signal.SIGTERM)


def memory_limit(settings: JobsSettings) -> int:
    """Bytes that one job may use."""
    return settings.memory_mb * 2**20 or psutil.virtual_memory().total * 3 // 4
