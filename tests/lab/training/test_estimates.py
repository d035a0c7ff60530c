"""What a run will take, before it starts."""

import subprocess
import sys
from dataclasses import replace

import pytest

from llmos.lab.recipes import load_recipe
from llmos.lab.training.estimates import Run, estimate, tokens_in


@pytest.mark.parametrize(
    ("task", "preset"), [("translate", "tiny"), ("translate", "small"), ("language-model", "small")]
)
def test_parameters_are_those_of_the_model(task: str, preset: str) -> None:
    from llmos.lab.nn.decoder import Decoder, DecoderConfig
    from llmos.lab.nn.encoder_decoder import EncoderDecoder, EncoderDecoderConfig

    recipe = load_recipe(task, {"preset": preset})
    wish, vocabulary = recipe.model, recipe.tokeniser.vocabulary
    model = (
        EncoderDecoder(
            EncoderDecoderConfig(vocabulary, wish.d_model, feed_forward=wish.feed_forward)
        )
        if task == "translate"
        else Decoder(
            DecoderConfig(
                vocabulary,
                wish.d_model,
                heads=wish.heads,
                kv_heads=wish.kv_heads,
                layers=wish.layers,
                feed_forward=wish.feed_forward,
            )
        )
    )
    counted = sum(weight.numel() for weight in model.parameters())
    assert estimate(recipe, 1000, 15.0, 1).parameters == counted


def test_twice_the_steps_take_twice_as_long_and_read_twice_as_much() -> None:
    some, more = (
        estimate(load_recipe("translate", {"budget.steps": steps}), 29_000, 17.0, 2)
        for steps in (10_000, 20_000)
    )
    assert more.seconds == pytest.approx(2 * some.seconds, rel=0.02)
    assert more.epochs == pytest.approx(2 * some.epochs)
    assert more.memory_bytes == some.memory_bytes


def test_a_budget_tells_how_many_steps_fit() -> None:
    found = estimate(load_recipe("translate", {"budget.minutes": 20.0}), 29_000, 17.0, 2)
    assert found.seconds == 1200
    again = load_recipe("translate", {"budget.steps": found.steps})
    assert estimate(again, 29_000, 17.0, 2).seconds == pytest.approx(1200, rel=0.01)


def test_earlier_runs_decide_the_speed() -> None:
    recipe = load_recipe("translate", {"budget.steps": 1000})
    rule = estimate(recipe, 1000, 15.0, 1)
    slow = Run(recipe, steps=1000, seconds=10 * rule.seconds)
    found = estimate(replace(recipe, seed=2), 1000, 15.0, 1, runs=[slow])
    assert found.seconds == pytest.approx(10 * rule.seconds, rel=0.05)
    assert "an earlier run" in found.how


def test_fine_tuning_is_measured_by_its_base() -> None:
    recipe = load_recipe("finetune", {"base": "a/b", "budget.steps": 10})
    small, large = (
        estimate(recipe, 100, 100.0, 1, base_parameters=size) for size in (10**8, 4 * 10**8)
    )
    assert large.seconds > 3 * small.seconds
    assert large.memory_bytes > 2 * small.memory_bytes
    assert large.parameters == 4 * 10**8


def test_tokens_are_guessed_in_both_scripts() -> None:
    assert 6 <= tokens_in("two dogs run on the grass") <= 10
    assert 6 <= tokens_in("两只狗在草地上跑") <= 10


def test_no_torch_is_needed() -> None:
    code = "import sys, llmos.lab.training.estimates; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
