"""What goes wrong while learning: told in words, and nothing else harmed."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.lab.training.tiny_runs import TINY, Notes, child, run, write_numerals, write_rows

from llmos.lab.errors import BadData, BadRecipe, TrainingFailed
from llmos.lab.recipes import load_recipe
from llmos.lab.training.checkpoints import read_newest, write_checkpoint
from llmos.lab.training.running import train


@pytest.fixture(scope="module")
def numerals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_numerals(tmp_path_factory.mktemp("numerals"))


def test_a_damaged_checkpoint_gives_way_to_the_one_before(tmp_path: Path) -> None:
    for step in (10, 20):
        path = write_checkpoint(tmp_path, step, {"step": step, "weights": torch.ones(3)})
    path.write_bytes(path.read_bytes()[:-10] + b"0123456789")
    told: list[str] = []
    found = read_newest(tmp_path, told.append)
    assert found is not None
    assert found["step"] == 10
    assert "step 20 is damaged" in told[0]


def test_with_every_checkpoint_damaged_the_run_begins_anew(numerals: Path, tmp_path: Path) -> None:
    whole = run(numerals, tmp_path / "whole")
    run(numerals, tmp_path)
    checkpoints = list((tmp_path / "work/checkpoints").glob("*.pt"))
    assert checkpoints
    for path in checkpoints:
        path.write_bytes(path.read_bytes()[:100])
    notes = Notes()
    assert run(numerals, tmp_path, notes).files == whole.files
    assert sum("is damaged" in text for text in notes.texts()) == len(checkpoints)


@pytest.mark.parametrize(
    "changes", [{"seed": 2}, {"optimiser__rate": 0.001}, {"workers": 2}, {"model__heads": 4}]
)
def test_a_checkpoint_of_another_recipe_is_not_continued(
    numerals: Path, tmp_path: Path, changes: dict[str, Any]
) -> None:
    run(numerals, tmp_path)
    kept = {path.name for path in (tmp_path / "work/checkpoints").glob("*.pt")}
    with pytest.raises(TrainingFailed, match="another recipe or other data"):
        run(numerals, tmp_path, **changes)
    assert {path.name for path in (tmp_path / "work/checkpoints").glob("*.pt")} == kept


def test_a_checkpoint_of_other_data_is_not_continued(numerals: Path, tmp_path: Path) -> None:
    run(numerals, tmp_path)
    other = write_rows(tmp_path / "other.jsonl", [{"zh": "一", "en": "one"}] * 40)
    with pytest.raises(TrainingFailed, match="remove that folder to begin anew"):
        run(other, tmp_path)


def test_a_full_disk_leaves_the_model_that_stood_there(numerals: Path, tmp_path: Path) -> None:
    earlier = run(numerals, tmp_path, budget__steps=2)
    full = tmp_path / "full"
    (full).mkdir()
    (tmp_path / "out").rename(full / "out")
    # No file may grow beyond 20,000 bytes: neither a checkpoint nor the weights fit.
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))"
    command = child("translate", numerals, full, TINY, limit)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "The disk under" in done.stderr
    assert "goes on from the last checkpoint" in done.stderr
    from llmos.lab.software import file_hashes

    assert file_hashes(full / "out") == earlier.files
    assert run(numerals, full).steps == TINY["budget.steps"]


def test_too_little_memory_is_told_with_what_to_lower(numerals: Path, tmp_path: Path) -> None:
    # What is held already, and room for what is loaded later; a batch of four million places
    # does not fit.
    limit = (
        "import resource; held = int(open('/proc/self/statm').read().split()[0]) * 4096; "
        "resource.setrlimit(resource.RLIMIT_AS, (held + 500_000_000, held + 500_000_000))"
    )
    wish = TINY | {"batch.tokens": 4_000_000, "model.d_model": 256, "model.feed_forward": 4096}
    command = child("translate", numerals, tmp_path, wish, limit)
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "The memory is used up. Lower batch.tokens" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_loss_that_is_no_number_ends_with_advice(numerals: Path, tmp_path: Path) -> None:
    wild = {"optimiser__name": "adamw", "optimiser__rate": 1e30, "optimiser__clip": 1e30}
    with pytest.raises(TrainingFailed, match=r"Lower optimiser\.rate"):
        run(numerals, tmp_path, **wild)


def test_one_row_is_enough_and_none_is_not(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "one.jsonl", [{"zh": "一", "en": "one"}])
    assert run(data, tmp_path / "a", budget__steps=2).steps == 2
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(BadData, match=r"none\.jsonl is empty"):
        run(tmp_path / "none.jsonl", tmp_path / "b")


def test_missing_columns_name_those_there_are(numerals: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match="has no column 'fr'; it has zh, en, value, kind"):
        run(numerals, tmp_path, data__target="fr")


def test_monstrous_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [{"zh": "一 " * 10**6, "en": "x"}, {"zh": "", "en": "x"}, {"zh": "二", "en": "two"}]
    trained = run(write_rows(tmp_path / "rows.jsonl", rows), tmp_path, budget__steps=2)
    assert trained.rows == 1
    assert sum(trained.skipped.values()) == 2


def test_two_columns_of_the_same_language_are_no_translation(tmp_path: Path) -> None:
    rows = [{"zh": f"number {n}", "en": f"number {n}"} for n in range(20)]
    with pytest.raises(BadData, match="the same text in 19 of 19 rows"):
        run(write_rows(tmp_path / "rows.jsonl", rows), tmp_path)


def test_texts_too_long_for_the_model_say_what_to_raise(tmp_path: Path) -> None:
    long = ["".join(chr(0x4E00 + 400 * n + i) for i in range(400)) for n in range(5)]
    rows = [{"zh": text, "en": "one"} for text in long]
    with pytest.raises(BadData, match=r"longer than 100 tokens: raise data\.longest"):
        run(write_rows(tmp_path / "rows.jsonl", rows), tmp_path)


def test_a_gpu_that_is_not_there_is_told(numerals: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    with pytest.raises(BadRecipe, match="torch finds none here"):
        run(numerals, tmp_path, device="cuda")


def test_a_worker_that_dies_ends_the_run_with_words(numerals: Path, tmp_path: Path) -> None:
    # The second worker is told by its parent's code; here it is killed as the machine would.
    before = (
        "import os, signal, threading, psutil\n"
        "def kill():\n"
        "    import time\n"
        "    while True:\n"
        "        for one in psutil.Process().children(recursive=True):\n"
        "            is_worker = 'forkserver' in str(one.cmdline()) and one.ppid() != os.getpid()\n"
        "            if is_worker and one.cpu_times().user > 3:\n"
        "                return one.kill()\n"
        "        time.sleep(0.1)\n"
        "threading.Thread(target=kill, daemon=True).start()"
    )
    wish = TINY | {"workers": 2, "budget.steps": 100_000}
    command = child("translate", numerals, tmp_path, wish, before)
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "A worker of this run ended" in done.stderr


def test_a_model_that_runs_code_or_is_none_is_refused_as_a_base(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "rows.jsonl", [{"prompt": "a", "completion": "b"}] * 4)
    base = tmp_path / "base"
    base.mkdir()
    for config, words in (
        ("{", "damaged"),
        (json.dumps({"auto_map": {"AutoModel": "x.Y"}}), "auto_map"),
        (json.dumps({"model_type": "unheard-of"}), "cannot be loaded"),
    ):
        (base / "config.json").write_text(config)
        recipe = load_recipe("finetune", {"base": str(base), "workers": 1})
        with pytest.raises(Exception, match=words) as caught:
            train(recipe, data, tmp_path / "out", work=tmp_path / "w", reporter=Notes())
        assert caught.type.__module__ == "llmos.lab.errors"


def test_a_stopped_command_tells_how_to_go_on(numerals: Path, tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "llmos.cli.main", "train", "translate", "--data", str(numerals),
        "--source", "zh", "--target", "en", "--out", str(tmp_path / "m"), "--workers", "1",
    ]  # fmt: skip
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("Learning"):
                process.send_signal(signal.SIGINT)
                break
        assert "The same command goes on" in process.stderr.read()
    assert process.returncode == 1
