"""The training loop; there is one, for every task.

Nothing in it depends on when it runs: batches, dropout and rates follow from seed, step and
plan, so a run that is taken up from a checkpoint goes on with the same numbers.
"""

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from llmos.lab.errors import TrainingFailed
from llmos.lab.recipes.schema import Recipe
from llmos.lab.reports import Reporter
from llmos.lab.training.batches import steps_from
from llmos.lab.training.checkpoints import read_newest, write_checkpoint
from llmos.lab.training.optimisers import Optimisers
from llmos.lab.training.planning import Planner
from llmos.lab.training.schedule import CALIBRATION, Plan, Schedule
from llmos.lab.training.tasks import Task
from llmos.lab.training.team import Team

CHECKPOINT_SECONDS = 60.0
REPORTS = 300  # points of a curve


@dataclass(slots=True)
class Progress:
    """What changes from step to step, beside the weights."""

    step: int = 0
    best: float = math.inf
    best_weights: dict[str, Tensor] | None = None
    stale: int = 0  # looks without a better loss
    mean: list[Tensor] | None = None  # of the weights at the end
    meant: int = 0
    metrics: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Learned:
    steps: int
    plan: Plan
    metrics: dict[str, float]


def learn(
    task: Task,
    recipe: Recipe,
    checkpoints: Path,
    reporter: Reporter,
    team: Team,
    *,
    started: float | None = None,
) -> Learned:
    """Train to the end of the plan. Raises TrainingFailed; the checkpoints stay then."""
    return _Run(task, recipe, checkpoints, reporter, team, started or time.monotonic()).run()


