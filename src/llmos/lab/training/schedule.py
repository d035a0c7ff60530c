"""How far each step goes, and how many there will be."""

import math
from dataclasses import dataclass

from llmos.lab.recipes.schema import ScheduleRecipe

# The first steps are timed to know how many fit into a budget, so nothing in them may depend
# on how many there will be.
CALIBRATION = 20

Plan = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """The share of the peak rate at each step, given how many steps were planned when."""

    recipe: ScheduleRecipe

    def share(self, step: int, plan: Plan) -> float:
        """`step` counts from 0. Warm-up, then the recipe's shape down to (almost) nothing."""
        total = planned(plan, step)
        ramp = max(1, self.recipe.warmup)
        if step >= CALIBRATION or total < 5 * CALIBRATION:
            ramp = max(1, min(ramp, total // 5))
        if step < ramp:
            return (step + 1) / ramp
        done = min(1.0, (step - ramp) / max(1, total - ramp))
        match self.recipe.shape:
            case "linear":
                return max(1e-3, 1.0 - done)
            case "cosine":
                return max(1e-3, 0.5 * (1 + math.cos(math.pi * done)))
            case "inverse-sqrt":
                return math.sqrt(ramp / (step + 1))
            case "constant":
                return 1.0


def planned(plan: Plan, step: int) -> int:
    """How many steps the plan had in mind at this step."""
    fitting = [total for start, total in plan if start <= step]
    return fitting[-1] if fitting else plan[0][1]


def steps_that_fit(*, seconds: float, per_step: float, done: int, most: int = 10_000_000) -> int:
    """How many steps there are in all, if so many more seconds are left."""
    return min(most, done + max(1, int(seconds / max(per_step, 1e-6))))
