"""Several processes that share each step, on this machine or placed by a cluster."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from tests.conftest import free_port
from tests.lab.training.tiny_runs import TINY, Notes, child, killed, run, write_numerals

from llmos.lab.training.batches import alike, epoch_batches, places
from llmos.lab.training.running import Trained

STEPS = 60


@pytest.fixture(scope="module")
def numerals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_numerals(tmp_path_factory.mktemp("numerals"))


@dataclass(frozen=True)
class Whole:
    """A run of two workers that nothing interrupts, for others to be compared with."""

    trained: Trained
    notes: Notes
    weights: bytes


@pytest.fixture(scope="module")
def whole(numerals: Path, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    place, notes = tmp_path_factory.mktemp("whole"), Notes()
    trained = run(numerals, place, notes, workers=2, budget__steps=STEPS)
    return Whole(trained, notes, (place / "out/model.safetensors").read_bytes())


def kill_leader(number: int) -> None:
    """Its workers have to see for themselves that it is gone, and end."""
    workers = psutil.Process(number).children(recursive=True)
    assert len(workers) > 1
    os.kill(number, signal.SIGKILL)
    _gone, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive


@pytest.mark.slow
def test_no_worker_outlives_a_killed_leader_and_the_run_goes_on_to_the_same_bytes(
    numerals: Path, tmp_path: Path, whole: Whole
) -> None:
    assert whole.trained.recipe.workers == 2
    wish = TINY | {"workers": 2, "budget.steps": STEPS}
    command = child("translate", numerals, tmp_path, wish)
    notes = killed(command, kill=kill_leader, at=11)
    run(numerals, tmp_path, notes, workers=2, budget__steps=STEPS)
    assert any("Going on from step" in text for text in notes.texts())
    assert notes.curve() == whole.notes.curve()
    assert (tmp_path / "out/model.safetensors").read_bytes() == whole.weights


_PLACED = """
import json, sys
from pathlib import Path
from torch import distributed as dist
from llmos.lab.recipes import load_recipe
from llmos.lab.reports import StreamReporter
from llmos.lab.training.running import train
data, place, overrides = sys.argv[1:]
dist.init_process_group("gloo")
place = Path(place) / str(dist.get_rank())  # as machines that share no disk
reporter = StreamReporter() if dist.get_rank() == 0 else StreamReporter(sys.stderr)
trained = train(load_recipe("translate", json.loads(overrides)), data, place / "out",
                work=place / "work", reporter=reporter)
assert trained.recipe.workers == 2
"""


@pytest.mark.slow
def test_workers_placed_by_a_cluster_learn_as_our_own_do(
    numerals: Path, tmp_path: Path, whole: Whole
) -> None:
    wish = json.dumps(TINY | {"workers": 0, "budget.steps": STEPS})
    port = str(free_port())
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _PLACED, str(numerals), str(tmp_path), wish],
            env={
                **os.environ,
                "RANK": rank, "LOCAL_RANK": rank, "WORLD_SIZE": "2",
                "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "GLOO_SOCKET_IFNAME": "lo",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]  # fmt: skip
    for process in processes:
        _, errors = process.communicate(timeout=240)
        assert process.returncode == 0, errors
    assert (tmp_path / "0/out/model.safetensors").read_bytes() == whole.weights
    assert not (tmp_path / "1/out").exists()


def test_the_batches_of_a_step_cost_alike() -> None:
    lengths = [(5 + number % 37, 4 + number % 31) for number in range(5000)]
    batches = epoch_batches(lengths, tokens=1024, seed=1, epoch=0)
    steps = alike(batches[: len(batches) // 2 * 2], lengths, parts=2, seed=1, epoch=0)
    lost = sum(abs(places(one, lengths) - places(two, lengths)) for one, two in steps)
    assert lost < 0.02 * sum(places(batch, lengths) for batch in batches)
    assert sorted(map(str, batches[: len(batches) // 2 * 2])) == sorted(
        str(batch) for step in steps for batch in step
    )
