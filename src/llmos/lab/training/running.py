"""From a recipe and rows to a saved model: what `llmos train` and training jobs call."""

import errno
import os
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from llmos.lab.errors import BadData, TrainingFailed
from llmos.lab.reading import Rows, has_split, open_data
from llmos.lab.recipes.schema import DataRecipe, Recipe
from llmos.lab.reports import Reporter
from llmos.lab.software import file_hashes
from llmos.lab.training.conversations import columns_found, columns_read
from llmos.lab.training.loop import learn
from llmos.lab.training.settings import repeatable, settled
from llmos.lab.training.tasks import Prepared, Task, task_of
from llmos.lab.training.team import team_for

MOST_HELD_OUT = 2_000
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


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
    """Learn from `data` and save the model in `out`, whole or not at all.

    `work` keeps checkpoints between attempts: called again, it goes on. Among the workers of a
    cluster every one calls this, and the first saves. Raises Refusal.
    """
    started = time.monotonic()
    checkpoints = work / "checkpoints"
    with _told_in_words(work):
        repeatable()
        recipe = settled(recipe, checkpoints)
        reporter.report("status", text="Reading the data")
        recipe, rows, unseen = read_rows(recipe, data)
        reporter.report("status", text=f"{len(rows)} rows to learn from, {len(unseen)} to check")
        prepared = prepare(recipe, rows.rows, unseen)
        with team_for(prepared, checkpoints) as team:
            task = task_of(prepared)
            reporter.report("status", text=f"Learning {_weights_told(task)}")
            learned = learn(task, prepared, checkpoints, reporter, team, started=started)
            if team.leads:
                task.save(work / "saving")
                _put(work / "saving", out)
    carried_out = replace(recipe.budget, steps=0, minutes=0.0, plan=learned.plan)
    return Trained(
        recipe=replace(recipe, budget=carried_out),
        steps=learned.steps,
        metrics=learned.metrics,
        files=file_hashes(out) if team.leads else {},
        parameters=task.parameters,
        rows=len(rows),
        skipped={**rows.skipped, **prepared.skipped},
    )


def read_rows(recipe: Recipe, where: str | Path) -> tuple[Recipe, Rows, list[dict[str, Any]]]:
    """Training and validation rows, and the recipe with its columns found. Raises BadData."""
    first = open_data(where, split=recipe.data.train, limit=1)
    recipe = replace(recipe, data=_columns_found(recipe, first.columns))
    columns, optional = wanted_columns(recipe)
    wish: dict[str, Any] = {
        "columns": columns,
        "optional": optional,
        "paragraphs": recipe.task == "language-model",
    }
    rows = open_data(where, split=recipe.data.train, limit=recipe.data.rows or None, **wish)
    if has_split(where, recipe.data.validation) and not Path(where).is_file():
        return recipe, rows, open_data(where, split=recipe.data.validation, **wish).rows
    return recipe, rows, _held_out(rows, recipe.data.held_out)


def wanted_columns(recipe: Recipe) -> tuple[list[str], list[str]]:
    """The columns that every row needs, and those that some have."""
    if recipe.task == "translate":
        return [recipe.data.source, recipe.data.target], []
    if recipe.task == "language-model":
        return [recipe.data.text], []
    return columns_read(recipe.data)


def prepare(
    recipe: Recipe, rows: Sequence[dict[str, Any]], unseen: Sequence[dict[str, Any]]
) -> Prepared:
    """The data of the recipe's task as numbers. Raises Refusal."""
    if recipe.task == "translate":
        from llmos.lab.training import translation

        return translation.prepare(recipe, rows, unseen)
    if recipe.task == "language-model":
        from llmos.lab.training import language

        return language.prepare(recipe, rows, unseen)
    from llmos.lab.training import finetuning

    return finetuning.prepare(recipe, rows, unseen)


def _weights_told(task: Task) -> str:
    learned = sum(w.numel() for w in task.model.parameters() if w.requires_grad)
    beside = f" beside {task.parameters:,} frozen ones" if learned < task.parameters else ""
    return f"{learned:,} weights{beside}"


def _columns_found(recipe: Recipe, there: list[str]) -> DataRecipe:
    """Fill in columns that the recipe leaves open, where there is only one way to."""
    data = recipe.data
    if recipe.task == "finetune":
        return columns_found(there, data)
    if recipe.task == "language-model":
        only = len(there) == 1 and data.text not in there
        return replace(data, text=there[0]) if only else data
    if data.source and data.target:
        return data
    if data.source or data.target:
        raise BadData("Give both --source and --target, or neither")
    named = {"source", "target"} <= set(there)
    if len(there) != 2 and not named:
        raise BadData(
            "Say which column to read and which to write (--source, --target); "
            f"there are {', '.join(there)}"
        )
    source, target = ("source", "target") if named else there
    return replace(data, source=source, target=target)


def _held_out(rows: Rows, share: float) -> list[dict[str, Any]]:
    """Some rows kept apart from learning, the same for every seed; one row alone is both.

    From everywhere: many files are sorted, and their last rows are unlike all others.
    """
    if len(rows) < 2:
        return list(rows.rows)
    count = min(MOST_HELD_OUT, max(1, int(len(rows) * share)))
    chosen = set(random.Random("held out").sample(range(len(rows)), count))  # noqa: S311
    kept = [row for number, row in enumerate(rows.rows) if number in chosen]
    rows.rows = [row for number, row in enumerate(rows.rows) if number not in chosen]
    return kept


def _put(made: Path, out: Path) -> None:
    """Move a finished model to its place, weights last: a model that stood there stays whole."""
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(made.iterdir(), key=lambda path: path.suffix == ".safetensors"):
        path.chmod(0o644)  # safetensors' own writer lets nobody else read
        try:
            os.replace(path, out / path.name)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            shutil.move(path, out / path.name)
    made.rmdir()


@contextmanager
def _told_in_words(work: Path) -> Iterator[None]:
    """What the machine has too little of, in words for the member. Raises TrainingFailed."""
    try:
        yield
    except MemoryError as error:
        raise TrainingFailed(_MEMORY) from error
    except (RuntimeError, SafetensorError, OSError) as error:
        text = str(error).lower()
        if any(words in text for words in _OF_MEMORY):
            raise TrainingFailed(_MEMORY) from error
        number = error.errno if isinstance(error, OSError) else None
        if number in _NO_ROOM or any(f"os error {code}" in text for code in _NO_ROOM):
            raise TrainingFailed(
                f"The disk under {work.absolute()} is full. Free some space and run the same "
                "again: it goes on from the last checkpoint."
            ) from error
        raise


# As torch's allocators for CPU and GPU and the system itself say it.
_OF_MEMORY = (
    "not enough memory",
    "out of memory",
    "can't allocate memory",
    "cannot allocate memory",
)
_MEMORY = (
    "The memory is used up. Lower batch.tokens, data.longest, workers or the size of the model, "
    "and begin anew; or give the run more memory, and it goes on from the last checkpoint."
)
