"""A job on a Ray cluster, as a process here: `python -m llmos.jobs.follower`, under a keeper.

It hands the job to the cluster, unless it is there already, repeats what the job says, and ends
as the job ends. When it is killed the job goes on; the next follower finds it by its number.
"""

import asyncio
import json
import logging
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmos.jobs.folders import STREAM

ENTRYPOINT = "python -m llmos.lab.cluster"
# What the job needs of our environment; the rest is about this machine.
HANDED_ON = (
    "HF_ENDPOINT",
    "HF_HUB_DISABLE_PROGRESS_BARS",
    "HF_HUB_DISABLE_TELEMETRY",
    "HF_HUB_DISABLE_UPDATE_CHECK",
    "HF_TOKEN",
    "LLMOS_JOB_HUB",
    "LLMOS_JOB_ID",
    "LLMOS_JOB_NAMESPACE",
)
LOST, REFUSED, STOPPED = 75, 2, 143
PAUSE = 1.0  # seconds between looks at a cluster that is not ready
PATIENCE = 600.0  # seconds for which a cluster may be away


@dataclass(frozen=True, slots=True)
class Order:
    """What the executor wants followed. `is_new` says that the job is to be handed over."""

    address: str
    job: str
    attempt: int
    is_new: bool
    cores: int
    gpus: int
    folder: str  # shared by the cluster's nodes, or ""
    environment: dict[str, str]

    @property
    def number(self) -> str:
        return submission_id(self.job, self.attempt)


def submission_id(job: str, attempt: int) -> str:
    """The name of an attempt on the cluster."""
    return f"{job}-{attempt}"


@dataclass(slots=True)
class Echo:
    """Repeats the job's log from its `until`th line on, however often it is read again."""

    until: int
    _line: int = 0

    def rewind(self) -> None:
        self._line = 0

    def take(self, text: str) -> None:
        for line in text.splitlines(keepends=True):
            if self._line >= self.until:
                sys.stdout.write(line)
            if line.endswith("\n"):
                self._line += 1
                self.until = max(self.until, self._line)
        sys.stdout.flush()


@dataclass(slots=True)
class Follower:
    order: Order
    _heard_at: float = field(default_factory=time.monotonic)
    _is_stopping: bool = False

    def run(self) -> int:
        from ray.job_submission import JobSubmissionClient

        logging.getLogger("ray.dashboard.modules.job.sdk").setLevel(logging.WARNING)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_stop)
        echo = Echo(0 if self.order.is_new else lines_of_attempt(Path.cwd()))
        is_there = not self.order.is_new
        while True:
            try:
                client = JobSubmissionClient(self.order.address)
                if not is_there:
                    self._hand_over(client)
                    is_there = True
                return self._follow(client, echo)
            except (RuntimeError, ConnectionError, OSError) as error:
                if "does not exist" in str(error) and is_there:
                    return _give_up("The cluster has lost this job")
                if self._is_stopping:
                    return self._stop()
                if time.monotonic() - self._heard_at > PATIENCE:
                    minutes = PATIENCE / 60
                    return _give_up(f"The cluster has not answered for {minutes:.0f} minutes")
                time.sleep(PAUSE)

    def _follow(self, client: Any, echo: Echo) -> int:
        while True:
            echo.rewind()
            asyncio.run(_tail(client, self.order.number, echo))
            details = client.get_job_info(self.order.number)
            self._heard_at = time.monotonic()
            if details.status.is_terminal():
                return self._ended(details)
            time.sleep(PAUSE)

    def _hand_over(self, client: Any) -> None:
        """Give the job to the cluster; what an earlier follower gave it is found there."""
        order = self.order
        known = {details.submission_id: details for details in client.list_jobs()}
        self._heard_at = time.monotonic()
        if order.attempt > 1:
            before = known.get(submission_id(order.job, order.attempt - 1))
            if before is not None and not before.status.is_terminal():
                client.stop_job(before.submission_id)
        if order.number in known:
            return
        client.submit_job(
            entrypoint=ENTRYPOINT,
            submission_id=order.number,
            runtime_env={"env_vars": self._environment()},
            metadata={"llmos_job": order.job},
            entrypoint_num_cpus=order.cores,
            entrypoint_num_gpus=order.gpus or None,
        )

    def _environment(self) -> dict[str, str]:
        handed = {name: os.environ[name] for name in HANDED_ON if name in os.environ}
        return {
            **handed,
            "LLMOS_JOB_SPEC_TEXT": Path("spec.json").read_text("utf-8"),
            "LLMOS_JOB_SHARED": self.order.folder,
            "PYTHONUNBUFFERED": "1",
            **self.order.environment,
        }

    def _ended(self, details: Any) -> int:
        if details.status == "SUCCEEDED":
            return 0
        if details.status == "STOPPED":
            return _say(1, "The job was stopped on the cluster")
        code = details.driver_exit_code
        if code is None:  # its node is gone, or it never got one
            return _give_up(details.message or "The cluster has lost this job")
        return int(code) if code > 0 else 128 - int(code)

    def _stop(self) -> int:
        """End the job on the cluster, as far as that answers before we are ended ourselves."""
        from ray.job_submission import JobSubmissionClient

        while True:
            try:
                client = JobSubmissionClient(self.order.address)
                client.stop_job(self.order.number)
                while not client.get_job_status(self.order.number).is_terminal():
                    time.sleep(PAUSE / 4)
            except (RuntimeError, ConnectionError, OSError) as error:
                if "does not exist" not in str(error):
                    time.sleep(PAUSE)
                    continue
            return STOPPED

    def _on_stop(self, number: int, frame: object) -> None:
        if not self._is_stopping:
            self._is_stopping = True
            # Out of whatever waits for the cluster: the loop around it stops the job there.
            raise Interrupted


class Interrupted(ConnectionError):
    """We were told to stop while we listened."""


async def _tail(client: Any, number: str, echo: Echo) -> None:
    async for text in client.tail_job_logs(number):
        echo.take(text)


def lines_of_attempt(folder: Path) -> int:
    """How many lines of the newest attempt the stream holds already."""
    lines = 0
    for line in (folder / STREAM).open("rb"):
        lines = 0 if b'"event": "attempt"' in line else lines + 1
    return lines


def _say(code: int, words: str) -> int:
    sys.stdout.write(f"{words}\n")
    return code


def _give_up(words: str) -> int:
    return _say(LOST, f"{words}; the job goes on from its last checkpoint, if it left one.")


def main() -> int:
    order = Order(**json.loads(os.environ["LLMOS_JOB_ORDER"]))
    try:
        return Follower(order).run()
    except ImportError:
        text = "Jobs on a Ray cluster need the extra [cluster] on this hub"
        return _say(REFUSED, f"\x1e{json.dumps({'event': 'refused', 'text': text})}")


if __name__ == "__main__":
    sys.exit(main())
