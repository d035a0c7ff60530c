"""The training loop as `llmos train` and jobs use it, with tiny models."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from tests.lab.training.tiny_runs import TINY, Notes, child, killed, run, write_numerals

from llmos.lab.errors import BadRecipe
from llmos.lab.nn.files import load
from llmos.lab.recipes import load_recipe
from llmos.lab.training.batches import epoch_batches, padding_efficiency, steps_from
from llmos.lab.training.running import train


@pytest.fixture(scope="session")
def numerals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_numerals(tmp_path_factory.mktemp("numerals"))


def test_the_same_seed_and_steps_give_the_same_bytes(numerals: Path, tmp_path: Path) -> None:
    one, two = (run(numerals, tmp_path / name) for name in ("one", "two"))
    other = run(numerals, tmp_path / "other", seed=2)
    assert one.files == two.files
    assert other.files["model.safetensors"] != one.files["model.safetensors"]


def test_the_loss_falls_and_samples_are_told(numerals: Path, tmp_path: Path) -> None:
    notes = Notes()
    trained = run(numerals, tmp_path, notes, budget__steps=60)
    curve = notes.curve()
    assert curve[max(curve)] < curve[min(curve)] - 0.5
    assert {"evaluation", "sample", "status"} <= {one["event"] for one in notes.events}
    assert trained.metrics["loss"] > 0
    assert load(tmp_path / "out").model.config.d_model == 16


def test_a_killed_run_goes_on_with_the_same_numbers(numerals: Path, tmp_path: Path) -> None:
    whole = Notes()
    run(numerals, tmp_path / "whole", whole, budget__steps=50)
    command = child("translate", numerals, tmp_path / "cut", TINY | {"budget.steps": 50})
    notes = killed(command, kill=lambda pid: os.kill(pid, signal.SIGKILL), at=21)
    run(numerals, tmp_path / "cut", notes, budget__steps=50)
    assert any("Going on from step" in text for text in notes.texts())
    assert notes.curve() == whole.curve()
    weights = [tmp_path / name / "out/model.safetensors" for name in ("whole", "cut")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_a_budget_of_time_becomes_a_plan_that_can_be_repeated(
    numerals: Path, tmp_path: Path
) -> None:
    began = time.monotonic()
    timed = run(numerals, tmp_path / "timed", budget__steps=0, budget__minutes=0.04)
    assert time.monotonic() - began < 8
    assert timed.recipe.budget.plan
    plan = [list(pair) for pair in timed.recipe.budget.plan]
    again = run(numerals, tmp_path / "again", budget__steps=0, budget__plan=plan)
    assert again.steps == timed.steps
    assert again.files == timed.files


def test_a_language_model_learns_from_text(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the cat sat on the mat and the dog lay on the rug\n" * 200)
    overrides = {
        "model.d_model": 16, "model.heads": 2, "model.layers": 1, "model.feed_forward": 32,
        "tokeniser.vocabulary": 280, "data.longest": 24, "budget.steps": 60, "batch.tokens": 256,
        "workers": 1,
    }  # fmt: skip
    recipe = load_recipe("language-model", overrides)
    trained = train(recipe, text, tmp_path / "out", work=tmp_path / "work", reporter=Notes())
    assert trained.metrics["perplexity"] < 20
    from transformers import AutoModelForCausalLM

    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out").config.model_type == "llama"


def test_batches_of_like_lengths_hold_little_padding() -> None:
    lengths = [(5 + number % 37, 4 + number % 31) for number in range(5000)]
    batches = epoch_batches(lengths, tokens=1024, seed=1, epoch=0)
    assert sorted(row for batch in batches for row in batch) == list(range(5000))
    assert all(max(max(lengths[row]) for row in b) * len(b) <= 1024 for b in batches)
    assert padding_efficiency(lengths, batches) > 0.85
    assert batches != epoch_batches(lengths, tokens=1024, seed=1, epoch=1)


def test_steps_can_be_taken_up_anywhere() -> None:
    lengths = [(3, 4)] * 50
    wish = {"tokens": 20, "seed": 1, "parts": 3}
    whole = steps_from(lengths, start=0, **wish)
    first = [next(whole) for _ in range(20)]
    later = steps_from(lengths, start=13, **wish)
    assert [next(later) for _ in range(7)] == first[13:]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"optimiser.rat": 1}, "did you mean optimiser.rate"),
        ({"optimiser.rate": "fast"}, "expected float"),
        ({"optimiser.name": "sgd"}, "one of adamw, muon"),
        ({"model.d_model": 30}, "even width"),
        ({"preset": "huge"}, "tiny, small, base"),
        ({"batch.tokens": 0}, "above zero"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused_in_words(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(BadRecipe, match=words):
        load_recipe("translate", changes)
