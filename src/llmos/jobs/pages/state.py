"""Where a job stands at this moment, as its page and the list show it."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from llmos.jobs.costs import added, seen
from llmos.jobs.folders import read_usage
from llmos.jobs.models import Job
from llmos.jobs.pages.words import standing_in_line
from llmos.jobs.queries import before_in_line
from llmos.jobs.stages import Stage
from llmos.kit.time import now

# A budget in minutes is planned as endless until the first steps were timed.
ENDLESS = 10**8


@dataclass(frozen=True, slots=True)
class State:
    """`share` is how much is done, from 0 to 1, where that is known."""

    words: str
    step: int = 0
    of: int = 0
    share: float | None = None
    left: float | None = None  # seconds
    took: float | None = None  # seconds, so far or in all
    cost: dict[str, Any] | None = None
    is_final_cost: bool = False


def state_of(job: Job) -> State:
    if job.stage == Stage.QUEUED:
        again = f"{job.message} " if job.message else ""
        return State(again + standing_in_line(before_in_line(job)), cost=job.cost)
    took = _seconds(job)
    if job.stage != Stage.RUNNING:
        return State(_ended(job), took=took, cost=job.cost, is_final_cost=True)
    cost = added(job.cost, seen(read_usage(job.pk, job.attempt)))
    step, of, seconds = _steps(job)
    share = step / of if of else _share_of_budget(job, seconds)
    left = None
    if of and step:
        left = max(0.0, (of - step) * seconds / step)
    words = _("Ending it") if job.cancel_wanted else job.progress.get("text") or _("Starting")
    return State(words, step, of, share, left, took, cost)


def _steps(job: Job) -> tuple[int, int, float]:
    """Steps done, steps in all (0 while nobody knows), seconds since learning began."""
    last = job.progress.get("step") or {}
    planned = job.progress.get("steps") or last.get("of") or 0
    return last.get("step", 0), planned if planned < ENDLESS else 0, last.get("seconds", 0.0)


def _share_of_budget(job: Job, seconds: float) -> float | None:
    minutes = job.spec["recipe"].get("budget", {}).get("minutes") or 0
    return min(1.0, seconds / (60 * minutes)) if minutes and seconds else None


def _seconds(job: Job) -> float | None:
    if job.started_at is None:
        return None
    return ((job.ended_at or now()) - job.started_at).total_seconds()


def _ended(job: Job) -> str:
    if job.stage == Stage.SUCCEEDED:
        if job.rebuild_of:
            return _("Made again, and compared.")
        return _("Learned, and pushed.") if job.activity == "train" else _("Measured.")
    if job.stage == Stage.CANCELLED:
        return job.message or _("It was cancelled. What it had learned by then is kept.")
    return job.message
