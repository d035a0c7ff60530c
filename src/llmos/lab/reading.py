"""Rows for learning and measuring, from files, folders and data set repositories.

JSONL, JSON, CSV, TSV, text and parquet are read by pyarrow; what holds rows of several splits
is found by `sources.py`. Rows come as dicts of the wanted columns, in the order of the files.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
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
    optional: Sequence[str] = (),
    limit: int | None = None,
) -> Rows:
    """Read a split of a file, a folder or a repository `ns/name[@revision]`.

    `columns` must all be there, and rows where one of them is empty or monstrous are left out
    and counted; `optional` ones are read where they are. Raises BadData.
    """
    source = find_source(str(where), split)
    found = list(_columns(source))
    missing = [name for name in columns if name not in found]
    if missing:
        raise BadData(
            f"{where} has no column {', '.join(map(repr, missing))}; it has {', '.join(found)}"
        )
    rows = Rows(found, [], where=str(where))
    for row in _rows(source, [*columns, *optional] if columns else found):
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
    texts = [_lines(path) for path in source.files]
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
            yield arrow.RecordBatch.from_pydict({"text": _lines(file)})
        else:
            yield from _json(file)
    except (arrow.ArrowException, UnicodeDecodeError) as error:
        raise BadData(f"{file.name} cannot be read as {kind}: {error}") from error


def _lines(file: Path) -> list[str]:
    """Lines as editors and `wc` count them: splitlines would also part them at U+2028."""
    text = file.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    return text.removesuffix("\n").split("\n") if text else []


def _separated(file: Path, separator: str) -> Iterator["pyarrow.RecordBatch"]:
    import pyarrow as arrow
    from pyarrow import csv

    # Tables with tabs are written without quoting: a quotation mark there is only that.
    tabs = separator == "\t"
    parse = csv.ParseOptions(
        delimiter=separator, newlines_in_values=not tabs, quote_char=False if tabs else '"'
    )
    with csv.open_csv(file, parse_options=parse) as reader:
        names = reader.schema.names
    # Values that look like numbers are still what somebody wrote.
    text = csv.ConvertOptions(column_types=dict.fromkeys(names, arrow.string()))
    with csv.open_csv(file, parse_options=parse, convert_options=text) as reader:
        yield from reader


def _json(file: Path) -> Iterator["pyarrow.RecordBatch"]:
    """JSON lines, or one JSON list, or a dict that holds one list of objects."""
    rows = _json_lines(file) if _has_lines(file) else iter(_document(file))
    while batch := list(islice(rows, BATCH_ROWS)):
        yield _record_batch(batch, file)


def _record_batch(rows: list[Any], file: Path) -> "pyarrow.RecordBatch":
    import pyarrow as arrow

    if not all(isinstance(row, dict) for row in rows):
        raise BadData(f"{file.name}: each row must be a JSON object with named columns")
    # The first row need not have every column.
    names = dict.fromkeys(name for row in rows for name in row)
    return arrow.RecordBatch.from_pylist([{name: row.get(name) for name in names} for row in rows])


def _json_lines(file: Path) -> Iterator[Any]:
    with file.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except ValueError as error:
                raise BadData(f"{file.name}, line {number}: {error}") from error


def _has_lines(file: Path) -> bool:
    """Whether each line is a row; files called .json may be that, too."""
    if file.suffix.lower() in {".jsonl", ".ndjson"}:
        return True
    with file.open(encoding="utf-8-sig") as lines:
        first, more = lines.readline(), lines.readline()
    try:
        found = json.loads(first) if first.strip() else None
    except ValueError:
        return False
    holds_rows = isinstance(found, dict) and len(_lists_of_rows(found)) == 1
    return isinstance(found, dict) and (bool(more.strip()) or not holds_rows)


def _document(file: Path) -> list[Any]:
    text = file.read_text(encoding="utf-8-sig")
    try:
        content = json.loads(text) if text.strip() else []
    except ValueError as error:
        raise BadData(f"{file.name} is no JSON: {error}") from error
    if isinstance(content, list):
        return content
    lists = _lists_of_rows(content) if isinstance(content, dict) else []
    if len(lists) != 1:
        raise BadData(f"{file.name} must be a list of rows, or hold exactly one")
    return lists[0]


def _lists_of_rows(content: dict[str, Any]) -> list[list[Any]]:
    return [
        value
        for value in content.values()
        if isinstance(value, list) and value and isinstance(value[0], dict)
    ]
