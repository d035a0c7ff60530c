"""How many steps there will be: said by the recipe, or found by timing the first ones."""

import time
from dataclasses import dataclass, field

from llmos.lab.recipes.schema import BudgetRecipe
from llmos.lab.training.schedule import CALIBRATION, Plan, planned, steps_that_fit

UNKNOWN = 10**9
# Kept back of a budget for looking, averaging and saving.
RESERVE = 0.05
# A plan is changed when it would miss the budget by more than this.
TOLERANCE = 0.04
DEFAULT_MINUTES = 10.0


@dataclass(slots=True)
class Planner:
    """The plan so far. `started` is when the whole run began, preparation included."""

    budget: BudgetRecipe
    started: float
    plan: Plan = ()
    _timed_from: tuple[int, float] = field(default=(0, 0.0))

    def __post_init__(self) -> None:
        if self.budget.plan:
            self.plan = tuple((start, total) for start, total in self.budget.plan)
        elif self.budget.steps:
            self.plan = ((0, self.budget.steps),)
        elif not self.plan:
            self.plan = ((0, UNKNOWN),)

    @property
    def is_timed(self) -> bool:
        return not (self.budget.plan or self.budget.steps)

    @property
    def seconds(self) -> float:
        return (self.budget.minutes or DEFAULT_MINUTES) * 60

    def total(self, step: int) -> int:
        return planned(self.plan, step)

    def note_start(self, step: int) -> None:
        """From here on steps are timed; what came before was slow for other reasons."""
        self._timed_from = (step, time.monotonic())

    def consider(self, step: int) -> Plan:
        """The plan after `step` steps, changed if time says so. Call after a look, too."""
        spent = time.monotonic() - self.started
        if spent >= self.seconds:
            return (*self.plan, (step, step))
        first, since = self._timed_from
        per_step = (time.monotonic() - since) / max(1, step - first)
        left = self.seconds * (1 - RESERVE) - spent
        fitting = steps_that_fit(seconds=left, per_step=per_step, done=step)
        now = self.total(step)
        if now == UNKNOWN or abs(fitting - now) > TOLERANCE * now:
            return (*self.plan, (step, fitting))
        return self.plan

    def wants_timing(self, step: int) -> bool:
        return self.is_timed and step == CALIBRATION

    def is_over(self) -> bool:
        return self.is_timed and time.monotonic() - self.started >= self.seconds
