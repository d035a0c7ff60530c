"""The same loop on a GPU; run `pytest tests/lab/training/test_gpu.py` on a machine that has one."""

from pathlib import Path

import pytest
import torch
from tests.lab.tiny_models import tiny_writer
from tests.lab.training.tiny_runs import Notes, run, write_numerals, write_rows

from llmos.lab.nn.files import load
from llmos.lab.recipes import load_recipe
from llmos.lab.training.running import train

pytestmark = [
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU"),
    # torch names the kernels that have no repeatable form
    pytest.mark.filterwarnings("ignore:.*deterministic:UserWarning"),
]
TOLERANCE = 0.02


@pytest.fixture(scope="module")
def numerals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_numerals(tmp_path_factory.mktemp("numerals"))


def test_auto_takes_the_gpu_and_keeps_all_digits(numerals: Path, tmp_path: Path) -> None:
    trained = run(numerals, tmp_path, workers=0)
    assert trained.recipe.device == "cuda"
    assert trained.recipe.workers == torch.cuda.device_count()
    assert trained.recipe.precision == "fp32"
    assert all(p.device.type == "cpu" for p in load(tmp_path / "out").model.parameters())


def test_it_learns_what_the_processor_learns(numerals: Path, tmp_path: Path) -> None:
    losses = {}
    for device in ("cpu", "cuda"):
        notes = Notes()
        run(numerals, tmp_path / device, notes, device=device, precision="fp32",
            model__dropout=0.0, budget__steps=40)  # fmt: skip
        losses[device] = notes.curve()
    first, last = min(losses["cpu"]), max(losses["cpu"])
    assert losses["cuda"][first] == pytest.approx(losses["cpu"][first], abs=1e-3)
    assert losses["cuda"][last] == pytest.approx(losses["cpu"][last], rel=TOLERANCE)


def test_bf16_learns_as_well(numerals: Path, tmp_path: Path) -> None:
    exact = run(numerals, tmp_path / "a", device="cuda", precision="fp32", budget__steps=60)
    rough = run(numerals, tmp_path / "b", device="cuda", precision="bf16", budget__steps=60)
    assert rough.metrics["loss"] == pytest.approx(exact.metrics["loss"], rel=0.1)


def test_a_run_goes_on_on_the_gpu(numerals: Path, tmp_path: Path) -> None:
    whole = Notes()
    run(numerals, tmp_path, whole, device="cuda", look__times=4, budget__steps=40)
    again = Notes()  # its checkpoints are still there
    run(numerals, tmp_path, again, device="cuda", look__times=4, budget__steps=40)
    assert any("Going on from step 30" in text for text in again.texts())
    assert again.curve()[40] == pytest.approx(whole.curve()[40], rel=TOLERANCE)


def test_two_workers_share_a_gpu(numerals: Path, tmp_path: Path) -> None:
    trained = run(numerals, tmp_path, device="cuda", workers=2)
    assert trained.recipe.workers == 2
    assert trained.metrics["loss"] > 0


@pytest.mark.parametrize("rank", [4, 0])
def test_a_causal_model_is_taught(tmp_path: Path, rank: int) -> None:
    data = write_rows(tmp_path / "r.jsonl", [{"prompt": "sky?", "completion": "blue"}] * 20)
    wish = {"base": str(tiny_writer(tmp_path / "base")), "budget.steps": 20, "lora.rank": rank,
            "device": "cuda", "optimiser.rate": 0.01}  # fmt: skip
    recipe = load_recipe("finetune", wish)
    trained = train(recipe, data, tmp_path / "out", work=tmp_path / "work", reporter=Notes())
    assert trained.metrics["loss"] < 6
    assert load(tmp_path / "out").config["model_type"] == "llama"


def test_a_language_model_learns(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the cat sat on the mat and the dog lay on the rug\n" * 400)
    wish = {"model.d_model": 32, "model.heads": 2, "model.layers": 1, "tokeniser.vocabulary": 280,
            "data.longest": 24, "budget.steps": 60, "batch.tokens": 256,
            "device": "cuda"}  # fmt: skip
    recipe = load_recipe("language-model", wish)
    trained = train(recipe, text, tmp_path / "out", work=tmp_path / "work", reporter=Notes())
    assert trained.metrics["perplexity"] < 20
