"""Raw bytes of a file out of its xorbs, a few MiB at a time.

An incompressible chunk costs about what a plain read does: headers are scattered into a
scrap buffer, payloads straight into the answer. Xorb files are opened piece by piece.
"""

import hashlib
import mmap
import os
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from llmos.hub.xet.blocks import forgetting, index_of, mapped_file, xorb_path
from llmos.hub.xet.errors import ContentDamaged
from llmos.hub.xet.queries import Run, cut
from llmos.store.blobs import PIECE
from llmos.wire.xet import xorb as format
from llmos.wire.xet.xorb import HEADER_SIZE, MalformedXorb

_MOST_CHUNKS = 400  # in one scattered read of two buffers each; the kernel takes 1,024


class _Segment(NamedTuple):
    """Chunks of one xorb within a piece, with their stored and raw lengths."""

    xorb: str
    offset: int  # of the first header in the xorb file
    lengths: list[tuple[int, int]]


def read_range(runs: Iterable[Run], start: int, end: int) -> Iterator[bytearray]:
    """The raw bytes from `start` up to `end` of the file made of these runs, in pieces.

    Raises ContentDamaged when what lies on the disk is not what was stored.
    """
    part = cut(runs, start, end)
    skip, left = part.offset, end - start
    for segments, size in _plan(part.runs):
        if left <= 0:
            return
        piece = _read(segments, size)
        if skip:
            del piece[:skip]
            skip = 0
        del piece[left:]
        left -= len(piece)
        yield piece
    if left > 0:
        raise ContentDamaged("A stored file is shorter than its list of chunks says")


def sha256_of(runs: Iterable[Run], *, passed: Callable[[int], None] = lambda size: None) -> str:
    """The SHA-256 of a file's raw bytes; `passed` hears of each run that is done.

    Hashes straight out of the mapped xorbs. Raises ContentDamaged.
    """
    digest = hashlib.sha256()
    name, mapped = "", None
    for run in runs:
        try:
            if mapped is None or run.xorb != name:
                name, mapped = run.xorb, _mapped_xorb(run.xorb)
            start, end = index_of(run.xorb).byte_range(run.first, run.end)
            _hash_chunks(mapped, start, end, digest)
        except (OSError, ValueError, MalformedXorb) as error:
            raise ContentDamaged(f"Xorb {run.xorb} cannot be read: {error}") from error
        passed(run.size)
    return digest.hexdigest()


def _mapped_xorb(name: str) -> mmap.mmap:
    with xorb_path(name).open("rb") as file:
        return mapped_file(file.fileno())


def _hash_chunks(mapped: mmap.mmap, start: int, end: int, digest: "hashlib._Hash") -> None:
    if len(mapped) < end:
        raise MalformedXorb("the file is cut short")
    view = memoryview(mapped)
    forget = forgetting(mapped)
    while start < end:
        frame = format.frame_at(view, start)
        start = frame.start + frame.stored
        digest.update(format.decode(frame, view[frame.start : start]))
        forget(start)


def _plan(runs: Iterable[Run]) -> Iterator[tuple[list[_Segment], int]]:
    """Group chunks into pieces of about PIECE raw bytes."""
    segments: list[_Segment] = []
    size = count = 0
    for run in runs:
        index = index_of(run.xorb)
        lengths: list[tuple[int, int]] = []
        start = stored_end = index.byte_range(run.first, run.end)[0]
        for stored, raw in index.lengths(run.first, run.end):
            lengths.append((stored, raw))
            stored_end += stored + HEADER_SIZE
            size += raw
            count += 1
            if size >= PIECE or count >= _MOST_CHUNKS:
                yield [*segments, _Segment(run.xorb, start, lengths)], size
                segments, lengths, start, size, count = [], [], stored_end, 0, 0
        if lengths:
            segments.append(_Segment(run.xorb, start, lengths))
    if segments:
        yield segments, size


def _read(segments: list[_Segment], size: int) -> bytearray:
    piece = bytearray(size)
    position = 0
    with memoryview(piece) as view:
        for segment in segments:
            end = position + sum(raw for _, raw in segment.lengths)
            try:
                _fill(segment, view[position:end])
            except (OSError, MalformedXorb) as error:
                raise ContentDamaged(f"Xorb {segment.xorb} cannot be read: {error}") from error
            position = end
    return piece


def _fill(segment: _Segment, out: memoryview) -> None:
    descriptor = os.open(xorb_path(segment.xorb), os.O_RDONLY | os.O_CLOEXEC)
    try:
        if all(stored == raw for stored, raw in segment.lengths):
            headers = _scatter(descriptor, segment, out)
            if all(headers[i] == format.RAW for i in range(4, len(headers), HEADER_SIZE)):
                return
        _decode(descriptor, segment, out)
    finally:
        os.close(descriptor)


def _scatter(descriptor: int, segment: _Segment, out: memoryview) -> bytearray:
    """Read payloads that seem uncompressed into place; their headers tell whether they are."""
    headers = bytearray(HEADER_SIZE * len(segment.lengths))
    buffers: list[memoryview] = []
    position = 0
    with memoryview(headers) as view:
        for number, (_, raw) in enumerate(segment.lengths):
            buffers.append(view[number * HEADER_SIZE : (number + 1) * HEADER_SIZE])
            buffers.append(out[position : position + raw])
            position += raw
        count = os.preadv(descriptor, buffers, segment.offset)
        buffers.clear()
    if count != position + len(headers):
        raise MalformedXorb("the file is cut short")
    return headers


def _decode(descriptor: int, segment: _Segment, out: memoryview) -> None:
    total = sum(stored + HEADER_SIZE for stored, _ in segment.lengths)
    stored_bytes = os.pread(descriptor, total, segment.offset)
    if len(stored_bytes) != total:
        raise MalformedXorb("the file is cut short")
    source, position, written = memoryview(stored_bytes), 0, 0
    for stored, raw in segment.lengths:
        frame = format.frame_at(source, position)
        if (frame.stored, frame.raw) != (stored, raw):
            raise MalformedXorb("a chunk header is not the one that was stored")
        position = frame.start + stored
        out[written : written + raw] = format.decode(frame, source[frame.start : position])
        written += raw
