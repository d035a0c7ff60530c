"""What a file consists of: its runs of chunks, whole or cut to a byte range."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from llmos.hub.models import LfsLink
from llmos.hub.xet.blocks import index_of
from llmos.hub.xet.errors import UnknownFile
from llmos.hub.xet.models import XetFile, XetTerm
from llmos.store.blobs import RangeNotSatisfiable


@dataclass(frozen=True, slots=True)
class Run:
    """Consecutive chunks of one xorb; `size` is their raw bytes."""

    xorb: str
    first: int
    end: int  # exclusive
    size: int


@dataclass(frozen=True, slots=True)
class Cut:
    """The runs that cover a byte range, and how many raw bytes of the first lie before it."""

    runs: Sequence[Run]
    offset: int


def file_in(repository_id: int, xet_hash: str) -> XetFile:
    """A file that this repository holds. Raises UnknownFile."""
    if not LfsLink.objects.filter(repository_id=repository_id, object__xet_hash=xet_hash).exists():
        raise UnknownFile
    found = XetFile.objects.filter(pk=xet_hash).first()
    if found is None:
        raise UnknownFile
    return found


def runs_of(xet_hash: str) -> list[Run]:
    """Every run of a file, in order."""
    terms = XetTerm.objects.filter(file_id=xet_hash).order_by("position")
    return [
        Run(*values)
        for values in terms.values_list("xorb_id", "first_chunk", "end_chunk", "size").iterator(
            chunk_size=2000
        )
    ]


def cut(runs: Iterable[Run], start: int, end: int) -> Cut:
    """Only the chunks that hold bytes from `start` up to `end` (not included)."""
    found: list[Run] = []
    position = offset = 0
    for run in runs if start < end else ():
        run_end = position + run.size
        if run_end > start and position < end:
            kept, before = _trimmed(run, max(start - position, 0), min(end - position, run.size))
            if not found:
                offset = start - position - before
            found.append(kept)
        position = run_end
        if position >= end:
            break
    return Cut(runs=found, offset=offset)


def _trimmed(run: Run, start: int, end: int) -> tuple[Run, int]:
    """The chunks of a run that hold its raw bytes start to end, and what lies before them."""
    if start == 0 and end == run.size:
        return run, 0
    index = index_of(run.xorb)
    base = index.raw_range(run.first, run.end)[0]
    first, last = index.chunk_at(base + start), index.chunk_at(base + end - 1)
    raw_start, raw_end = index.raw_range(first, last + 1)
    return Run(run.xorb, first, last + 1, raw_end - raw_start), raw_start - base


def wanted_range(header: str, size: int) -> tuple[int, int]:
    """The byte range of a reconstruction query, end exclusive. Raises RangeNotSatisfiable."""
    unit, _, span = header.partition("=")
    first, _, last = span.partition("-")
    if unit.strip() != "bytes" or not first.isdecimal() or (last and not last.isdecimal()):
        return 0, size
    start, end = int(first), min(int(last) + 1, size) if last else size
    if start >= size or end <= start:
        raise RangeNotSatisfiable(size)
    return start, end


def merged(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Overlapping and touching ranges joined, in order."""
    current: tuple[int, int] | None = None
    for start, end in sorted(ranges):
        if current is not None and start <= current[1]:
            current = current[0], max(current[1], end)
            continue
        if current is not None:
            yield current
        current = start, end
    if current is not None:
        yield current
