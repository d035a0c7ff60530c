"""From rows of data to questions: what a model is given, and what is right."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from llmos.lab.benchmarks import PLACE, Benchmark, columns_named
from llmos.lab.errors import BadData
from llmos.lab.reading import open_data


@dataclass(frozen=True, slots=True)
class Question:
    index: int
    source: str  # what a person is shown
    prompt: str  # what a causal model is given
    references: tuple[str, ...]  # none in language-modelling, whose source is all there is
    context: str = ""
    choices: tuple[str, ...] = ()
    right: int = -1  # among the choices


@dataclass(frozen=True, slots=True)
class Questions:
    """`left_out` says why rows are not asked, and how many."""

    asked: list[Question]
    left_out: dict[str, int] = field(default_factory=dict)


def read_questions(benchmark: Benchmark, where: str | Path) -> Questions:
    """All questions of the benchmark's split in a file, folder or data set.

    Raises BadData for columns or a split that are not there, and when nothing is left to ask.
    """
    rows = open_data(where, split=benchmark.data.split, limit=benchmark.data.limit or None)
    wanted = columns_named(benchmark)
    missing = [name for name in wanted if name not in rows.columns]
    if missing:
        raise BadData(
            f"{where} has no column {', '.join(map(repr, missing))}; "
            f"it has {', '.join(rows.columns)}"
        )
    found: list[Question] = []
    left_out = dict(rows.skipped)
    for row in rows:
        question = _question(benchmark, row, len(found))
        if isinstance(question, str):
            left_out[question] = left_out.get(question, 0) + 1
        else:
            found.append(question)
    if not found:
        reasons = "".join(f"; {count} rows {why}" for why, count in left_out.items())
        raise BadData(f"{where} has nothing to ask in split {benchmark.data.split!r}{reasons}")
    return Questions(found, left_out)


def answer_in(benchmark: Benchmark, text: str) -> str | None:
    """What counts of an output: the last match of `answer`, or all of it. None without a match."""
    found = text
    if benchmark.answer:
        matches = list(re.finditer(benchmark.answer, text))
        if not matches:
            return None
        last = matches[-1]
        found = (last.group(1) if last.re.groups else last.group()) or ""
    return re.sub(benchmark.ignore, "", found).strip() if benchmark.ignore else found


def _question(benchmark: Benchmark, row: Mapping[str, Any], index: int) -> Question | str:
    """A question, or why this row is none."""
    columns = benchmark.columns
    for name in _needed(benchmark):
        if not _text(row.get(name)).strip():
            return f"with an empty {name!r}"
    source = _text(row.get(columns.source)) if columns.source else ""
    prompt = _filled(benchmark.prompt, row) if benchmark.prompt else source
    choices = _choices(benchmark, row)
    target = row[columns.target]
    references: tuple[str, ...] = ()
    if benchmark.task == "classification":
        right = _place_of(target, choices, row.get(columns.choices))
        if right is None:
            return "whose label is none of the choices"
        references = (choices[right],)
    elif benchmark.task == "language-modelling":
        right, source = -1, _text(target)
    else:
        right, references = -1, _references(benchmark, target)
        if not references:
            return "without a right answer"
    return Question(
        index=index,
        source=source or prompt,
        prompt=prompt,
        references=references,
        context=_text(row.get(columns.context)) if columns.context else "",
        choices=choices,
        right=right,
    )


def _needed(benchmark: Benchmark) -> list[str]:
    """Columns whose values must not be empty; a prompt may say a thing that some rows lack."""
    columns = benchmark.columns
    named = [columns.source, columns.target, columns.context, columns.choices]
    return [name for name in named if name]


def _filled(prompt: str, row: Mapping[str, Any]) -> str:
    return PLACE.sub(lambda place: _text(row.get(place[1])), prompt)


def _references(benchmark: Benchmark, target: Any) -> tuple[str, ...]:
    """One text, several, or SQuAD's `{"text": […]}`; the part that `answer` finds, if it does."""
    if isinstance(target, Mapping):
        target = target.get("text")
    several = target if isinstance(target, list) else [target]
    texts = [text for one in several if (text := _text(one)).strip()]
    if benchmark.answer or benchmark.ignore:
        found = [answer_in(benchmark, text) for text in texts]
        texts = [text if one is None else one for text, one in zip(texts, found, strict=True)]
    return tuple(dict.fromkeys(texts))


def _choices(benchmark: Benchmark, row: Mapping[str, Any]) -> tuple[str, ...]:
    if not benchmark.columns.choices:
        return benchmark.choices
    value = row[benchmark.columns.choices]
    if isinstance(value, Mapping):  # ARC's {"text": […], "label": […]}
        value = value.get("text")
    if not isinstance(value, list) or len(value) < 2:
        raise BadData(
            f"The column {benchmark.columns.choices!r} must hold lists of at least two choices"
        )
    return tuple(_text(one) for one in value)


def _place_of(target: Any, choices: tuple[str, ...], column: Any) -> int | None:
    """A label as its place, its text, its name in ARC's labels, or a letter from A."""
    labels = column.get("label") if isinstance(column, Mapping) else None
    text = _text(target).strip()
    if isinstance(labels, list) and text in labels:
        return labels.index(text)
    if text in choices:
        return choices.index(text)
    if isinstance(target, int) or text.isdecimal():
        return int(target) if 0 <= int(target) < len(choices) else None
    place = ord(text) - ord("A") if len(text) == 1 else -1
    return place if 0 <= place < len(choices) else None


def _text(value: Any) -> str:
    """As text that can be written down; sentences of a list are joined, nothing is no text."""
    if value is None:
        return ""
    if isinstance(value, list):
        value = " ".join(_text(one) for one in value)
    return str(value).encode("utf-8", "replace").decode()
