"""Whole evaluations with tiny models: the same numbers as others find, and clear refusals."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from tests.lab.tiny_models import TEXTS, tiny_translator, tiny_writer

from llmos.lab.benchmarks import benchmark_from
from llmos.lab.engines import Engine, Sampling, open_engine
from llmos.lab.engines.errors import CannotDo, PromptTooLong
from llmos.lab.errors import BadData, BadModel
from llmos.lab.evaluation import Evaluation, evaluate, open_for, read_questions
from llmos.lab.reports import SilentReporter
from llmos.wire.receipts import check_samples, merkle_root

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

CONTEXT = 256


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("evaluation")
    tiny_writer(folder / "writer", context=CONTEXT)
    tiny_translator(folder / "translator")
    return folder


@pytest.fixture(scope="module")
def writer(place: Path) -> Engine:
    return open_engine(place / "writer", kind="transformers", threads=1)


def written(folder: Path, name: str, rows: list[dict[str, Any]]) -> Path:
    path = folder / name
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return path


def run(place: Path, model: str, rows: Path, **content: Any) -> Evaluation:
    benchmark = benchmark_from({"name": "x", "version": 1, **content})
    engine = open_for(benchmark, place / model, threads=1, cache=place / "cache")
    try:
        return evaluate(engine, benchmark, read_questions(benchmark, rows), SilentReporter())
    finally:
        engine.close()


def questions_with_choices() -> list[dict[str, Any]]:
    chosen = [text.split() for text in TEXTS[:3]]
    return [
        {
            "question": " ".join(chosen[n % 3][: 1 + n % 4]),
            "choices": ["the mat", "dog ran in the park", "pears and apples", "cat"][: 2 + n % 3],
            "label": n % 2,
        }
        for n in range(30)
    ]


def test_choices_packed_behind_one_prompt_weigh_what_they_weigh_alone(writer: Engine) -> None:
    rows = questions_with_choices()
    pairs = [(row["question"], " " + choice) for row in rows for choice in row["choices"]]
    pairs += [("", "a dog ran"), (" ", "x"), ("the cat ", "sat")]

    together = writer.loglikelihood(pairs)

    alone = [writer.loglikelihood([pair])[0] for pair in pairs]
    for one, other in zip(together, alone, strict=True):
        assert one.logprob == pytest.approx(other.logprob, abs=1e-4)
        assert (one.tokens, one.is_greedy) == (other.tokens, other.is_greedy)


def test_a_text_longer_than_the_context_is_read_in_windows(writer: Engine) -> None:
    text = " ".join(TEXTS) * 3
    (whole,) = writer.loglikelihood([("", text)])
    assert whole.tokens > 2 * CONTEXT
    assert math.isfinite(whole.logprob)


def test_a_prompt_too_long_for_its_answer_is_cut_at_its_beginning(writer: Engine) -> None:
    found = writer.loglikelihood([("the cat sat " * 200, "on the mat"), ("the cat", " sat")])
    assert found[0].cut > 0
    assert found[1].cut == 0
    with pytest.raises(PromptTooLong):
        writer.loglikelihood([("a", "dog " * 900)])


def test_texts_continued_together_go_on_as_they_do_alone(writer: Engine, place: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    prompts = [text[: 3 + 2 * n] for n, text in enumerate(TEXTS[:12])]
    found = writer.generate(prompts, sampling=Sampling(max_new=12))

    model = AutoModelForCausalLM.from_pretrained(place / "writer")
    tokenizer = AutoTokenizer.from_pretrained(place / "writer")
    for prompt, one in zip(prompts, found, strict=True):
        read = tokenizer(prompt, return_tensors="pt")
        made = model.generate(**read, max_new_tokens=12, do_sample=False, pad_token_id=0)
        theirs = tokenizer.decode(made[0, read.input_ids.shape[1] :], skip_special_tokens=True)
        assert one.text == theirs


def test_a_stop_ends_one_text_and_not_its_neighbours(writer: Engine) -> None:
    prompts = ["the cat sat", "a dog ran"]
    free = writer.generate(prompts, sampling=Sampling(max_new=20))
    word = free[0].text[3:6]
    stopped = writer.generate(prompts, sampling=Sampling(max_new=20, stop=(word,)))
    assert stopped[0].text == free[0].text.split(word)[0]
    assert stopped[0].finish == "stop"
    assert stopped[1].text == free[1].text.split(word)[0]


LM_EVAL = """
import json, sys
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager
found = simple_evaluate(
    model="hf", model_args={"pretrained": sys.argv[1], "dtype": "float32"},
    tasks=["choosing", "writing", "surprise"], batch_size=7, device="cpu", bootstrap_iters=0,
    task_manager=TaskManager(include_path=sys.argv[2], include_defaults=False),
)
print("\\n" + json.dumps({"results": found["results"], "outputs": [
    one["filtered_resps"][0] for one in found["samples"]["writing"]]}))
