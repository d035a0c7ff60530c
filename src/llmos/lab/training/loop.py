"""The training loop; there is one, for every task.

Nothing in it depends on when it runs: batches, dropout and rates follow from seed, step and
plan, so a run that is taken up from a checkpoint goes on with the same numbers.
"""

import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from llmos.lab.errors import TrainingFailed
from llmos.lab.reports import Reporter
from llmos.lab.training.batches import steps_from
from llmos.lab.training.checkpoints import read_newest, write_checkpoint
from llmos.lab.training.optimisers import Optimisers
from llmos.lab.training.planning import Planner
from llmos.lab.training.schedule import CALIBRATION, Plan, Schedule
from llmos.lab.training.tasks import Prepared, Task
from llmos.lab.training.team import Team

CHECKPOINT_SECONDS = 60.0
REPORTS = 300  # points of a curve
BUDGET_CHECKS = 10  # steps between two looks at the clock


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
    prepared: Prepared,
    checkpoints: Path,
    reporter: Reporter,
    team: Team,
    *,
    started: float | None = None,
) -> Learned:
    """Train to the end of the plan. Raises TrainingFailed; the checkpoints stay then."""
    return _Run(task, prepared, checkpoints, reporter, team, started or time.monotonic()).run()


class _Run:
    def __init__(
        self,
        task: Task,
        prepared: Prepared,
        checkpoints: Path,
        reporter: Reporter,
        team: Team,
        started: float,
    ) -> None:
        recipe = prepared.recipe
        self.task, self.recipe, self.reporter, self.team = task, recipe, reporter, team
        self.checkpoints, self.identity = checkpoints, prepared.identity()
        self.weights = {
            name: weight for name, weight in task.model.named_parameters() if weight.requires_grad
        }
        self.device = next(iter(self.weights.values())).device
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
        steps = steps_from(
            self.task.lengths,
            tokens=self.recipe.batch.tokens,
            seed=self.recipe.seed,
            parts=self.team.size * self.recipe.batch.accumulate,
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
        loss, tokens = self._backward(batches[self.team.rank :: self.team.size])
        if not math.isfinite(loss):
            raise TrainingFailed(
                f"The loss is no number any more at step {step + 1}. Lower optimiser.rate (now "
                f"{self.recipe.optimiser.rate:g}), or look for broken rows in the data."
            )
        nn.utils.clip_grad_norm_(self.weights.values(), self.recipe.optimiser.clip)
        share = self.schedule.share(step, self.planner.plan)
        self.optimisers.step(share)
        self.progress.step += 1
        self._report(loss, share, tokens)

    def _backward(self, batches: list[list[int]]) -> tuple[float, int]:
        """Gradients of the mean loss over all workers' tokens; that loss, and their number."""
        loss, tokens = torch.zeros(2, 1, device=self.device)
        for rows in batches:
            with torch.autocast(
                self.device.type, torch.bfloat16, enabled=self.recipe.precision == "bf16"
            ):
                summed, count = self.task.loss(rows)
            summed.backward()
            loss += summed.detach()
            tokens += count
        gradients = [
            weight.grad if weight.grad is not None else torch.zeros_like(weight)
            for weight in self.weights.values()
        ]
        self.team.sum([*gradients, loss, tokens])
        count = int(tokens.item())
        for weight, gradient in zip(self.weights.values(), gradients, strict=True):
            weight.grad = gradient.div_(count)
        return loss.item() / count, count

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
        if step % BUDGET_CHECKS == 0 and self.team.told(self.planner.is_over()):
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
        loss = self._validation_loss()
        self._tell(loss)
        if loss < self.progress.best:
            self.progress.best, self.progress.stale = loss, 0
            if self.recipe.look.patience:
                self.progress.best_weights = _copied(self.weights)
        else:
            self.progress.stale += 1
        self.timed = (time.monotonic(), 0)

    def _validation_loss(self) -> float:
        """Each worker measures its part, so that nobody waits."""
        loss, tokens = self.task.validation(self.team.rank, self.team.size)
        both = torch.tensor([loss, float(tokens)], dtype=torch.float64, device=self.device)
        self.team.sum([both])
        return float(both[0] / both[1])

    def _tell(self, loss: float) -> None:
        """What the model can do now; only the first worker lets it write."""
        if not self.team.leads:
            return
        metrics, samples = self.task.look(loss)
        self.progress.metrics = {"loss": loss, **metrics}
        step = self.progress.step
        self.reporter.report("evaluation", step=step, metrics=self.progress.metrics)
        for sample in samples:
            self.reporter.report("sample", step=step, **asdict(sample))

    def _gives_up(self) -> bool:
        patience = self.recipe.look.patience
        return bool(patience) and self.progress.stale >= patience

    def _average(self, step: int, total: int) -> None:
        """A running mean of the last weights: it lies nearer to the middle of the valley."""
        if not self.recipe.look.average or step <= total * (1 - self.recipe.look.average):
            return
        if self.progress.mean is None:
            self.progress.mean = list(_copied(self.weights).values())
        self.progress.meant += 1
        for mean, weight in zip(self.progress.mean, self.weights.values(), strict=True):
            mean.lerp_(weight.detach(), 1 / self.progress.meant)

    def _finish(self) -> None:
        """Keep the best of: the last weights, their mean, the best seen."""
        loss = self._validation_loss()
        for candidate in self._candidates():
            before = _copied(self.weights)
            self._put(candidate)
            found = self._validation_loss()
            if found < loss:
                loss = found
            else:
                self._put(before)
        self._tell(loss)

    def _candidates(self) -> list[dict[str, Tensor]]:
        mean, best = self.progress.mean, self.progress.best_weights
        found = [dict(zip(self.weights, mean, strict=True))] if mean is not None else []
        return [*found, best] if best is not None else found

    @torch.no_grad()
    def _put(self, weights: dict[str, Tensor]) -> None:
        for name, weight in self.weights.items():
            weight.copy_(weights[name])

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
        state = {
            "identity": self.identity,
            "workers": self.team.size,
            "plan": [list(pair) for pair in self.planner.plan],
            "spent": time.monotonic() - self.planner.started,
            "weights": {name: weight.detach() for name, weight in self.weights.items()},
            "optimisers": self.optimisers.state(),
            "progress": {name: getattr(self.progress, name) for name in Progress.__slots__},
        }
        write_checkpoint(self.checkpoints, self.progress.step, state)

    def _restore(self) -> None:
        """The first worker reads for all: others may live on machines without the file."""
        state: dict[str, Any] | None = None
        if self.team.leads:
            state = read_newest(
                self.checkpoints, lambda text: self.reporter.report("status", text=text)
            )
        state = self.team.told(state)
        if state is None:
            return
        if state.get("identity") != self.identity:
            raise TrainingFailed(
                f"{self.checkpoints} holds checkpoints of another recipe or other data, so they "
                "are not continued. Repeat what began them, choose another place for the model, "
                "or remove that folder to begin anew."
            )
        self._put(state["weights"])
        self.optimisers.restore(state["optimisers"])
        self.planner.plan = tuple((start, total) for start, total in state["plan"])
        self.planner.started -= state["spent"]
        self.progress = Progress(**state["progress"])
        self.progress.mean = self._here(self.progress.mean)
        self.reporter.report("status", text=f"Going on from step {self.progress.step}")

    def _here(self, tensors: list[Tensor] | None) -> list[Tensor] | None:
        """Checkpoints are read into the machine's memory, whatever the weights live on."""
        return None if tensors is None else [tensor.to(self.device) for tensor in tensors]


def _copied(weights: dict[str, nn.Parameter]) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in weights.items()}
