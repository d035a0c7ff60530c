"""The first rows of each split of a data set, read from what the hub has stored.

The folder of a commit is laid out with names and no contents, so that the laboratory's own rules
find the splits; then only the beginning of one file of each split is read. Nothing is fetched,
nothing larger than `HEAD_BYTES` is copied, except one JSON document.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from django.core.cache import cache
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from llmos.hub.git.tree import Entry
from llmos.hub.models import Repository
from llmos.hub.snapshots import files_of, open_entry
from llmos.lab.errors import BadData
from llmos.lab.reading import open_data
from llmos.lab.sources import SUFFIXES, Source, find_source, splits_of
from llmos.lab.training.estimates import tokens_in

ROWS = 5
MEASURED = 500  # rows from whose lengths the tokens are guessed
HEAD_BYTES = 256 * 2**10
DOCUMENT_BYTES = 16 * 2**20  # a JSON document has no beginning that could be read alone
LARGEST_ROW_GROUP = 512 * 2**20  # of a parquet file, unpacked
MOST_FILES = 2000
LONGEST_CELL = 240  # letters shown of a value
KEPT_SECONDS = 600
CARD = "README.md"


@dataclass(frozen=True, slots=True)
class Split:
    """One split: its columns, its first rows as shown, or why they cannot be shown."""

    name: str
    columns: list[str] = field(default_factory=list)
    rows: list[dict[str, str]] = field(default_factory=list)
    files: int = 0
    size: int = 0  # bytes of all its files
    about: int = 0  # rows in all; 0 where nobody knows
    counted: bool = False  # whether `about` is a count and no estimate
    tokens: dict[str, float] = field(default_factory=dict)  # of a column's values, on average
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    splits: list[Split]
    problem: str = ""

    @property
    def columns(self) -> list[str]:
        """Of the split that is learned from, else of the first that has any."""
        train = next((split for split in self.splits if split.name == "train"), None)
        readable = [split for split in (train, *self.splits) if split and split.columns]
        return readable[0].columns if readable else []

    @property
    def rows(self) -> list[dict[str, str]]:
        return next((split.rows for split in self.splits if split.columns == self.columns), [])

    def split(self, name: str) -> Split | None:
        return next((split for split in self.splits if split.name == name), None)


def preview_of(repository: Repository, commit: str) -> Preview:
    """Read once and kept: a commit does not change."""
    # What it says of problems is in the reader's language.
    key = f"preview-{repository.pk}-{commit}-{get_language()}"
    found: Preview | None = cache.get(key)
    if found is None:
        found = _read(repository, commit)
        cache.set(key, found, KEPT_SECONDS)
    return found


def _read(repository: Repository, commit: str) -> Preview:
    with TemporaryDirectory(prefix="llmos-preview-") as place:
        folder = Path(place) / repository.name
        folder.mkdir()
        entries = _lay_out(repository, commit, folder)
        splits = [_split(repository.pk, folder, entries, name) for name in splits_of(folder)]
    if not splits:
        return Preview([], _("There are no files here that hold rows: %(kinds)s") % _KINDS)
    return Preview(splits)


_KINDS = {"kinds": ", ".join(sorted(SUFFIXES))}


def _lay_out(repository: Repository, commit: str, folder: Path) -> dict[str, Entry]:
    """Empty files under the names that the commit has; only the card with its words."""
    entries: dict[str, Entry] = {}
    for entry in files_of(repository.pk, commit):
        path = folder / entry.path
        if len(entries) >= MOST_FILES or not _may_hold_rows(entry.path):
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        entries[entry.path] = entry
    if CARD in entries:
        with open_entry(repository.pk, entries[CARD]) as file:
            (folder / CARD).write_bytes(file.read(2**20))
    return entries


def _may_hold_rows(path: str) -> bool:
    parts = path.split("/")
    if any(part in {"", ".", ".."} or len(part.encode()) > 250 for part in parts):
        return False
    suffix = Path(path).suffix.lower()
    # Parallel texts end in the code of their language: train.en beside train.de.
    return path == CARD or suffix in SUFFIXES or (len(parts) == 1 and len(suffix) in {3, 4})


def _split(repository_id: int, folder: Path, entries: Mapping[str, Entry], name: str) -> Split:
    try:
        source = find_source(str(folder), name)
        chosen = [entries[path.relative_to(folder).as_posix()] for path in source.files]
        return _beginning(repository_id, folder, source, chosen, name)
    except (BadData, OSError, ValueError) as error:
        said = error.message if isinstance(error, BadData) else str(error)
        return Split(name, problem=said.replace(f"{folder}/", "").replace(str(folder), folder.name))


def _beginning(
    repository_id: int, folder: Path, source: Source, entries: list[Entry], name: str
) -> Split:
    size = sum(entry.size for entry in entries)
    first = entries[0]
    if source.files[0].suffix.lower() == ".parquet":
        with open_entry(repository_id, first) as stream:
            columns, rows, count = _parquet(stream)
        about, counted = count * len(entries), len(entries) == 1
    else:
        read = entries if source.columns else entries[:1]
        wholes = [
            _copy_head(repository_id, entry, path)
            for entry, path in zip(read, source.files, strict=False)
        ]
        if source.columns and not all(wholes):
            _even_out(source.files)
        where, split = (folder, name) if source.columns else (source.files[0], name)
        found = open_data(where, split=split)
        columns, rows, counted = (
            found.columns,
            found.rows,
            all(wholes) and len(entries) == len(read),
        )
        head = sum(path.stat().st_size for path in source.files[: len(read)])
        about = len(rows) if counted else int(len(rows) * size / max(1, head))
    tokens = {key: _mean_tokens(rows, key) for key in columns}
    shown = [{key: _shown(row.get(key)) for key in columns} for row in rows[:ROWS]]
    return Split(name, columns, shown, len(entries), size, about, counted, tokens)


def _parquet(stream: IO[bytes]) -> tuple[list[str], list[dict[str, Any]], int]:
    """Columns, first rows and the count of rows. Raises BadData."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError as error:
        raise BadData("Reading data needs pyarrow: pip install 'llmos[train]'") from error
    try:
        file = parquet.ParquetFile(stream, buffer_size=2**16, pre_buffer=False)
        columns, count = list(file.schema_arrow.names), file.metadata.num_rows
        if not count or file.metadata.row_group(0).total_byte_size > LARGEST_ROW_GROUP:
            return columns, [], count
        batch = next(file.iter_batches(100, row_groups=[0]), None)
        return columns, batch.to_pylist() if batch is not None else [], count
    except (arrow.ArrowException, OSError) as error:
        raise BadData(_("This is no readable parquet file: %(why)s") % {"why": error}) from error


