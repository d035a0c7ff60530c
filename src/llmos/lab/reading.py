"""Rows for learning and measuring, from files, folders and data set repositories.

JSONL, JSON, CSV, TSV, text and parquet are read by pyarrow; what holds rows of several splits
is found by `sources.py`. Rows come as dicts of the wanted columns, in the order of the files.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from llmos.lab.errors import BadData
from llmos.lab.sources import Source, find_source

if TYPE_CHECKING:
    import pyarrow

# Longer values are data by accident; a sentence has some hundred letters.
LONGEST_TEXT = 100_000
BATCH_ROWS = 10_000


@dataclass(slots=True)
class Rows:
    """Rows in memory; `skipped` says why others were left out, and how many."""

    columns: list[str]
    rows: list[dict[str, Any]]
    skipped: dict[str, int] = field(default_factory=dict)
    where: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.rows)


def open_data(
    where: str | Path,
    *,
    split: str = "train",
    columns: Sequence[str] = (),
    limit: int | None = None,
) -> Rows:
    """Read a split of a file, a folder or a repository `ns/name[@revision]`.

    `columns` must all be there, and rows where one of them is empty or monstrous are left out
    and counted. Raises BadData.
    """
    source = find_source(str(where), split)
    found = list(_columns(source))
    missing = [name for name in columns if name not in found]
    if missing:
        raise BadData(
            f"{where} has no column {', '.join(map(repr, missing))}; it has {', '.join(found)}"
        )
    rows = Rows(found, [], where=str(where))
    for row in _rows(source, columns or found):
        problem = _problem(row, columns)
        if problem:
            rows.skipped[problem] = rows.skipped.get(problem, 0) + 1
            continue
        rows.rows.append(row)
        if limit is not None and len(rows) >= limit:
            break
    if not rows.rows:
        reasons = "".join(f"; {count} rows {why}" for why, count in rows.skipped.items())
        raise BadData(f"{where} has no rows to use in split {split!r}{reasons}")
    return rows


def has_split(where: str | Path, split: str) -> bool:
    try:
        find_source(str(where), split)
    except BadData:
        return False
    return True


def _problem(row: dict[str, Any], columns: Sequence[str]) -> str:
    for name in columns:
        value = row.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return f"with an empty {name!r}"
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            return f"with more than {LONGEST_TEXT} letters in {name!r}"
    return ""


def _columns(source: Source) -> Iterator[str]:
    if source.columns:
        yield from source.columns
        return
    first = next(_batches(source.files[0]), None)
    if first is None:
        raise BadData(f"{source.files[0].name} is empty")
    yield from first.schema.names


def _rows(source: Source, columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    if source.columns:
        yield from _aligned(source)
        return
    for file in source.files:
        for batch in _batches(file):
            yield from batch.select(
                [name for name in columns if name in batch.schema.names]
            ).to_pylist()


def _aligned(source: Source) -> Iterator[dict[str, Any]]:
    """Line n of each file is one row, as parallel texts are published."""
    texts = [path.read_text(encoding="utf-8").splitlines() for path in source.files]
    if len({len(lines) for lines in texts}) > 1:
        counts = ", ".join(
            f"{path.name}: {len(lines)}" for path, lines in zip(source.files, texts, strict=True)
        )
        raise BadData(f"Parallel files must have as many lines each ({counts})")
    for values in zip(*texts, strict=True):
        yield dict(zip(source.columns, values, strict=True))


def _batches(file: Path) -> Iterator["pyarrow.RecordBatch"]:
    """A file as record batches. Raises BadData."""
    try:
        import pyarrow as arrow
    except ImportError as error:
        raise BadData("Reading data needs pyarrow: pip install 'llmos[train]'") from error
    kind = file.suffix.lower().removeprefix(".")
    try:
        if kind == "parquet":
            from pyarrow import parquet

            yield from parquet.ParquetFile(file).iter_batches(BATCH_ROWS)
        elif kind in {"csv", "tsv"}:
            yield from _separated(file, "," if kind == "csv" else "\t")
        elif kind in {"txt", "text", "md"}:
            lines = file.read_text(encoding="utf-8").splitlines()
            yield arrow.RecordBatch.from_pydict({"text": lines})
        else:
            yield from _json(file)
    except (arrow.ArrowException, UnicodeDecodeError) as error:
        raise BadData(f"{file.name} cannot be read as {kind}: {error}") from error


def _separated(file: Path, separator: str) -> Iterator["pyarrow.RecordBatch"]:
    from pyarrow import csv

    options = csv.ParseOptions(delimiter=separator, newlines_in_values=separator == ",")
    # Values that look like numbers are still what somebody wrote.
    with csv.open_csv(file, parse_options=options) as reader:
        yield from reader


def _json(file: Path) -> Iterator["pyarrow.RecordBatch"]:
    """JSON lines, or one JSON list, or a dict that holds one list of objects."""
    import pyarrow as arrow

    with file.open(encoding="utf-8") as text:
        start = text.read(64).lstrip()
    if not start:
        return
    if start.startswith("{") and not _is_one_document(file):
        batch: list[Any] = []
        with file.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    batch.append(json.loads(line))
                except ValueError as error:
                    raise BadData(f"{file.name}, line {number}: {error}") from error
                if len(batch) == BATCH_ROWS:
                    yield arrow.RecordBatch.from_pylist(batch)
                    batch = []
        if batch:
            yield arrow.RecordBatch.from_pylist(batch)
        return
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadData(f"{file.name} is no JSON: {error}") from error
    rows = content if isinstance(content, list) else _only_list(content, file)
    if rows:
        yield arrow.RecordBatch.from_pylist(rows)


def _is_one_document(file: Path) -> bool:
    """Whether the first line alone is no JSON: then the file is one document."""
    with file.open(encoding="utf-8") as lines:
        first = lines.readline()
    try:
        json.loads(first)
    except ValueError:
        return True
    return False


def _only_list(content: Any, file: Path) -> list[Any]:
    lists = (
        [value for value in content.values() if isinstance(value, list)]
        if isinstance(content, dict)
        else []
    )
    if len(lists) != 1:
        raise BadData(f"{file.name} must be a list of rows, or hold exactly one")
    return lists[0]
