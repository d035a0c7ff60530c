"""What a model was asked and answered, line by line: the artefact that a job left, worst first.

The order is worked out once per process and kept for the files looked at last; lines are read
where they lie.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from llmos.evaluation.errors import SamplesNotFound
from llmos.jobs.folders import artefact_path
from llmos.wire.receipts import SAMPLES

SAMPLES_A_PAGE = 20
LONGEST_SHOWN = 2000  # letters of one text; the file has all


@dataclass(frozen=True, slots=True)
class Sample:
    index: int
    source: str
    references: list[str]
    output: str
    score: float | None
    more: dict[str, str]  # whatever else was noted


@dataclass(frozen=True, slots=True)
class SamplePage:
    samples: list[Sample]
    count: int  # that fit the search
    page: int
    pages: int


def samples_path(result_id: str) -> Path:
    """Raises SamplesNotFound."""
    path = artefact_path(result_id, SAMPLES)
    if not path.is_file():
        raise SamplesNotFound
    return path


def worst_first(
    result_id: str, *, text: str = "", page: int = 1, higher_is_better: bool = True
) -> SamplePage:
    """One page of samples that hold a text. Raises SamplesNotFound."""
    path = samples_path(result_id)
    order = _order(path, path.stat().st_mtime_ns, higher_is_better)
    with path.open("rb") as file:
        if text:
            wanted = text.casefold()
            order = [place for place in order if wanted in _line(file, place).casefold()]
        pages = max(1, -(-len(order) // SAMPLES_A_PAGE))
        page = min(page, pages)
        start = (page - 1) * SAMPLES_A_PAGE
        shown = [
            _sample(orjson.loads(_line(file, place)))
            for place in order[start : start + SAMPLES_A_PAGE]
        ]
    return SamplePage(shown, len(order), page, pages)


Place = tuple[int, int]  # offset and length of a line


@lru_cache(maxsize=16)
def _order(path: Path, _changed: int, higher_is_better: bool) -> list[Place]:
    found: list[tuple[float, int, Place]] = []
    sign = 1 if higher_is_better else -1
    for number, (place, line) in enumerate(_lines(path)):
        score = orjson.loads(line).get("score")
        told = isinstance(score, int | float)
        found.append((sign * score if told else float("inf"), number, place))
    return [place for _, _, place in sorted(found)]


def _lines(path: Path) -> Iterator[tuple[Place, bytes]]:
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if line.strip():
                yield (offset, len(line)), line
            offset += len(line)


def _line(file: Any, place: Place) -> str:
    file.seek(place[0])
    return str(file.read(place[1]), "utf-8", "replace")


def _sample(content: dict[str, Any]) -> Sample:
    known = {"index", "source", "reference", "references", "output", "score"}
    references = content.get("references", content.get("reference", []))
    return Sample(
        index=int(content.get("index", 0)),
        source=_shown(content.get("source", "")),
        references=[_shown(one) for one in references]
        if isinstance(references, list)
        else [_shown(references)],
        output=_shown(content.get("output", "")),
        score=content.get("score"),
        more={
            key: _shown(value) for key, value in content.items() if value != "" and key not in known
        },
    )


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
