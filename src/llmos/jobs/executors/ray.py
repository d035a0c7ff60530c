"""Jobs on a Ray cluster at any address: the same work, followed from here (`jobs/follower.py`)."""

import json
import sys
from dataclasses import asdict
from typing import Any

from llmos.jobs.config import JobsSettings
from llmos.jobs.executors.local import LocalExecutor
from llmos.jobs.follower import Order
from llmos.jobs.models import Job
from llmos.kit.config import BadConfiguration, current


class RayExecutor(LocalExecutor):
    """The keeper of a job holds its follower; that one's end is not the job's."""

    command = (sys.executable, "-m", "llmos.jobs.follower")

    def cores(self) -> int:
        cores: int = current(JobsSettings).ray_cores
        return cores

    def start(self, job: Job, environment: dict[str, str]) -> None:
        self._keep(job, {**environment, **_order(job, is_new=True)}, self.command)

    def find_again(self, job: Job) -> bool:
        """The job has gone on without us: follow it where we left off."""
        super().find_again(job)
        self._keep(job, _order(job, is_new=False), self.command, is_new=False)
        return True


def _order(job: Job, *, is_new: bool) -> dict[str, str]:
    settings = current(JobsSettings)
    if not settings.ray_address:
        raise BadConfiguration("[jobs] executor is ray, but ray_address names no cluster")
    recipe = job.spec["recipe"]
    workers = _workers(job.activity, recipe)
    order = Order(
        address=settings.ray_address,
        job=job.pk,
        attempt=job.attempt,
        is_new=is_new,
        # With workers beside it the job's own process only waits for them.
        cores=0 if workers > 1 else job.cores,
        gpus=1 if recipe.get("device") == "cuda" and workers <= 1 else 0,
        folder=settings.ray_folder,
        environment=settings.ray_environment,
    )
    return {"LLMOS_JOB_ORDER": json.dumps(asdict(order))}


def _workers(activity: str, recipe: dict[str, Any]) -> int:
    return int(recipe.get("workers") or 1) if activity == "train" else 1
