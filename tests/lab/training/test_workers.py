"""Several processes that share each step, on this machine or placed by a cluster."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from tests.conftest import free_port
from tests.lab.training.tiny_runs import TINY, Notes, child, killed_and_resumed, run, write_numerals

from llmos.lab.training.batches import alike, epoch_batches, places


@pytest.fixture(scope="module")
def numerals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_numerals(tmp_path_factory.mktemp("numerals"))


def kill_with_workers(number: int) -> None:
    for one in [psutil.Process(number), *psutil.Process(number).children(recursive=True)]:
        one.kill()


@pytest.mark.slow
def test_two_workers_killed_half_way_end_with_the_same_bytes(
    numerals: Path, tmp_path: Path
) -> None:
    whole = Notes()
    trained = run(numerals, tmp_path / "whole", whole, workers=2, budget__steps=40)
    assert trained.recipe.workers == 2
    # Resumed without saying how many, as many workers go on as had begun.
    wish = TINY | {"workers": 2, "budget.steps": 40}
    command = child("translate", numerals, tmp_path / "cut", wish)
    notes = killed_and_resumed(command, kill=kill_with_workers, at=21)
    assert notes.curve() == whole.curve()
    weights = [tmp_path / name / "out/model.safetensors" for name in ("whole", "cut")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


@pytest.mark.slow
def test_no_worker_outlives_a_killed_leader(numerals: Path, tmp_path: Path) -> None:
    wish = TINY | {"workers": 2, "budget.steps": 100_000}
    command = child("translate", numerals, tmp_path, wish)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if '"step": 10' in line:
            break
    workers = psutil.Process(process.pid).children(recursive=True)
    assert workers
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    gone, alive = psutil.wait_procs(workers, timeout=20)
    assert gone
    assert not alive


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
def test_workers_placed_by_a_cluster_learn_as_our_own_do(numerals: Path, tmp_path: Path) -> None:
    import json

    ours = run(numerals, tmp_path / "ours", workers=2)
    wish = json.dumps(TINY | {"workers": 0})
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
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    found = (tmp_path / "0/out/model.safetensors").read_bytes()
    assert found == (tmp_path / "ours/out/model.safetensors").read_bytes()
    assert ours.files
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