class _Run:
    def __init__(
        self,
        task: Task,
        recipe: Recipe,
        checkpoints: Path,
        reporter: Reporter,
        team: Team,
        started: float,
    ) -> None:
        self.task, self.recipe, self.reporter, self.team = task, recipe, reporter, team
        self.checkpoints = checkpoints
        self.weights = [weight for weight in task.model.parameters() if weight.requires_grad]
        self.optimisers = Optimisers(task.model, recipe.optimiser)
        self.schedule = Schedule(recipe.schedule)
        self.planner = Planner(recipe.budget, started)
        self.progress = Progress()
        self.timed = (time.monotonic(), 0)  # since when, and how many tokens
        self.saved = time.monotonic()

    def run(self) -> Learned:
        self._restore()
        self.task.model.train()
        self.planner.note_start(self.progress.step)
        parts = self.team.size * self.recipe.batch.accumulate
        steps = steps_from(
            self.task.lengths,
            tokens=self.recipe.batch.tokens,
            seed=self.recipe.seed,
            parts=parts,
            start=self.progress.step,
        )
        while self.progress.step < self.planner.total(self.progress.step):
            self._step(next(steps))
            self._after_step()
            if self._gives_up():
                break
        self._finish()
        return Learned(self.progress.step, self.planner.plan, self.progress.metrics)

    def _step(self, batches: list[list[int]]) -> None:
        step = self.progress.step
        # Dropout of this step and worker, whoever takes it and when.
        torch.manual_seed(self.recipe.seed * 1_000_003 + step * 1_009 + self.team.rank)
        loss, tokens = torch.zeros(1), torch.zeros(1)
        for rows in batches[self.team.rank :: self.team.size]:
            summed, count = self.task.loss(rows)
            summed.backward()
            loss += summed.detach().cpu()
            tokens += count
        gradients = [
            weight.grad if weight.grad is not None else torch.zeros_like(weight)
            for weight in self.weights
        ]
        self.team.sum([*gradients, loss, tokens])
        mean = loss.item() / tokens.item()
        if not math.isfinite(mean):
            raise TrainingFailed(
                f"The loss is no number any more at step {step + 1}. Lower optimiser.rate (now "
                f"{self.recipe.optimiser.rate:g}), or look for broken rows in the data."
            )
        for weight, gradient in zip(self.weights, gradients, strict=True):
            weight.grad = gradient.div_(tokens.item())
        nn.utils.clip_grad_norm_(self.weights, self.recipe.optimiser.clip)
        share = self.schedule.share(step, self.planner.plan)
        self.optimisers.step(share)
        self.progress.step += 1
        self._report(mean, share, int(tokens.item()))

    def _after_step(self) -> None:
        step = self.progress.step
        if self.planner.wants_timing(step):
            self._set_plan(self.planner.consider(step))
        total = self.planner.total(step)
        self._average(step, total)
        if self._is_time_to_look(step, total):
            self._look()
            if self.planner.is_timed and step < total:
                self._set_plan(self.planner.consider(step))
            self._save()
        elif time.monotonic() - self.saved > CHECKPOINT_SECONDS:
            self._save()
        if self.team.told(self.planner.is_over()) if step % 10 == 0 else False:
            self._set_plan((*self.planner.plan, (step, step)))

    def _set_plan(self, plan: Plan) -> None:
        plan = self.team.told(plan)
        if plan != self.planner.plan:
            self.planner.plan = plan
            self.reporter.report("plan", steps=plan[-1][1])

    def _is_time_to_look(self, step: int, total: int) -> bool:
        times = self.recipe.look.times
        if step < min(CALIBRATION, total) or not times:
            return False
        return step * times // total > (step - 1) * times // total and step < total

    def _look(self) -> None:
        """Measure on unseen rows; the first worker does it for all."""
        if self.team.leads:
            loss = self.task.validation_loss()
            metrics, samples = self.task.look()
            self.progress.metrics = {"loss": loss, **metrics}
            step = self.progress.step
            self.reporter.report("evaluation", step=step, metrics=self.progress.metrics)
            for one in samples:
                self.reporter.report(
                    "sample", step=step, source=one.source, target=one.target, output=one.output
                )
        loss = self.team.told(self.progress.metrics.get("loss", math.inf))
        if loss < self.progress.best:
            self.progress.best, self.progress.stale = loss, 0
            if self.recipe.look.patience:
                self.progress.best_weights = {
                    name: tensor.clone() for name, tensor in self.task.model.state_dict().items()
                }
        else:
            self.progress.stale += 1
        self.timed = (time.monotonic(), 0)

    def _gives_up(self) -> bool:
        patience = self.recipe.look.patience
        return bool(patience) and self.progress.stale >= patience

    def _average(self, step: int, total: int) -> None:
        """A running mean of the last weights: it lies nearer to the middle of the valley."""
        if not self.recipe.look.average or step <= total * (1 - self.recipe.look.average):
            return
        if self.progress.mean is None:
            self.progress.mean = [weight.detach().clone() for weight in self.weights]
        self.progress.meant += 1
        for mean, weight in zip(self.progress.mean, self.weights, strict=True):
            mean.lerp_(weight.detach(), 1 / self.progress.meant)

    def _finish(self) -> None:
        """Keep the best of: the last weights, their mean, the best seen."""
        if self.team.leads:
            loss = self.task.validation_loss()
            for candidate in self._candidates():
                before = {k: v.clone() for k, v in self.task.model.state_dict().items()}
                self.task.model.load_state_dict(candidate, strict=False)
                found = self.task.validation_loss()
                if found < loss:
                    loss = found
                else:
                    self.task.model.load_state_dict(before)
            metrics, samples = self.task.look()
            self.progress.metrics = {"loss": loss, **metrics}
            step = self.progress.step
            self.reporter.report("evaluation", step=step, metrics=self.progress.metrics)
            for one in samples:
                self.reporter.report(
                    "sample", step=step, source=one.source, target=one.target, output=one.output
                )
        self.team.told(None)

    def _candidates(self) -> list[dict[str, Tensor]]:
        found = []
        if self.progress.mean is not None:
            names = [n for n, weight in self.task.model.named_parameters() if weight.requires_grad]
            found.append(dict(zip(names, self.progress.mean, strict=True)))
        if self.progress.best_weights is not None:
            found.append(self.progress.best_weights)
        return found

    def _report(self, loss: float, share: float, tokens: int) -> None:
        step, total = self.progress.step, self.planner.total(self.progress.step)
        since, count = self.timed
        self.timed = (since, count + tokens)
        if step > CALIBRATION and step % max(1, total // REPORTS) and step != total:
            return
        now = time.monotonic()
        self.reporter.report(
            "step",
            step=step,
            of=total,
            loss=loss,
            learning_rate=self.recipe.optimiser.rate * share,
            tokens_per_second=round(self.timed[1] / max(1e-9, now - since), 1),
            seconds=round(now - self.planner.started, 3),
        )
        self.timed = (now, 0)

    def _save(self) -> None:
        self.saved = time.monotonic()
        if not self.team.leads:
            return
        progress = self.progress
        state: dict[str, Any] = {
            "step": progress.step,
            "plan": [list(pair) for pair in self.planner.plan],
            "spent": time.monotonic() - self.planner.started,
            "weights": self.task.model.state_dict(),
            "optimisers": self.optimisers.state(),
            "best": progress.best,
            "best_weights": progress.best_weights,
            "stale": progress.stale,
            "mean": progress.mean,
            "meant": progress.meant,
            "metrics": progress.metrics,
        }
        write_checkpoint(self.checkpoints, progress.step, state)

    def _restore(self) -> None:
        state = read_newest(
            self.checkpoints, lambda text: self.reporter.report("status", text=text)
        )
        if state is None:
            return
        self.task.model.load_state_dict(state["weights"])
        self.optimisers.restore(state["optimisers"])
        self.planner.plan = tuple((start, total) for start, total in state["plan"])
        self.planner.started -= state["spent"]
        self.progress = Progress(
            step=state["step"],
            best=state["best"],
            best_weights=state["best_weights"],
            stale=state["stale"],
            mean=state["mean"],
            meant=state["meant"],
            metrics=state["metrics"],
        )
        self.reporter.report("status", text=f"Going on from step {self.progress.step}")