"""


def lm_eval_tasks(folder: Path) -> None:
    def task(name: str, data: str, **content: Any) -> None:
        source = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": data}}}
        body = {"task": name, "test_split": "test", **source, **content}
        (folder / f"{name}.yaml").write_text(json.dumps(body))

    task(
        "choosing",
        str(folder / "choosing.jsonl"),
        output_type="multiple_choice",
        doc_to_text="{{question}}",
        doc_to_target="label",
        doc_to_choice="choices",
        target_delimiter=" ",
        metric_list=[{"metric": "acc"}, {"metric": "acc_norm"}],
    )
    task(
        "writing",
        str(folder / "writing.jsonl"),
        output_type="generate_until",
        doc_to_text="Q: {{question}}\nA:",
        doc_to_target="{{answer}}",
        generation_kwargs={"until": ["the"], "max_gen_toks": 16, "do_sample": False},
        metric_list=[{"metric": "exact_match"}, {"metric": "bleu"}, {"metric": "chrf"}],
    )
    task(
        "surprise",
        str(folder / "surprise.jsonl"),
        output_type="loglikelihood_rolling",
        doc_to_text="",
        doc_to_target="{{text}}",
        metric_list=[{"metric": "word_perplexity"}, {"metric": "byte_perplexity"}],
    )


def in_lm_eval(place: Path, folder: Path) -> dict[str, Any]:
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "HF_HOME": str(folder / "hf")}
    said = subprocess.run(
        [sys.executable, "-c", LM_EVAL, str(place / "writer"), str(folder)],
        env={**os.environ, **offline},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert said.returncode == 0, said.stderr[-3000:]
    found: dict[str, Any] = json.loads(said.stdout.strip().splitlines()[-1])
    return found


@pytest.mark.slow
def test_scores_are_those_of_lm_eval_to_the_last_digit(place: Path, tmp_path: Path) -> None:
    choosing = written(tmp_path, "choosing.jsonl", questions_with_choices())
    asked = [{"question": text[: 5 + n], "answer": "?"} for n, text in enumerate(TEXTS[:14])]
    writing = {
        "task": "text-generation",
        "prompt": "Q: {question}\nA:",
        "columns": {"target": "answer"},
        "metrics": ["exact_match", "sacrebleu", "chrf"],
        "decoding": {"max_new": 16, "stop": ["the"]},
    }
    before = run(place, "writer", written(tmp_path, "asked.jsonl", asked), **writing)
    answered: list[dict[str, Any]] = [
        {
            "question": row["question"],
            "answer": one["output"] if n % 2 and one["output"].strip() else "x",
        }
        for n, (row, one) in enumerate(zip(asked, before.samples, strict=True))
    ]
    path = written(tmp_path, "writing.jsonl", answered)
    texts = [{"text": " ".join(TEXTS[n : n + 9])} for n in range(0, 18, 3)]
    surprise = written(tmp_path, "surprise.jsonl", [*texts, {"text": " ".join(TEXTS) * 2}])

    lm_eval_tasks(tmp_path)
    theirs = in_lm_eval(place, tmp_path)
    chosen = run(
        place,
        "writer",
        choosing,
        task="classification",
        prompt="{question}",
        columns={"target": "label", "choices": "choices"},
    )
    made = run(place, "writer", path, **writing)
    words, by_byte = (
        run(
            place,
            "writer",
            surprise,
            task="language-modelling",
            columns={"target": "text"},
            metrics=[{"name": "perplexity", "unit": unit}],
        )
        for unit in ("word", "byte")
    )

    found = theirs["results"]
    assert [score.value for score in chosen.scores] == [
        100 * found["choosing"]["acc,none"],
        100 * found["choosing"]["acc_norm,none"],
    ]
    assert 0 < chosen.scores[0].value < 100
    assert [one["output"] for one in made.samples] == theirs["outputs"]
    assert made.scores[0].value == 100 * found["writing"]["exact_match,none"]
    assert 0 < made.scores[0].value < 100
    assert made.scores[1].value == found["writing"]["bleu,none"]
    assert made.scores[2].value == found["writing"]["chrf,none"]
    for ours, name in ((words, "word_perplexity"), (by_byte, "byte_perplexity")):
        assert ours.primary.value == pytest.approx(found["surprise"][f"{name},none"], rel=1e-5)
    assert chosen.decoding["prefix"] == "</s>"
    assert chosen.decoding["delimiter"] == " "


def test_every_output_is_kept_in_a_line_that_the_root_covers(place: Path, tmp_path: Path) -> None:
    rows = [{"en": text, "de": text[::-1]} for text in TEXTS[:5]] + [{"en": "x", "de": ""}]
    found = run(
        place,
        "translator",
        written(tmp_path, "test.jsonl", rows),
        task="translation",
        columns={"source": "en", "target": "de"},
        decoding={"max_new": 8},
    )
    result = found.result(benchmark=None, model={}, data={})
    content = b"".join(line + b"\n" for line in found.lines())
    check_samples({"predicate": result}, content)
    assert result["samples"]["merkle_root"] == merkle_root(content.split(b"\n")[:-1])
    samples = [json.loads(line) for line in found.lines()]
    assert [one["index"] for one in samples] == [0, 1, 2, 3, 4]
    assert {"source", "references", "output", "score"} <= set(samples[0])
    assert result["notes"] == {"rows left out with an empty 'de'": 1}
    assert (found.engine, result["decoding"]["precision"]) == ("ctranslate2", "float32")
    again = run(
        place,
        "translator",
        tmp_path / "test.jsonl",
        task="translation",
        columns={"source": "en", "target": "de"},
        decoding={"max_new": 8},
    )
    assert again.lines() == found.lines()


def test_answers_are_found_by_an_expression_and_what_is_missing_is_counted(
    place: Path, tmp_path: Path
) -> None:
    rows = [{"q": "the cat", "a": "so it is\n#### 1,234"}, {"q": "word " * 400, "a": "#### 7"}]
    found = run(
        place,
        "writer",
        written(tmp_path, "test.jsonl", rows),
        task="text-generation",
        prompt="{q}",
        answer=r"#### (-?[\d,.]+)",
        ignore=",",
        columns={"target": "a"},
        decoding={"max_new": 4},
    )
    assert found.samples[0]["references"] == ("1234",)
    assert found.samples[0]["extracted"] == ""
    assert found.notes == {
        "without an answer in the asked form": 1,
        "longer than the model can read": 1,
    }
    assert found.primary.value == 0


@pytest.mark.parametrize(
    ("row", "right"),
    [
        ({"label": 1, "choices": ["a", "b"]}, "b"),
        ({"label": "b", "choices": ["a", "b"]}, "b"),
        ({"label": "B", "choices": ["x", "y"]}, "y"),
        ({"label": "2", "choices": ["x", "y", "z"]}, "z"),
        ({"label": "D2", "choices": {"text": ["x", "y"], "label": ["D1", "D2"]}}, "y"),
    ],
)
def test_labels_are_read_as_data_sets_write_them(
    row: dict[str, Any], right: str, tmp_path: Path
) -> None:
    benchmark = benchmark_from(
        {
            "name": "x",
            "version": 1,
            "task": "classification",
            "prompt": "?",
            "columns": {"target": "label", "choices": "choices"},
        }
    )
    (question,) = read_questions(benchmark, written(tmp_path, "test.jsonl", [row])).asked
    assert question.references == (right,)


def test_what_cannot_be_asked_is_refused_in_words(place: Path, tmp_path: Path) -> None:
    rows = written(tmp_path, "test.jsonl", [{"en": "a", "label": 9}])
    wish = {"task": "translation", "columns": {"source": "en", "target": "de"}}
    with pytest.raises(BadData, match="no column 'de'"):
        run(place, "translator", rows, **wish)
    wish["columns"] = {"source": "en", "target": "en"}
    folder = tmp_path / "folder"
    folder.mkdir()
    written(folder, "train.jsonl", [{"en": "a"}])
    with pytest.raises(BadData, match="no files of a split 'test'"):
        run(place, "translator", folder, **wish)
    with pytest.raises(CannotDo, match="cannot be measured at classification"):
        run(
            place,
            "translator",
            rows,
            task="classification",
            prompt="{en}",
            choices=["a", "b"],
            columns={"target": "label"},
        )
    with pytest.raises(BadData, match="whose label is none of the choices"):
        run(
            place,
            "writer",
            rows,
            task="classification",
            prompt="{en}",
            choices=["a", "b"],
            columns={"target": "label"},
        )


@pytest.mark.parametrize("task", ["text-generation", "classification", "language-modelling"])
def test_weights_that_are_no_numbers_are_told(place: Path, tmp_path: Path, task: str) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in (place / "writer").iterdir():
        (broken / path.name).write_bytes(path.read_bytes())
    weights = load_file(broken / "model.safetensors")
    weights["model.norm.weight"] = torch.full_like(weights["model.norm.weight"], math.nan)
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    rows = written(tmp_path, "test.jsonl", [{"q": "a", "label": "a"}])
    content: dict[str, Any] = {"task": task, "prompt": "{q}", "columns": {"target": "label"}}
    if task == "classification":
        content["choices"] = ["a", "b"]
    with pytest.raises(BadModel, match="NaN"):
        run(tmp_path, "broken", rows, **content)


def test_a_gguf_file_is_measured_by_both_its_engines(place: Path, tmp_path: Path) -> None:
    from llmos.lab.export.gguf import write_gguf

    file = tmp_path / "writer.gguf"
    write_gguf(place / "writer", file, precision="f16")
    rows = written(tmp_path, "test.jsonl", questions_with_choices())
    columns = {"target": "label", "choices": "choices"}
    # A GGUF file does not say that the tokeniser puts a space before the first word.
    wish = {"task": "classification", "prompt": " {question}", "columns": columns}
    full = run(place, "writer", rows, **wish)
    from_file = run(tmp_path, "writer.gguf", rows, **wish)
    assert from_file.engine == "transformers"
    for one, other in zip(full.samples, from_file.samples, strict=True):
        assert one["logprobs"] == pytest.approx(other["logprobs"], abs=0.05)
    said = run(
        tmp_path,
        "writer.gguf",
        rows,
        task="text-generation",
        prompt="{question}",
        columns={"target": "question"},
        decoding={"max_new": 4},
    )
    assert (said.engine, said.decoding["precision"]) == ("llama_cpp", "as in the file")
