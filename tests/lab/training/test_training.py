"""The training loop as `llmos train` and jobs use it, with tiny models."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from llmos.lab.errors import BadData, BadRecipe, TrainingFailed
from llmos.lab.nn.files import load
from llmos.lab.recipes import load_recipe
from llmos.lab.reports import SEPARATOR
from llmos.lab.training.batches import epoch_batches, padding_efficiency, steps_from
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
    "look.times": 2,
    "look.rows": 8,
    "budget.steps": 30,
    "workers": 1,
}


class Notes:
    """A reporter that keeps what it hears."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    def report(self, event: str, **fields: Any) -> None:
        self.events.append({"event": event, **fields})

    def curve(self) -> list[tuple[int, float]]:
        return [(one["step"], one["loss"]) for one in self.events if one["event"] == "step"]


@pytest.fixture(scope="session")
def numerals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from llmos.lab.numerals import rows

    folder = tmp_path_factory.mktemp("numerals")
    for split in ("train", "validation"):
        some = [row for row, _ in zip(rows(split), range(400), strict=False)]
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in some]
        (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def run(data: Path, place: Path, notes: Notes | None = None, **changes: Any) -> Trained:
    overrides = TINY | {key.replace("__", "."): value for key, value in changes.items()}
    recipe = load_recipe("translate", overrides)
    return train(recipe, data, place / "out", work=place / "work", reporter=notes or Notes())


def test_the_same_seed_and_steps_give_the_same_bytes(numerals: Path, tmp_path: Path) -> None:
    one, two = (run(numerals, tmp_path / name) for name in ("one", "two"))
    other = run(numerals, tmp_path / "other", seed=2)
    assert one.files == two.files
    assert other.files["model.safetensors"] != one.files["model.safetensors"]


def test_the_loss_falls_and_samples_are_told(numerals: Path, tmp_path: Path) -> None:
    notes = Notes()
    trained = run(numerals, tmp_path, notes, budget__steps=60)
    curve = notes.curve()
    assert curve[-1][1] < curve[0][1] - 0.5
    assert {"evaluation", "sample", "status"} <= {one["event"] for one in notes.events}
    assert trained.metrics["loss"] > 0
    assert load(tmp_path / "out").model.config.d_model == 16


_CHILD = """
import sys
from pathlib import Path
from llmos.lab.recipes import load_recipe
from llmos.lab.reports import StreamReporter
from llmos.lab.training import loop
from llmos.lab.training.running import train
import json
loop.CHECKPOINT_SECONDS = 0.0
overrides = json.loads(sys.argv[3])
place = Path(sys.argv[2])
train(load_recipe("translate", overrides), sys.argv[1], place / "out",
      work=place / "work", reporter=StreamReporter())
"""


def test_a_killed_run_goes_on_with_the_same_numbers(numerals: Path, tmp_path: Path) -> None:
    notes = Notes()
    run(numerals, tmp_path / "whole", notes, budget__steps=50)
    overrides = json.dumps(TINY | {"budget.steps": 50})
    command = [sys.executable, "-c", _CHILD, str(numerals), str(tmp_path / "cut"), overrides]
    heard: dict[int, float] = {}

    def hear(line: str) -> None:
        event = json.loads(line[1:]) if line.startswith(SEPARATOR) else {}
        if event.get("event") == "step":
            heard[event["step"]] = event["loss"]

    first = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    for line in first.stdout:
        hear(line)
        if max(heard, default=0) >= 21:
            os.kill(first.pid, signal.SIGKILL)
            break
    first.communicate()
    second = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "Going on from step" in second.stdout
    for line in second.stdout.split("\n"):  # splitlines would also split at \x1e
        hear(line)
    assert heard == dict(notes.curve())
    weights = [tmp_path / name / "out/model.safetensors" for name in ("whole", "cut")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_a_damaged_checkpoint_gives_way_to_the_one_before(numerals: Path, tmp_path: Path) -> None:
    from llmos.lab.training.checkpoints import read_newest, write_checkpoint

    for step in (10, 20):
        path = write_checkpoint(tmp_path, step, {"step": step, "weights": torch.ones(3)})
    path.write_bytes(path.read_bytes()[:-10] + b"0123456789")
    told: list[str] = []
    found = read_newest(tmp_path, told.append)
    assert found is not None
    assert found["step"] == 10
    assert "step 20 is damaged" in told[0]


@pytest.mark.slow
def test_two_workers_repeat_themselves_to_the_byte(numerals: Path, tmp_path: Path) -> None:
    one, two = (run(numerals, tmp_path / name, workers=2) for name in ("one", "two"))
    assert one.files == two.files
    assert one.recipe.workers == 2


def test_a_budget_of_time_becomes_a_plan_that_can_be_repeated(
    numerals: Path, tmp_path: Path
) -> None:
    began = time.monotonic()
    timed = run(numerals, tmp_path / "timed", budget__steps=0, budget__minutes=0.1)
    assert time.monotonic() - began < 12
    assert timed.recipe.budget.plan
    plan = [list(pair) for pair in timed.recipe.budget.plan]
    again = run(numerals, tmp_path / "again", budget__steps=0, budget__plan=plan)
    assert again.steps == timed.steps
    assert again.files == timed.files


def test_a_loss_that_is_no_number_ends_with_advice(numerals: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingFailed, match=r"Lower optimiser\.rate"):
        run(
            numerals,
            tmp_path,
            optimiser__name="adamw",
            optimiser__rate=1e30,
            optimiser__clip=1e30,
        )


def test_one_row_is_enough_and_none_is_not(tmp_path: Path) -> None:
    data = tmp_path / "one.jsonl"
    data.write_text('{"zh": "一", "en": "one"}\n', encoding="utf-8")
    assert run(data, tmp_path / "a", budget__steps=2).steps == 2
    (tmp_path / "none.jsonl").write_text("")
    with pytest.raises(BadData, match="empty"):
        run(tmp_path / "none.jsonl", tmp_path / "b")


def test_missing_columns_name_those_there_are(numerals: Path, tmp_path: Path) -> None:
    with pytest.raises(BadData, match="has no column 'fr'; it has zh, en, value, kind"):
        run(numerals, tmp_path, data__target="fr")


def test_monstrous_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    rows = [{"zh": "一" * 10**6, "en": "x"}, {"zh": "", "en": "x"}, {"zh": "二", "en": "two"}]
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    trained = run(data, tmp_path, budget__steps=2)
    assert trained.rows == 1
    assert sum(trained.skipped.values()) == 2


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


# peft still asks transformers by a name that is going away
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")
# beside random matrices a small change can do little
@pytest.mark.parametrize(("rank", "reached"), [(4, 5.2), (0, 0.5)])
def test_a_causal_model_is_taught_answers(tmp_path: Path, rank: int, reached: float) -> None:
    from llmos.lab.nn.decoder import Decoder, DecoderConfig
    from llmos.lab.nn.files import save
    from llmos.lab.text import train_bpe

    tokeniser = train_bpe(["what colour is the sky? blue"], vocabulary=270, ends=False)
    torch.manual_seed(0)
    config = DecoderConfig(tokeniser.get_vocab_size(), d_model=32, heads=2, layers=2)
    save(Decoder(config), tokeniser, tmp_path / "base")
    rows = [{"prompt": "what colour is the sky?", "completion": "blue"}] * 20
    data = tmp_path / "rows.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    overrides = {
        "base": str(tmp_path / "base"), "lora.rank": rank, "budget.steps": 40, "look.times": 1,
        "optimiser.rate": 0.01, "batch.tokens": 256, "workers": 1,
    }  # fmt: skip
    notes = Notes()
    recipe = load_recipe("finetune", overrides)
    trained = train(recipe, data, tmp_path / "out", work=tmp_path / "w", reporter=notes)
    assert trained.metrics["loss"] < reached
    assert load(tmp_path / "out").config["model_type"] == "llama"
    again = train(recipe, data, tmp_path / "out2", work=tmp_path / "w2", reporter=notes)
    assert again.files["model.safetensors"] == trained.files["model.safetensors"]


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
