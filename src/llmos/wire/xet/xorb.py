"""Xorbs: up to 64 MiB of chunks back to back, each behind an eight-byte header.

Header, little-endian: u8 version 0, u24 stored length, u8 scheme, u24 raw length. Older
clients append a footer that starts with ASCII `XETBLOB`; it is ignored, everything it
says is recomputed. Spec: https://huggingface.co/docs/xet (xorb format).
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import lz4.frame

from llmos.kit.errors import Invalid
from llmos.wire.xet.hashing import Buffer, chunk_hash, from_text, merkle_root, to_text

HEADER_SIZE = 8
LARGEST_CHUNK = 128 * 2**10  # raw bytes
MOST_CHUNKS = 8192
# 64 MiB of raw bytes, and what the headers and an old client's footer add to them.
LARGEST_XORB = 65 * 2**20

RAW, LZ4, BG4_LZ4 = 0, 1, 2

_HEADER = struct.Struct("<II")
_RECORD = struct.Struct("<32sII")
_FOOTER = b"XETBLOB"


class MalformedXorb(Invalid):
    """Not a block of chunks, cut short, or its hash is not the one it was sent under."""


class Frame(NamedTuple):
    """Where one chunk lies: its payload's first byte, stored length, scheme, raw length."""

    start: int
    stored: int
    scheme: int
    raw: int


def frames_in(buffer: Buffer) -> Iterator[Frame]:
    """Walk the chunk headers. Raises MalformedXorb at the first that cannot be right."""
    view = memoryview(buffer)
    position, size, count = 0, len(view), 0
    while position < size:
        if view[position] != 0 and bytes(view[position : position + 7]) == _FOOTER:
            return
        frame = frame_at(view, position)
        position = frame.start + frame.stored
        count += 1
        if position > size:
            raise MalformedXorb(f"Chunk {count - 1} is cut short")
        if count > MOST_CHUNKS:
            raise MalformedXorb(f"A xorb holds at most {MOST_CHUNKS} chunks")
        yield frame


def frame_at(buffer: Buffer, position: int) -> Frame:
    """The chunk whose header starts at `position`. Raises MalformedXorb."""
    try:
        low, high = _HEADER.unpack_from(buffer, position)
    except struct.error:
        raise MalformedXorb("A chunk has no whole header") from None
    stored, scheme, raw = low >> 8, high & 0xFF, high >> 8
    if low & 0xFF or scheme > BG4_LZ4:
        raise MalformedXorb("A chunk has an unknown version or compression scheme")
    if not 0 < raw <= LARGEST_CHUNK or not stored:
        raise MalformedXorb(f"A chunk of {raw} bytes is not allowed")
    if scheme == RAW and raw != stored:
        raise MalformedXorb("An uncompressed chunk has two lengths")
    return Frame(position + HEADER_SIZE, stored, scheme, raw)


def decode(frame: Frame, payload: Buffer) -> Buffer:
    """A chunk's raw bytes; the payload itself where it is not compressed.

    The decoder's output is capped, so a bomb costs no more than a chunk. Raises MalformedXorb.
    """
    if frame.scheme == RAW:
        return payload
    decoder = lz4.frame.LZ4FrameDecompressor()
    try:
        raw: bytes = decoder.decompress(payload, max_length=frame.raw + 1)
    except RuntimeError as error:
        raise MalformedXorb(f"A chunk does not decompress: {error}") from error
    if len(raw) != frame.raw or not decoder.eof or decoder.unused_data:
        raise MalformedXorb("A chunk decompresses to another length than it says")
    return ungroup(raw) if frame.scheme == BG4_LZ4 else raw


def ungroup(grouped: bytes) -> bytearray:
    """Undo BG4: every fourth byte lies together, first those at 0, 4, 8, then at 1, 5, 9."""
    raw = bytearray(len(grouped))
    start = 0
    for offset in range(min(4, len(grouped))):
        length = (len(grouped) - offset + 3) // 4
        raw[offset::4] = grouped[start : start + length]
        start += length
    return raw


@dataclass(frozen=True, slots=True)
class Index:
    """The chunk list of a verified xorb: packed records of hash, end in the file, raw end."""

    records: bytes

    @property
    def count(self) -> int:
        return len(self.records) // _RECORD.size

    @property
    def stored_size(self) -> int:
        return self._ends(self.count)[0]

    @property
    def raw_size(self) -> int:
        return self._ends(self.count)[1]

    def chunks(self, first: int, end: int) -> list[tuple[bytes, int]]:
        """(hash, raw length) of the chunks from `first` up to `end`."""
        found = []
        before = self._ends(first)[1]
        for chunk, _, raw_end in _RECORD.iter_unpack(
            self.records[first * _RECORD.size : end * _RECORD.size]
        ):
            found.append((chunk, raw_end - before))
            before = raw_end
        return found

    def lengths(self, first: int, end: int) -> Iterator[tuple[int, int]]:
        """(stored length without the header, raw length) of the chunks from `first` up to `end`."""
        stored_before, raw_before = self._ends(first)
        for _, stored_end, raw_end in _RECORD.iter_unpack(
            self.records[first * _RECORD.size : end * _RECORD.size]
        ):
            yield stored_end - stored_before - HEADER_SIZE, raw_end - raw_before
            stored_before, raw_before = stored_end, raw_end

    def byte_range(self, first: int, end: int) -> tuple[int, int]:
        """Where these chunks lie in the file, headers included; the end is exclusive."""
        return self._ends(first)[0], self._ends(end)[0]

    def raw_range(self, first: int, end: int) -> tuple[int, int]:
        return self._ends(first)[1], self._ends(end)[1]

    def chunk_at(self, raw_offset: int) -> int:
        """The chunk that holds this raw byte of the xorb."""
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            if self._ends(middle + 1)[1] > raw_offset:
                high = middle
            else:
                low = middle + 1
        return low

    def _ends(self, chunks: int) -> tuple[int, int]:
        if chunks == 0:
            return 0, 0
        _, stored, raw = _RECORD.unpack_from(self.records, (chunks - 1) * _RECORD.size)
        return stored, raw


def verify(
    buffer: Buffer, claimed: str, *, passed: Callable[[int], None] = lambda end: None
) -> Index:
    """Recompute every hash of a serialized xorb; `passed` hears how far the reading has come.

    Raises MalformedXorb, MalformedHash.
    """
    expected = from_text(claimed)
    view = memoryview(buffer)
    records = bytearray()
    chunks: list[tuple[bytes, int]] = []
    raw_end = 0
    for frame in frames_in(view):
        stored_end = frame.start + frame.stored
        hashed = chunk_hash(decode(frame, view[frame.start : stored_end]))
        raw_end += frame.raw
        records += _RECORD.pack(hashed, stored_end, raw_end)
        chunks.append((hashed, frame.raw))
        passed(stored_end)
    if not chunks:
        raise MalformedXorb("A xorb holds at least one chunk")
    root = merkle_root(chunks)
    if root != expected:
        raise MalformedXorb(f"The xorb sent as {claimed} has the hash {to_text(root)}")
    return Index(bytes(records))
