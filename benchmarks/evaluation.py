"""Measuring models: requests a second against lm-eval at its best batch size, and equal scores.

Both have the model loaded and wait; they take turns, so that a busier minute slows both.
"""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bench import Bench
from benchmarks.report import Measurement
from benchmarks.small_chat import chat_model

GAIN = 1.3
QUESTIONS, CHOICES, PROMPTS, ROUNDS = 120, 4, 64, 3
BATCHES = (1, 8, 32)  # lm-eval's; the quickest one counts


def measure(bench: Bench) -> Iterator[Measurement]:
    folder = chat_model(bench.folder)
    place = bench.folder / "evaluation"
    place.mkdir()
    requests = {
        "choosing": _choosing(place, bench.scaled(QUESTIONS, least=16)),
        "writing": _writing(place, bench.scaled(PROMPTS, least=16)),
    }
    with _worker("ours", folder, place) as ours, _worker("lm_eval", folder, place) as theirs:
        for task, count in requests.items():
            yield from _compared(task, count, ours, theirs)


def _compared(task: str, count: int, ours: "Worker", theirs: "Worker") -> Iterator[Measurement]:
    tries = {batch: theirs.run(task, batch) for batch in BATCHES}
    best = min(tries, key=lambda batch: tries[batch]["seconds"])
    ours.run(task, 0)
    ratios, pairs = [], []
    for _ in range(ROUNDS):
        mine, other = ours.run(task, 0), theirs.run(task, best)
        pairs.append((mine["seconds"], other["seconds"]))
        ratios.append(other["seconds"] / mine["seconds"])
    detail = {
        "requests": count,
        "ours_s": [one for one, _ in pairs],
        "lm_eval_s": [other for _, other in pairs],
        "lm_eval_batch": best,
        "lm_eval_s_by_batch": {str(batch): one["seconds"] for batch, one in tries.items()},
        "scores": mine["scores"],
    }
    what = f"evaluation, {task}"
    yield Measurement(
        f"{what}: requests a second against lm-eval",
        median(ratios),
        "x",
        limit=GAIN,
        at_least=True,
        detail=detail,
    )
    apart = max(abs(one - two) for one, two in zip(mine["scores"], other["scores"], strict=True))
    yield Measurement(f"{what}: how far the scores are apart", apart, "", limit=0.0, detail=detail)


class Worker:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(self, task: str, batch: int) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{task} {batch}\n")
        self._process.stdin.flush()
        while line := self._process.stdout.readline():
            if line.startswith("{"):
                found: dict[str, Any] = json.loads(line)
                return found
        raise RuntimeError(f"the worker ended with {self._process.wait()}")


@contextmanager
def _worker(kind: str, model: Path, place: Path) -> Iterator[Worker]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.evaluators", kind, str(model), str(place)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield Worker(process)
    finally:
        process.terminate()
        process.wait()


def _choosing(place: Path, count: int) -> int:
    """What a Chinese numeral is in English, one of four."""
    chance = random.Random(7)  # noqa: S311 - a repeatable choice, not a secret
    pairs = _pairs(4 * count + 40)
    rows = []
    for number in range(count):
        right = pairs[4 * number]
        others = [pairs[4 * number + place][1] for place in range(1, CHOICES)]
        place_of = chance.randrange(CHOICES)
        rows.append(
            {
                "question": _prompt(pairs[-4:], right[0]),
                "choices": [*others[:place_of], right[1], *others[place_of:]],
                "label": place_of,
            }
        )
    _write(place / "choosing.jsonl", rows)
    return count * CHOICES


def _writing(place: Path, count: int) -> int:
    pairs = _pairs(count + 40)
    rows = [{"question": _prompt(pairs[-4:], zh), "answer": en} for zh, en in pairs[:count]]
    _write(place / "writing.jsonl", rows)
    return count


def _prompt(shown: list[tuple[str, str]], asked: str) -> str:
    examples = "".join(f"Chinese: {zh}\nEnglish: {en}\n\n" for zh, en in shown)
    return f"{examples}Chinese: {asked}\nEnglish:"


def _pairs(count: int) -> list[tuple[str, str]]:
    from llmos.lab.numerals import rows

    return [(row["zh"], row["en"]) for row in islice(rows("test"), count)]


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
