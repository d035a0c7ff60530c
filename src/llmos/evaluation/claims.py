"""Numbers that authors wrote: `model-index` of a card, and `.eval_results/*.yaml` files.

Only text in and plain values out. Whatever is not a number about a named data set is left out:
a claim is shown beside measured scores, and half a claim says nothing.
Formats: huggingface_hub's `repocard_data.py` and `_eval_results.py`.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

CARD = "README.md"
FOLDER = ".eval_results"
MOST_CLAIMS = 200  # of one model
LONGEST_FILE = 64 * 2**10  # bytes


@dataclass(frozen=True, slots=True)
class Stated:
    """One number, and where and about what it was said."""

    filename: str
    dataset: str
    value: float
    task: str = ""
    metric: str = ""
    revision: str = ""
    source_name: str = ""
    source_url: str = ""
    notes: str = ""
    stated_on: str = ""


def from_card(front: Mapping[str, Any]) -> list[Stated]:
    """What a card's metadata claim."""
    return [
        stated
        for model in _objects(front.get("model-index"))
        for result in _objects(model.get("results"))
        for stated in _of_result(result)
    ][:MOST_CLAIMS]


def from_file(filename: str, text: str) -> list[Stated]:
    """What one `.eval_results` file claims; nothing where it is no such file."""
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            return []
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return []
    found = (_of_entry(filename, entry) for entry in _objects(content))
    return [stated for stated in found if stated is not None][:MOST_CLAIMS]


def _of_result(result: Mapping[str, Any]) -> Iterator[Stated]:
    data, task = _object(result.get("dataset")), _object(result.get("task"))
    source = _object(result.get("source"))
    dataset = _text(data.get("type") or data.get("name"))
    for metric in _objects(result.get("metrics")):
        value = _number(metric.get("value"))
        if value is not None and dataset:
            yield Stated(
                filename=CARD,
                dataset=dataset,
                value=value,
                task=_text(task.get("type"), 100),
                metric=_text(metric.get("type") or metric.get("name"), 100),
                revision=_text(data.get("revision"), 60),
                source_name=_text(source.get("name")),
                source_url=_link(source.get("url")),
                notes=_text(metric.get("name"), 500),
            )


def _of_entry(filename: str, entry: Mapping[str, Any]) -> Stated | None:
    data, source = _object(entry.get("dataset")), _object(entry.get("source"))
    value, dataset = _number(entry.get("value")), _text(data.get("id"))
    if value is None or not dataset:
        return None
    return Stated(
        filename=filename,
        dataset=dataset,
        value=value,
        task=_text(data.get("task_id"), 100),
        revision=_text(data.get("revision"), 60),
        source_name=_text(source.get("name") or source.get("org") or source.get("user")),
        source_url=_link(source.get("url")),
        notes=_text(entry.get("notes"), 500),
        stated_on=_text(entry.get("date"), 40),
    )


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _text(value: Any, longest: int = 200) -> str:
    if value is None or isinstance(value, Mapping | list):
        return ""
    return str(value).replace("\0", "").strip()[:longest]


def _link(value: Any) -> str:
    """An address that a page may link to; others are not kept."""
    text = _text(value, 500)
    return text if text.startswith(("https://", "http://")) else ""


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []
