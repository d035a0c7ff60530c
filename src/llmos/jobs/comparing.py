"""Runs beside each other: what their recipes have in common, and what not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llmos.jobs.models import Job


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting, and its value in each run; None where a run has no such setting."""

    key: str
    values: list[Any]


def differences(jobs: Sequence[Job]) -> list[Difference]:
    """Only what is not the same in all of them: inputs, seed and recipe, in this order."""
    told = [_all_of(job) for job in jobs]
    keys = dict.fromkeys(key for one in told for key in one)
    found = [Difference(key, [one.get(key) for one in told]) for key in keys]
    return [one for one in found if any(value != one.values[0] for value in one.values)]


def flattened(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{"optimiser": {"rate": 1}}` → `{"optimiser.rate": 1}`."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, Mapping):
            found |= flattened(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


def _all_of(job: Job) -> dict[str, Any]:
    inputs = {one["role"]: f"{one['repo']}@{one['commit'][:8]}" for one in job.spec["inputs"]}
    left_out = {"seed", "budget.plan"}
    recipe = {key: value for key, value in flattened(job.recipe).items() if key not in left_out}
    recipe |= _budget(job)
    return {**inputs, "seed": job.spec["seed"], **recipe}


def _budget(job: Job) -> dict[str, Any]:
    """What was chosen; of a rebuild, which repeats a plan, the steps of that."""
    budget = job.spec["recipe"].get("budget", {})
    plan = budget.get("plan")
    steps = budget.get("steps") or (plan[-1][1] if plan else 0)
    return {"budget.minutes": budget.get("minutes") or 0, "budget.steps": steps}