def _copy_head(repository_id: int, entry: Entry, path: Path) -> bool:
    """Copy a file's beginning, up to the end of a row; whether that is all of it."""
    is_document = path.suffix.lower() == ".json"
    most = DOCUMENT_BYTES if is_document else HEAD_BYTES
    with open_entry(repository_id, entry) as stream:
        content = stream.read(most + 1)
    whole = len(content) <= most
    if not whole:
        content = b"" if is_document else content[: _last_row_end(content[:most], path)]
    if not content and not whole:
        raise BadData(
            _("%(file)s is too large to be shown here; it can still be learned from")
            % {"file": entry.path}
        )
    path.write_bytes(content)
    return whole


def _last_row_end(content: bytes, path: Path) -> int:
    end = content.rfind(b"\n")
    if path.suffix.lower() == ".csv":
        # A line break inside quotation marks ends no row; outside, the marks before it are even.
        while end > 0 and content.count(b'"', 0, end) % 2:
            end = content.rfind(b"\n", 0, end)
    return end + 1


def _even_out(files: list[Path]) -> None:
    """Cut parallel texts to the lines that all of them have."""
    lines = [path.read_bytes().removesuffix(b"\n").split(b"\n") for path in files]
    fewest = min(map(len, lines))
    for path, texts in zip(files, lines, strict=True):
        path.write_bytes(b"\n".join(texts[:fewest]))


def _mean_tokens(rows: list[dict[str, Any]], column: str) -> float:
    read = [tokens_in(_written(row.get(column))) for row in rows[:MEASURED]]
    return sum(read) / len(read) if read else 0.0


def _written(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _shown(value: Any) -> str:
    if isinstance(value, bytes):
        return _("%(n)d bytes") % {"n": len(value)}
    text = _written(value)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"
