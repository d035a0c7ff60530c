"""Runs small enough for tests: a model of some thousand numbers on some hundred numerals."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from llmos.lab import numerals
from llmos.lab.recipes import load_recipe
from llmos.lab.reports import SEPARATOR
from llmos.lab.training.running import Trained, train

TINY = {
    "data.source": "zh",
    "data.target": "en",
    "model.d_model": 16,
    "model.heads": 2,
    "model.encoder_layers": 1,
    "model.decoder_layers": 1,
    "model.feed_forward": 32,
    "tokeniser.vocabulary": 300,
    "batch.tokens": 512,
    "look.times": 3,
    "look.rows": 8,
    "budget.steps": 30,
    "workers": 1,
}

# A run as a process of its own that saves after each step, so that it can be killed anywhere.
CHILD = """
import json, sys
from pathlib import Path
from llmos.kit.errors import Refusal
from llmos.lab.recipes import load_recipe
from llmos.lab.reports import StreamReporter
from llmos.lab.training import loop
from llmos.lab.training.running import train
loop.CHECKPOINT_SECONDS = 0.0
task, data, place, overrides, before = sys.argv[1:]
exec(before)
place = Path(place)
try:
    train(load_recipe(task, json.loads(overrides)), data, place / "out",
          work=place / "work", reporter=StreamReporter())
except Refusal as refusal:
    sys.exit(refusal.message)
"""


class Notes:
    """A reporter that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def report(self, event: str, **fields: Any) -> None:
        self.events.append({"event": event, **fields})

    def curve(self) -> dict[int, float]:
        return {one["step"]: one["loss"] for one in self.events if one["event"] == "step"}

    def texts(self) -> list[str]:
        return [one["text"] for one in self.events if one["event"] == "status"]


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")
    return path


def write_numerals(folder: Path) -> Path:
    for split in ("train", "validation"):
        write_rows(folder / f"{split}.jsonl", list(islice(numerals.rows(split), 400)))
    return folder


def run(data: Path, place: Path, notes: Notes | None = None, **changes: Any) -> Trained:
    overrides = TINY | {key.replace("__", "."): value for key, value in changes.items()}
    recipe = load_recipe("translate", overrides)
    return train(recipe, data, place / "out", work=place / "work", reporter=notes or Notes())


def child(
    task: str, data: Path, place: Path, overrides: dict[str, Any], before: str = ""
) -> list[str]:
    """The command of a run in a process of its own."""
    return [sys.executable, "-c", CHILD, task, str(data), str(place), json.dumps(overrides), before]


def killed(command: list[str], *, kill: Callable[[int], Any], at: int) -> Notes:
    """Start the command and kill it when it has told of step `at`; what it had told by then."""
    notes = Notes()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            hear(line, notes)
            if max(notes.curve(), default=0) >= at:
                kill(process.pid)
                break
    return notes


def hear(line: str, notes: Notes) -> None:
    if line.startswith(SEPARATOR):
        notes.report(**json.loads(line[1:]))
