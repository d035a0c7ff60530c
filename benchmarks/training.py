"""Learning: our loop against transformers' Trainer, two cores against one, resuming, decoding."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.bench import ROUNDS, Bench
from benchmarks.report import Measurement

MULTI30K = Path(__file__).parent.parent.parent / "shared/data/multi30k"
GAINS = {"default": 2.0, "grouped": 1.3}  # over the Trainer, by how it batches
TWO_CORES = 1.7
DECODING_GAIN = 1.2
STEPS, LESSONS, SENTENCES = 60, 600, 200


def measure(bench: Bench) -> Iterator[Measurement]:
    data = training_data(bench.folder)
    yield from _against_trainer(bench, data)
    yield _two_cores(bench, data)
    yield _resumed(bench, data)
    yield from _decoding(bench)


def training_data(scratch: Path) -> dict[str, str]:
    """Multi30k where it lies beside the checkout, else generated numerals."""
    if MULTI30K.is_dir():
        return {"path": str(MULTI30K), "source": "en", "target": "de"}
    from llmos.lab import numerals

    folder = scratch / "numerals"
    numerals.write(folder)
    return {"path": str(folder), "source": "zh", "target": "en"}


def _against_trainer(bench: Bench, data: dict[str, str]) -> Iterator[Measurement]:
    """In turns, so that a busier minute slows all; each with one thread and the same batches'
    mean size, optimiser (AdamW), tokeniser and rows.
    """
    steps = bench.scaled(STEPS, least=12)
    rates: dict[str, list[float]] = {"ours": [], **{name: [] for name in GAINS}}
    for _ in range(ROUNDS):
        for name, found in rates.items():
            found.append(_asked("rate", name, data, steps, bench.folder)["tokens_per_second"])
    for name, gain in GAINS.items():
        yield Measurement(
            f"training, one core, d = 256: tokens a second against Trainer, {name} batches",
            median(rates["ours"]) / median(rates[name]),
            "x",
            limit=gain,
            at_least=True,
            detail={"ours": rates["ours"], "trainer": rates[name], "data": Path(data["path"]).name},
        )


def _two_cores(bench: Bench, data: dict[str, str]) -> Measurement:
    steps = bench.scaled(STEPS, least=12)
    rates: dict[str, list[float]] = {"passed-1": [], "passed-2": []}
    for _ in range(ROUNDS):
        for name, found in rates.items():
            found.append(_asked("rate", name, data, steps, bench.folder)["tokens_per_second"])
    return Measurement(
        "training, two cores against one",
        median(rates["passed-2"]) / median(rates["passed-1"]),
        "x",
        limit=TWO_CORES,
        at_least=True,
        detail={"one": rates["passed-1"], "two": rates["passed-2"]},
    )


def _resumed(bench: Bench, data: dict[str, str]) -> Measurement:
    """Losses that differ between a run and one that was killed with -9 half-way."""
    steps = bench.scaled(STEPS, least=24)
    whole = _asked("curve", "whole", data, steps, bench.folder)
    command = _command("curve", "cut", data, steps, bench.folder)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        assert run.stdout is not None
        for line in run.stdout:
            if line.startswith("step") and int(line.split()[1]) > steps // 2:
                os.killpg(run.pid, signal.SIGKILL)
                break
    cut = _asked("curve", "cut", data, steps, bench.folder)
    differing = [step for step, loss in cut["losses"].items() if whole["losses"][step] != loss]
    if not cut["resumed"] or not cut["losses"]:
        raise RuntimeError("the killed run did not go on from a checkpoint")
    return Measurement(
        "losses that differ after kill -9 and resume",
        float(len(differing)) + (whole["weights"] != cut["weights"]),
        "steps",
        limit=0,
        detail={"compared": len(cut["losses"]), "same_bytes": whole["weights"] == cut["weights"]},
    )


def _decoding(bench: Bench) -> Iterator[Measurement]:
    """Sentences a second of a translator that has learned the numerals, in batches of 64."""
    folder = bench.folder / "translator"
    count = bench.scaled(SENTENCES, least=64)
    _asked("teach", str(folder), {}, bench.scaled(LESSONS, least=60), bench.folder)
    for beams in (1, 5):
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(ROUNDS):
            found = _asked("decode", str(folder), {}, count, bench.folder, str(beams))
            ours.append(found["ours"])
            theirs.append(found["transformers"])
        yield Measurement(
            f"decoding, one core, {beams} beam{'s' * (beams > 1)}: own code against generate",
            median(ours) / median(theirs),
            "x",
            limit=DECODING_GAIN,
            at_least=True,
            detail={"ours": ours, "transformers": theirs, "same_outputs": found["same"]},
        )


def _command(kind: str, name: str, data: dict[str, str], count: int, *more: Any) -> list[str]:
    words = [kind, name, json.dumps(data), str(count), *map(str, more)]
    return [sys.executable, "-m", "benchmarks.training_rates", *words]


def _asked(kind: str, name: str, data: dict[str, str], count: int, *more: Any) -> dict[str, Any]:
    """In a process of its own, as threads and memory are set once."""
    done = subprocess.run(
        _command(kind, name, data, count, *more),
        env={**os.environ, "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
        capture_output=True,
        text=True,
        check=False,  # what it said goes into the failure
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return found
