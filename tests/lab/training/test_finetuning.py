"""Fine-tuning: any columns, any causal base, a whole model that loads everywhere."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.lab.tiny_models import CHAT, tiny_writer
from tests.lab.training.tiny_runs import Notes, child, killed, write_rows

from llmos.lab.errors import BadData, BadModel
from llmos.lab.recipes import load_recipe
from llmos.lab.training.conversations import columns_found, conversation_of
from llmos.lab.training.running import Trained, train

RATE: dict[str, Any] = {"optimiser.rate": 0.01, "batch.tokens": 256, "workers": 1}
QUESTION = "what colour is the sky?"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_writer(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = [{"prompt": QUESTION, "completion": "blue"}] * 20
    return write_rows(tmp_path_factory.mktemp("rows") / "rows.jsonl", found)


def taught(base: Path, data: Path, place: Path, **changes: Any) -> Trained:
    wish = RATE | {"base": str(base), "budget.steps": 30, "look.times": 1} | changes
    recipe = load_recipe("finetune", wish)
    return train(recipe, data, place / "out", work=place / "work", reporter=Notes())


@pytest.mark.parametrize("rank", [4, 0])
def test_an_answer_is_learned_and_the_model_loads_everywhere(
    base: Path, rows: Path, tmp_path: Path, rank: int
) -> None:
    import ctranslate2
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from llmos.lab.export.gguf import can_convert
    from llmos.lab.nn.decoding import Decoding, continue_text
    from llmos.lab.nn.files import load

    trained = taught(base, rows, tmp_path, **{"lora.rank": rank, "budget.steps": 60})
    out = tmp_path / "out"
    tokeniser = AutoTokenizer.from_pretrained(out)
    assert tokeniser.chat_template == CHAT
    asked = tokeniser.apply_chat_template(
        [{"role": "user", "content": QUESTION}], add_generation_prompt=True, tokenize=False
    )
    ids = tokeniser(asked, add_special_tokens=False)["input_ids"]
    theirs = AutoModelForCausalLM.from_pretrained(out)
    assert sum(weight.numel() for weight in theirs.parameters()) == trained.parameters
    ours = load(out)
    said = ours.tokenizer.decode(continue_text(ours.model, [ids], Decoding(max_new=8))[0][0].tokens)
    if not rank:  # beside random matrices a small change can do little
        assert said.strip().startswith("blue")
    assert can_convert(out, json.loads((out / "config.json").read_text()))
    converter = ctranslate2.converters.TransformersConverter(str(out))
    assert Path(converter.convert(str(tmp_path / "ct2")), "model.bin").exists()
    assert (out / "model.safetensors").stat().st_mode & 0o044


def test_only_answers_are_learned(base: Path) -> None:
    from llmos.lab.training import finetuning

    recipe = load_recipe("finetune", {"base": str(base), "data.messages": "messages"})
    talk = [
        {"role": "user", "content": "the cat"}, {"role": "assistant", "content": "sat"},
        {"role": "user", "content": "a dog"}, {"role": "assistant", "content": "ran"},
    ]  # fmt: skip
    prepared = finetuning.prepare(recipe, [{"messages": talk}], [])
    ids, labels = prepared.content["examples"][0]
    learned = [label for label in labels if label != finetuning.IGNORED]
    tokeniser = finetuning.tokeniser_of(base)
    assert tokeniser.decode(learned).split() == ["sat", "ran"]
    assert "user: the cat" in tokeniser.decode(ids)


@pytest.mark.parametrize(
    ("row", "request_", "answer"),
    [
        ({"prompt": "a", "completion": "b"}, "a", "b"),
        ({"instruction": "a", "input": "", "output": "b"}, "a", "b"),
        ({"instruction": "a", "input": "c", "output": "b"}, "a\n\nc", "b"),
        ({"question": "a", "answer": "b"}, "a", "b"),
        ({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
         "a", "b"),
        ({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]},
         "a", "b"),
        ({"messages": json.dumps([{"role": "user", "content": "a"},
                                  {"role": "assistant", "content": "b"}])}, "a", "b"),
    ],
)  # fmt: skip
def test_rows_become_conversations(row: dict[str, Any], request_: str, answer: str) -> None:
    data = columns_found(list(row), load_recipe("finetune", {"base": "b"}).data)
    assert conversation_of(row, data) == [
        {"role": "user", "content": request_},
        {"role": "assistant", "content": answer},
    ]


def test_rows_with_and_without_a_context_are_all_learned(base: Path, tmp_path: Path) -> None:
    rows = [{"instruction": "say", "input": "" if n % 2 else "this", "output": "so"}
            for n in range(20)]  # fmt: skip
    trained = taught(base, write_rows(tmp_path / "r.jsonl", rows), tmp_path, **{"budget.steps": 2})
    assert trained.rows == 19
    assert not trained.skipped
    assert trained.recipe.data.context == "input"


def test_plain_text_is_learned_whole(base: Path, tmp_path: Path) -> None:
    rows = [{"text": "the cat sat on the mat " * 100}] * 4
    trained = taught(
        base,
        write_rows(tmp_path / "r.jsonl", rows),
        tmp_path,
        **{"data.longest": 64, "budget.steps": 4},
    )
    assert trained.metrics["loss"] > 0


def test_columns_that_fit_nothing_are_named(base: Path, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "r.jsonl", [{"colour": "blue", "size": "1"}] * 3)
    with pytest.raises(BadData, match="there are colour, size"):
        taught(base, data, tmp_path)
    data = write_rows(tmp_path / "r.jsonl", [{"messages": "not a list"}] * 3)
    with pytest.raises(BadData, match="list of messages"):
        taught(base, data, tmp_path)


def test_an_encoder_decoder_is_no_base(rows: Path, tmp_path: Path) -> None:
    from tests.lab.tiny_models import tiny_translator

    with pytest.raises(BadModel, match="finetune teaches causal models"):
        taught(tiny_translator(tmp_path / "base"), rows, tmp_path)


@pytest.mark.slow
def test_a_model_that_is_only_a_gguf_file_is_taught(base: Path, rows: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from llmos.lab.activities.train import base_path
    from llmos.lab.export.gguf import can_convert, write_gguf

    (tmp_path / "base").mkdir()
    write_gguf(base, tmp_path / "base/model-q8_0.gguf")
    taught(base_path(tmp_path / "base"), rows, tmp_path, **{"lora.rank": 4, "budget.steps": 4})
    out = tmp_path / "out"
    model = AutoModelForCausalLM.from_pretrained(out)
    assert str(model.dtype) == "torch.float32"
    config = json.loads((out / "config.json").read_text())
    assert "quantization_config" not in config
    assert can_convert(out, config)
    assert AutoTokenizer.from_pretrained(out).chat_template == CHAT


def test_a_gguf_file_that_promises_what_it_has_not_is_refused(
    base: Path, rows: Path, tmp_path: Path
) -> None:
    from llmos.lab.export.gguf import write_gguf

    write_gguf(base, tmp_path / "whole.gguf")
    cut = tmp_path / "cut.gguf"
    cut.write_bytes((tmp_path / "whole.gguf").read_bytes()[:-50_000])
    with pytest.raises(BadModel, match="lies outside the file"):
        taught(cut, rows, tmp_path)


@pytest.mark.slow
def test_killed_fine_tuning_goes_on_with_the_same_numbers(
    base: Path, rows: Path, tmp_path: Path
) -> None:
    wish = RATE | {"base": str(base), "budget.steps": 30, "look.times": 2, "lora.rank": 4}
    whole = Notes()
    recipe = load_recipe("finetune", wish)
    train(recipe, rows, tmp_path / "a/out", work=tmp_path / "a/work", reporter=whole)
    command = child("finetune", rows, tmp_path / "b", wish)
    notes = killed(command, kill=lambda pid: os.kill(pid, signal.SIGKILL), at=11)
    train(recipe, rows, tmp_path / "b/out", work=tmp_path / "b/work", reporter=notes)
    assert any("Going on from step" in text for text in notes.texts())
    assert notes.curve() == whole.curve()
    weights = [tmp_path / name / "out/model.safetensors" for name in ("a", "b")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_another_base_of_the_same_shape_is_not_continued(
    base: Path, rows: Path, tmp_path: Path
) -> None:
    from llmos.lab.errors import TrainingFailed

    taught(base, rows, tmp_path, **{"look.times": 4})
    other = tiny_writer(tmp_path / "other", seed=5)
    with pytest.raises(TrainingFailed, match="another recipe or other data"):
        taught(other, rows, tmp_path, **{"look.times": 4})
