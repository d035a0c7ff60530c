"""Rows for learning and measuring, from files, folders and data set repositories.

JSONL, JSON, CSV, TSV, text and parquet; a text file with tabs in its lines, as pairs of sentences
are often published, is a table without a header, its columns `column1`, `column2`. What holds
rows of several splits is found by `sources.py`. Rows come as dicts of the wanted columns, in the
order of the files.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from llmos.kit.speaking import spoken as _
from llmos.lab.errors import BadData
from llmos.lab.sources import Source, find_source

# Longer values are data by accident; a sentence has some hundred letters.
LONGEST_TEXT = 100_000
BATCH_ROWS = 10_000
# A table's reader takes lines up to this long; they are left out then, instead of all failing.
LONGEST_LINE_BYTES = 32 << 20
# A paragraph ends at an empty line, or where it has grown this long.
PARAGRAPH_LETTERS = 2_000
_TABLES = {"csv": ",", "tsv": "\t"}
_TEXTS = {"txt", "text", "md"}
# So many lines must all have as many tabs for a text file to be a table.
_TELLING_LINES = 100

Row = dict[str, Any]


@dataclass(slots=True)
class Rows:
    """Rows in memory; `skipped` says why others were left out, and how many."""

    columns: list[str]
    rows: list[Row]
    skipped: dict[str, int] = field(default_factory=dict)
    where: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)


def open_data(
    where: str | Path,
    *,
    split: str = "train",
    columns: Sequence[str] = (),
    optional: Sequence[str] = (),
    limit: int | None = None,
    paragraphs: bool = False,
) -> Rows:
    """Read a split of a file, a folder or a repository `ns/name[@revision]`.

    `columns` must all be there, and rows where one of them is empty, monstrous or no text are
    left out and counted; `optional` ones are read where they are. A text file's rows are its
    lines, or its `paragraphs`. Raises BadData.
    """
    source = find_source(str(where), split)
    found = list(source.columns) or _names(source.files[0])
    missing = [name for name in columns if name not in found]
    if missing:
        raise BadData(
            _("%(data)s has no column %(missing)s; it has %(columns)s")
            % {
                "data": where,
                "missing": ", ".join(map(repr, missing)),
                "columns": ", ".join(found),
            }
        )
    wanted = [*columns, *(name for name in optional if name in found)] if columns else found
    rows = Rows(found, [], where=str(where))
    for row in _rows(source, wanted, paragraphs=paragraphs):
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


def _problem(row: Row, columns: Sequence[str]) -> str:
    for name in columns:
        value = row.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return f"with an empty {name!r}"
        if isinstance(value, str) and len(value) > LONGEST_TEXT:
            return f"with more than {LONGEST_TEXT} letters in {name!r}"
        # A list of objects may be a conversation; a list of texts is none, and no text either.
        is_conversation = isinstance(value, list) and all(isinstance(one, dict) for one in value)
        if isinstance(value, list | dict) and not is_conversation:
            return f"with a list instead of text in {name!r}"
    return ""


def _names(file: Path) -> list[str]:
    """The columns of a file. Raises BadData when it is empty or cannot be read."""
    kind = _kind(file)
    with _Readable(file, kind):
        if kind == "parquet":
            from pyarrow import parquet

            return list(parquet.ParquetFile(file).schema_arrow.names)
        if kind in _TABLES:
            return _header(file, kind)
        if kind in _TEXTS:
            return (_unnamed(file) or ["text"]) if file.stat().st_size else _empty(file)
        # The first row need not have every column.
        first = islice(_objects(file), BATCH_ROWS)
        return list(dict.fromkeys(name for row in first for name in row)) or _empty(file)


def _rows(source: Source, columns: Sequence[str], *, paragraphs: bool) -> Iterator[Row]:
    if source.columns:
        yield from _aligned(source)
        return
    for file in source.files:
        kind = _kind(file)
        with _Readable(file, kind):
            if kind == "parquet":
                yield from _parquet(file, columns)
            elif kind in _TABLES:
                yield from _table(file, kind, columns)
            elif kind in _TEXTS and (unnamed := _unnamed(file)):
                yield from _tabbed(file, unnamed)
            elif kind in _TEXTS:
                texts = _paragraphs(_lines(file)) if paragraphs else _lines(file)
                yield from ({"text": text} for text in texts)
            else:
                for row in _objects(file):
                    yield {name: row.get(name) for name in columns}


def _aligned(source: Source) -> Iterator[Row]:
    """Line n of each file is one row, as parallel texts are published."""
    texts = []
    for path in source.files:
        with _Readable(path, "text"):
            texts.append(_lines(path))
    if len({len(lines) for lines in texts}) > 1:
        counts = ", ".join(
            f"{path.name}: {len(lines)}" for path, lines in zip(source.files, texts, strict=True)
        )
        raise BadData(
            _("Parallel files must have as many lines each (%(counts)s)") % {"counts": counts}
        )
    for values in zip(*texts, strict=True):
        yield dict(zip(source.columns, values, strict=True))


class _Readable:
    """Turns what libraries raise about a file into words for whoever wrote it."""

    def __init__(self, file: Path, kind: str) -> None:
        self.file, self.kind = file, kind

    def __enter__(self) -> None:
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise BadData("Reading data needs pyarrow: pip install 'llmos[train]'") from error

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        from pyarrow import ArrowException

        if isinstance(error, MemoryError):
            return
        if isinstance(error, UnicodeDecodeError) or "invalid UTF8" in str(error):
            raise BadData(
                _("%(file)s is not UTF-8 text: save it in that encoding") % {"file": self.file.name}
            )
        if isinstance(error, ArrowException):
            raise BadData(
                _("%(file)s cannot be read as %(kind)s: %(why)s")
                % {"file": self.file.name, "kind": self.kind, "why": error}
            ) from error


def _kind(file: Path) -> str:
    return file.suffix.lower().removeprefix(".")


def _empty(file: Path) -> list[str]:
    raise BadData(_("%(file)s is empty") % {"file": file.name})


def _lines(file: Path) -> list[str]:
    """Lines as editors and `wc` count them: splitlines would also part them at U+2028."""
    text = file.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
    return text.removesuffix("\n").split("\n") if text else []


def _unnamed(file: Path) -> list[str]:
    """Names for the columns of a text file that is a table by its tabs; [] where it is none."""
    with file.open(encoding="utf-8-sig") as lines:
        first = [line for line in islice(lines, _TELLING_LINES) if line.strip()]
    tabs = {line.rstrip("\n").count("\t") for line in first}
    if len(tabs) != 1 or 0 in tabs:
        return []
    return [f"column{number}" for number in range(1, tabs.pop() + 2)]


def _tabbed(file: Path, names: Sequence[str]) -> Iterator[Row]:
    for number, line in enumerate(_lines(file), 1):
        values = line.split("\t")
        if not line.strip():
            continue
        if len(values) != len(names):
            raise BadData(
                _("%(file)s, line %(line)d: %(n)d columns, but %(above)d above it")
                % {"file": file.name, "line": number, "n": len(values), "above": len(names)}
            )
        yield dict(zip(names, values, strict=True))


def _paragraphs(lines: Sequence[str]) -> Iterator[str]:
    current: list[str] = []
    for line in [*lines, ""]:
        if current and (not line.strip() or sum(map(len, current)) > PARAGRAPH_LETTERS):
            yield "\n".join(current)
            current = []
        if line.strip():
            current.append(line)
    if current:
        yield "\n".join(current)


def _parquet(file: Path, columns: Sequence[str]) -> Iterator[Row]:
    from pyarrow import parquet

    reader = parquet.ParquetFile(file)
    there = [name for name in columns if name in reader.schema_arrow.names]
    for batch in reader.iter_batches(BATCH_ROWS, columns=there):
        yield from batch.to_pylist()


def _header(file: Path, kind: str) -> list[str]:
    from pyarrow import csv

    if not file.stat().st_size:
        _empty(file)
    options = csv.ReadOptions(block_size=LONGEST_LINE_BYTES)
    with csv.open_csv(file, read_options=options, parse_options=_parsing(kind)) as reader:
        return list(reader.schema.names)


def _table(file: Path, kind: str, columns: Sequence[str]) -> Iterator[Row]:
    import pyarrow as arrow
    from pyarrow import csv

    names = _header(file, kind)
    # Values that look like numbers are still what somebody wrote.
    options = csv.ConvertOptions(
        column_types=dict.fromkeys(names, arrow.string()),
        include_columns=[name for name in columns if name in names],
    )
    with csv.open_csv(
        file,
        read_options=csv.ReadOptions(block_size=LONGEST_LINE_BYTES),
        parse_options=_parsing(kind),
        convert_options=options,
    ) as reader:
        for batch in reader:
            yield from batch.to_pylist()


def _parsing(kind: str) -> Any:
    from pyarrow import csv

    # Tables with tabs are written without quoting: a quotation mark there is only that.
    tabs = kind == "tsv"
    return csv.ParseOptions(
        delimiter=_TABLES[kind], newlines_in_values=not tabs, quote_char=False if tabs else '"'
    )


def _objects(file: Path) -> Iterator[Row]:
    """The rows of JSON lines, of one JSON list, or of a dict that holds one list of objects."""
    for row in _json_lines(file) if _has_lines(file) else _document(file):
        if not isinstance(row, dict):
            raise BadData(
                _("%(file)s: each row must be a JSON object with named columns")
                % {"file": file.name}
            )
        yield row


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
    if _kind(file) in {"jsonl", "ndjson"}:
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
        raise BadData(
            _("%(file)s is no JSON: %(why)s") % {"file": file.name, "why": error}
        ) from error
    if isinstance(content, list):
        return content
    lists = _lists_of_rows(content) if isinstance(content, dict) else []
    if len(lists) != 1:
        raise BadData(
            _("%(file)s must be a list of rows, or hold exactly one") % {"file": file.name}
        )
    return lists[0]


def _lists_of_rows(content: Row) -> list[list[Any]]:
    return [
        value
        for value in content.values()
        if isinstance(value, list) and value and isinstance(value[0], dict)
    ]
