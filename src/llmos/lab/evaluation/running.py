"""The evaluation itself: ask, compare, score."""

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from llmos.lab.benchmarks import Benchmark
from llmos.lab.engines import Engine
from llmos.lab.evaluation.asking import Likely, Said, ask, weigh
from llmos.lab.evaluation.questions import Question, Questions, answer_in
from llmos.lab.evaluation.results import Evaluation
from llmos.lab.metrics import Score, measure_choices, measure_likelihoods, measure_texts
from llmos.lab.metrics.likelihoods import Chosen, Surprise
from llmos.lab.reports import Reporter

NO_ANSWER = "without an answer in the asked form"
EMPTY = "empty"
CUT = "prompts cut to the context"
_SHOWN = 4  # samples told while others still wait

Sample = dict[str, Any]


def evaluate(
    engine: Engine, benchmark: Benchmark, questions: Questions, reporter: Reporter
) -> Evaluation:
    """Put all questions to the engine and score what it says.

    Raises CannotDo, BadModel (NaN), BadBenchmark (a tokeniser that is not there).
    """
    asked = questions.asked

    def told(done: int) -> None:
        reporter.report("progress", done=done, of=len(asked), unit="question")

    told(0)
    if benchmark.task in {"classification", "language-modelling"}:
        likely = weigh(engine, benchmark, asked, told)
        measure = _of_choices if benchmark.task == "classification" else _of_texts
        scores, samples = measure(benchmark, asked, likely)
    else:
        scores, samples = _of_outputs(benchmark, asked, ask(engine, benchmark, asked, told))
    for place, sample in enumerate(samples):
        sample["score"] = round(scores[0].rows[place], 6)
    for sample in samples[:_SHOWN]:
        reporter.report(
            "sample",
            step=0,
            source=sample["source"],
            target=next(iter(sample["references"]), ""),
            output=sample["output"],
        )
    return Evaluation(
        task=benchmark.task,
        scores=scores,
        samples=samples,
        notes=_notes(questions, samples),
        decoding=_decoding(engine, benchmark),
        engine=engine.kind,
    )


def _of_outputs(
    benchmark: Benchmark, questions: Sequence[Question], said: Sequence[Said]
) -> tuple[list[Score], list[Sample]]:
    compared: list[str] = []
    samples = []
    for question, answer in zip(questions, said, strict=True):
        found = answer_in(benchmark, answer.output)
        note = answer.note or (NO_ANSWER if found is None else "")
        if not note and not answer.output.strip():
            note = EMPTY
        compared.append(found or "")
        sample = _sample(question, answer.output, note)
        if benchmark.answer or benchmark.ignore:
            sample["extracted"] = found or ""
        samples.append(sample)
    references = [question.references for question in questions]
    return measure_texts(benchmark.metrics, compared, references), samples


def _of_choices(
    benchmark: Benchmark, questions: Sequence[Question], likely: Sequence[Likely]
) -> tuple[list[Score], list[Sample]]:
    rows, samples = [], []
    for question, found in zip(questions, likely, strict=True):
        row = Chosen(
            logprobs=found.logprobs,
            letters=tuple(map(len, question.choices)),
            right=question.right,
        )
        rows.append(row)
        by_letter = benchmark.primary == "accuracy_norm"
        output = question.choices[row.likeliest(per_letter=by_letter)]
        sample = _sample(question, output, CUT if found.cut else "")
        samples.append(sample | {"choices": question.choices, "logprobs": found.logprobs})
    return measure_choices(benchmark.metrics, rows), samples


def _of_texts(
    benchmark: Benchmark, questions: Sequence[Question], likely: Sequence[Likely]
) -> tuple[list[Score], list[Sample]]:
    rows, samples = [], []
    for question, found in zip(questions, likely, strict=True):
        text = question.source
        rows.append(
            Surprise(
                logprob=found.logprobs[0],
                byte=len(text.encode()),
                word=len(re.split(r"\s+", text)),  # as lm-eval counts
                token=found.tokens[0],
            )
        )
        sample = _sample(question, "", "")
        samples.append(sample | {"logprobs": found.logprobs, "tokens": found.tokens[0]})
    return measure_likelihoods(benchmark.metrics, rows), samples


def _sample(question: Question, output: str, note: str) -> Sample:
    sample: Sample = {
        "index": question.index,
        "source": question.source,
        "references": question.references,
        "output": output,
    }
    if question.context:
        sample["context"] = question.context
    return sample | ({"note": note} if note else {})


def _notes(questions: Questions, samples: Sequence[Sample]) -> dict[str, int]:
    notes = {f"rows left out {why}": count for why, count in questions.left_out.items()}
    for sample in samples:
        if note := sample.get("note"):
            notes[note] = notes.get(note, 0) + 1
    return notes


def _decoding(engine: Engine, benchmark: Benchmark) -> dict[str, Any]:
    """Everything that was asked for, and what probabilities rest on beside it."""
    found = {**asdict(benchmark.decoding), "stop": list(benchmark.decoding.stop)}
    found["precision"] = engine.precision
    if benchmark.task in {"classification", "language-modelling"}:
        found["prefix"] = engine.prefix
    if benchmark.task == "classification":
        found["delimiter"] = benchmark.delimiter
    return found
