"""What a run will take on this hub, before it starts."""

from dataclasses import dataclass

import psutil
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from llmos.jobs.config import cores_for_jobs
from llmos.jobs.models import Job
from llmos.jobs.stages import Stage
from llmos.lab.costs import WATTS_PER_CORE
from llmos.lab.errors import BadRecipe
from llmos.lab.recipes import recipe_from
from llmos.lab.recipes.schema import Recipe
from llmos.lab.training.estimates import START_SECONDS, Run, estimate
from llmos.training.access import Pinned
from llmos.training.queries import Data

RUNS = 5  # the newest ones, from which the speed of this machine is known


@dataclass(frozen=True, slots=True)
class Outlook:
    """`rows` and what follows from it are guesses where the data were not read whole."""

    seconds: float
    steps: int
    epochs: float
    memory: int
    memory_there: int
    parameters: int
    cpu_seconds: float
    energy_wh: float
    rows: int
    waiting: int  # jobs before it
    cores: int
    how: str

    @property
    def is_tight(self) -> bool:
        return self.memory > 0.8 * self.memory_there


def outlook(recipe: Recipe, data: Data, base: Pinned | None) -> Outlook:
    split = data.preview.split(recipe.data.train)
    rows = max(1, split.about if split else 1)
    rows = min(rows, recipe.data.rows) if recipe.data.rows else rows
    cores = cores_for_jobs()
    runs = earlier_runs(recipe.task)
    found = estimate(
        recipe,
        rows,
        _mean_tokens(recipe, split.tokens if split else {}),
        cores,
        base_parameters=_parameters(base) if base else 0,
        runs=runs,
    )
    busy = min(cores, recipe.workers or cores)
    return Outlook(
        seconds=found.seconds,
        steps=found.steps,
        epochs=found.epochs,
        memory=found.memory_bytes,
        memory_there=psutil.virtual_memory().total,
        parameters=found.parameters,
        cpu_seconds=found.seconds * busy,
        energy_wh=found.seconds * busy * WATTS_PER_CORE / 3600,
        rows=rows,
        waiting=Job.objects.filter(stage__in=[Stage.QUEUED, Stage.RUNNING]).count(),
        cores=busy,
        how=_how(len(runs)),
    )


def earlier_runs(task: str) -> list[Run]:
    """The newest runs of a task that ended well here, as far as they say how long they took."""
    jobs = Job.objects.filter(activity="train", stage=Stage.SUCCEEDED, cost__isnull=False)
    found: list[Run] = []
    for job in jobs.order_by("-ended_at")[: 4 * RUNS]:
        made, cost = job.made or {}, job.cost or {}
        if made.get("recipe", {}).get("task") != task or len(found) == RUNS:
            continue
        # A run that was taken up again says only what its last attempt cost.
        if job.attempt > 1 or cost.get("wall_seconds", 0) <= START_SECONDS:
            continue
        try:
            recipe = recipe_from(made["recipe"])
        except BadRecipe:  # of an older release
            continue
        base = made.get("parameters", 0) if task == "finetune" else 0
        found.append(Run(recipe, made.get("steps", 0), cost["wall_seconds"], base))
    return found


def _how(runs: int) -> str:
    if not runs:
        return _(
            "By a rule of thumb for a core of a present-day server; it may be off by two times."
        )
    return ngettext(
        "From the speed of %(n)d earlier run on this hub.",
        "From the speed of %(n)d earlier runs on this hub.",
        runs,
    ) % {"n": runs}


def _mean_tokens(recipe: Recipe, tokens: dict[str, float]) -> float:
    """Of a row as it is learned from; for pairs of the longer side."""
    data = recipe.data
    if recipe.task == "translate":
        return max(tokens.get(data.source, 1.0), tokens.get(data.target, 1.0), 1.0)
    columns = (data.text, data.prompt, data.completion, data.context, data.messages)
    named = [name for name in columns if name]
    read = max(1.0, sum(tokens.get(name, 0.0) for name in named or tokens))
    return min(read, float(data.longest)) if recipe.task == "finetune" else read


def _parameters(base: Pinned) -> int:
    """Where the weights were never counted, two bytes each."""
    return int(base.repository.parameters or base.repository.used_storage // 2)
