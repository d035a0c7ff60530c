"""Rates over a run, and runs that end before their time."""

from pathlib import Path

import pytest
from tests.lab.training.tiny_runs import Notes, run, write_numerals

from llmos.lab.recipes.schema import ScheduleRecipe
from llmos.lab.training.schedule import Schedule

PLAN = ((0, 1000),)


@pytest.fixture(scope="module")
def numerals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_numerals(tmp_path_factory.mktemp("numerals"))


@pytest.mark.parametrize(
    ("shape", "middle", "end"),
    [
        ("linear", 0.5, 0.001),
        ("cosine", 0.5, 0.001),
        ("inverse-sqrt", (100 / 551) ** 0.5, (100 / 1000) ** 0.5),
        ("constant", 1.0, 1.0),
    ],
)
def test_rates_rise_to_the_peak_and_fall_by_their_shape(
    shape: str, middle: float, end: float
) -> None:
    schedule = Schedule(ScheduleRecipe(shape=shape, warmup=100))  # type: ignore[arg-type]
    assert schedule.share(0, PLAN) == pytest.approx(0.01)
    assert schedule.share(49, PLAN) == pytest.approx(0.5)
    assert schedule.share(99, PLAN) == 1.0
    assert schedule.share(550, PLAN) == pytest.approx(middle, abs=0.01)
    assert schedule.share(999, PLAN) == pytest.approx(end, abs=0.003)


def test_a_run_stops_when_it_learns_no_more_and_keeps_its_best(
    numerals: Path, tmp_path: Path
) -> None:
    notes = Notes()
    # A rate so high that the loss grows after the first look.
    trained = run(
        numerals, tmp_path, notes, look__patience=2, look__times=20, budget__steps=400,
        optimiser__rate=0.3, optimiser__matrix_rate=1.0, schedule__shape="constant",
    )  # fmt: skip
    assert trained.steps < 400
    losses = [one["metrics"]["loss"] for one in notes.events if one["event"] == "evaluation"]
    assert trained.metrics["loss"] <= min(losses) + 1e-6


@pytest.mark.slow
def test_two_passes_of_one_worker_are_one_pass_of_two(numerals: Path, tmp_path: Path) -> None:
    one, two = Notes(), Notes()
    wish = {"model__dropout": 0.0, "budget__steps": 12, "look__times": 0, "look__average": 0.0}
    run(numerals, tmp_path / "one", one, batch__accumulate=2, workers=1, **wish)
    run(numerals, tmp_path / "two", two, batch__accumulate=1, workers=2, **wish)
    assert two.curve() == pytest.approx(one.curve(), rel=1e-3)
