"""From a recipe and rows to a saved model: what `llmos train` and training jobs call."""

import errno
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from llmos.lab.errors import BadData, TrainingFailed
from llmos.lab.reading import Rows, has_split, open_data
from llmos.lab.recipes.schema import DataRecipe, Recipe
from llmos.lab.reports import Reporter
from llmos.lab.software import file_hashes
from llmos.lab.training.conversations import columns_for
from llmos.lab.training.loop import learn
from llmos.lab.training.settings import repeatable, settled
from llmos.lab.training.tasks import Prepared, task_of
from llmos.lab.training.team import team_for


@dataclass(frozen=True, slots=True)
class Trained:
    recipe: Recipe  # as it was carried out: columns, workers and plan filled in
    steps: int
    metrics: dict[str, float]
    files: dict[str, str]  # path to SHA-256
    parameters: int
    rows: int
    skipped: dict[str, int]


def train(
    recipe: Recipe, data: str | Path, out: Path, *, work: Path, reporter: Reporter
) -> Trained:
    """Learn from `data` and save the model in `out`.

    `work` keeps checkpoints between attempts: called again, it goes on. Raises Refusal.
    """
    started = time.monotonic()
    try:
        return _train(recipe, data, out, work, reporter, started)
    except MemoryError as error:
        raise TrainingFailed(_MEMORY) from error
    except RuntimeError as error:
        if "not enough memory" in str(error) or "out of memory" in str(error).lower():
            raise TrainingFailed(_MEMORY) from error
        raise
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise TrainingFailed("The disk is full: free space and resume the run") from error
        raise


_MEMORY = "The memory is used up: lower batch.tokens, data.longest or the model's size"


def _train(
    recipe: Recipe, data: str | Path, out: Path, work: Path, reporter: Reporter, started: float
) -> Trained:
    checkpoints = work / "checkpoints"
    repeatable()
    recipe = settled(recipe, checkpoints)
    reporter.report("status", text="Reading the data")
    recipe, rows, validation = read_rows(recipe, data)
    reporter.report("status", text=f"{len(rows)} rows to learn from, {len(validation)} to check")
    prepared = prepare(recipe, rows.rows, validation)
    if prepared.kind == "translate" and not prepared.content["validation"]:
        raise BadData("No validation row is short enough to be used")
    with team_for(prepared, checkpoints) as team:
        task = task_of(prepared)
        parameters = sum(weight.numel() for weight in task.model.parameters())
        reporter.report("status", text=f"Learning {parameters:,} weights")
        learned = learn(task, prepared, checkpoints, reporter, team, started=started)
        if team.leads:
            task.save(out)
    done = replace(recipe, budget=replace(recipe.budget, steps=0, minutes=0.0, plan=learned.plan))
    return Trained(
        done,
        learned.steps,
        learned.metrics,
        file_hashes(out),
        parameters,
        len(rows),
        {**rows.skipped, **prepared.skipped},
    )


def read_rows(recipe: Recipe, where: str | Path) -> tuple[Recipe, Rows, list[dict[str, Any]]]:
    """Training and validation rows, and the recipe with its columns found. Raises BadData."""
    first = open_data(where, split=recipe.data.train, limit=1)
    recipe = replace(recipe, data=_columns_found(recipe, first.columns))
    columns = wanted_columns(recipe, first.columns)
    rows = open_data(
        where, split=recipe.data.train, columns=columns, limit=recipe.data.rows or None
    )
    if has_split(where, recipe.data.validation) and not Path(where).is_file():
        checked = open_data(where, split=recipe.data.validation, columns=columns).rows
    else:
        checked = _held_out(rows, recipe.data.held_out)
    return recipe, rows, checked


def wanted_columns(recipe: Recipe, there: list[str]) -> list[str]:
    if recipe.task == "translate":
        return [recipe.data.source, recipe.data.target]
    if recipe.task == "language-model":
        return [recipe.data.text]
    return columns_for(there, recipe.data)


def prepare(
    recipe: Recipe, rows: Sequence[dict[str, Any]], validation: Sequence[dict[str, Any]]
) -> Prepared:
    """The data of the recipe's task as numbers. Raises Refusal."""
    if recipe.task == "translate":
        from llmos.lab.training import translation

        return translation.prepare(recipe, rows, validation)
    if recipe.task == "language-model":
        from llmos.lab.training import language

        return language.prepare(recipe, rows, validation)
    from llmos.lab.training import finetuning

    return finetuning.prepare(recipe, rows, validation)


def _columns_found(recipe: Recipe, there: list[str]) -> DataRecipe:
    """Fill in columns that the recipe leaves open, where there is only one way to."""
    data = recipe.data
    if recipe.task == "translate" and not (data.source and data.target):
        if len(there) != 2 and not {"source", "target"} <= set(there):
            raise BadData(
                "Say which column to read and which to write (--source, --target); "
                f"there are {', '.join(there)}"
            )
        pair = ("source", "target") if {"source", "target"} <= set(there) else tuple(there)
        if data.source or data.target:
            raise BadData("Give both --source and --target, or neither")
        return replace(data, source=pair[0], target=pair[1])
    if recipe.task == "language-model" and data.text not in there and len(there) == 1:
        return replace(data, text=there[0])
    return data


def _held_out(rows: Rows, share: float) -> list[dict[str, Any]]:
    """The last rows, kept apart from learning; one row alone is looked at as it is learned."""
    if len(rows) < 2:
        return list(rows.rows)
    count = min(2000, max(1, int(len(rows) * share)))
    kept, rows.rows = rows.rows[-count:], rows.rows[:-count]
    return kept
