"""Shards: which files consist of which chunk ranges, and which chunks a xorb holds.

Clients upload one after their xorbs; the hub writes one to answer a deduplication query.
Everything is a 48-byte record, little-endian. Nothing a shard says is believed here or
elsewhere without the stored chunks. Spec: https://huggingface.co/docs/xet (shard format).
"""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from llmos.kit.errors import Invalid
from llmos.wire.xet.hashing import Buffer, keyed_hash

LARGEST_SHARD = 64 * 2**20

_TAG = b"HFRepoMetaData\0" + bytes.fromhex("556967456a7b815783a5bdd95ccdd14aa9")
_VERSION = 2
_FOOTER_VERSION = 1
_HEADER = struct.Struct("<32sQQ")
_RECORD = struct.Struct("<32s4I")
_FOOTER = struct.Struct("<9Q32s2Q48x4Q")
_END = b"\xff" * 32 + bytes(16)
_SIZE = _RECORD.size
_WITH_PROOF = 1 << 31
_WITH_SHA256 = 1 << 30


class MalformedShard(Invalid):
    """Cut short, of another version, or not a shard."""


class Term(NamedTuple):
    """A run of chunks of one xorb; `proof` is the uploader's range hash, None when absent."""

    xorb: bytes
    raw_size: int
    first_chunk: int
    end_chunk: int
    proof: bytes | None


@dataclass(frozen=True, slots=True)
class FileEntry:
    hash: bytes
    sha256: bytes | None  # stored like every Xet hash: `to_text` gives the usual hex
    _terms: memoryview
    _proofs: memoryview | None

    @property
    def term_count(self) -> int:
        return len(self._terms) // _SIZE

    def terms(self) -> Iterator[Term]:
        for number, (xorb, _, size, first, end) in enumerate(_RECORD.iter_unpack(self._terms)):
            proof = None
            if self._proofs is not None:
                proof = bytes(self._proofs[number * _SIZE : number * _SIZE + 32])
            yield Term(xorb, size, first, end, proof)


@dataclass(frozen=True, slots=True)
class XorbEntry:
    hash: bytes
    raw_size: int
    stored_size: int
    _chunks: memoryview

    def chunks(self) -> Iterator[tuple[bytes, int]]:
        """(hash, raw length) in order."""
        for hashed, _, size, _, _ in _RECORD.iter_unpack(self._chunks):
            yield hashed, size


@dataclass(frozen=True, slots=True)
class Shard:
    files: Sequence[FileEntry]
    xorbs: Sequence[XorbEntry]


def parse(buffer: Buffer) -> Shard:
    """Read a shard without copying its lists; keep the buffer open. Raises MalformedShard."""
    view = memoryview(buffer)
    if len(view) < _HEADER.size:
        raise MalformedShard("A shard starts with a 48-byte header")
    tag, version, _ = _HEADER.unpack_from(view)
    if tag != _TAG or version != _VERSION:
        raise MalformedShard(f"Not a shard of version {_VERSION}")
    reader = _Reader(view, _HEADER.size)
    files: list[FileEntry] = []
    while (file := _file_entry(reader)) is not None:
        files.append(file)
    xorbs: list[XorbEntry] = []
    while (xorb := _xorb_entry(reader)) is not None:
        xorbs.append(xorb)
    return Shard(files=files, xorbs=xorbs)


class _Reader:
    def __init__(self, view: memoryview, position: int) -> None:
        self._view = view
        self.position = position

    def take(self, records: int) -> memoryview:
        end = self.position + records * _SIZE
        if end > len(self._view):
            raise MalformedShard("The shard is cut short")
        found = self._view[self.position : end]
        self.position = end
        return found


def _file_entry(reader: _Reader) -> FileEntry | None:
    record = reader.take(1)
    if record == _END:
        return None
    hashed, flags, count, _, _ = _RECORD.unpack(record)
    terms = reader.take(count)
    proofs = reader.take(count) if flags & _WITH_PROOF else None
    sha256 = bytes(reader.take(1)[:32]) if flags & _WITH_SHA256 else None
    return FileEntry(hash=hashed, sha256=sha256, _terms=terms, _proofs=proofs)


def _xorb_entry(reader: _Reader) -> XorbEntry | None:
    record = reader.take(1)
    if record == _END:
        return None
    hashed, _, count, raw_size, stored_size = _RECORD.unpack(record)
    return XorbEntry(
        hash=hashed, raw_size=raw_size, stored_size=stored_size, _chunks=reader.take(count)
    )


class Offer(NamedTuple):
    """A xorb that a deduplication answer tells of, with (hash, raw length) of its chunks."""

    xorb: bytes
    stored_size: int
    chunks: Sequence[tuple[bytes, int]]


def print_answer(offers: Iterable[Offer], *, key: bytes, created: int, expires: int) -> bytes:
    """A shard that tells a client which xorbs it may refer to; chunk hashes go out keyed.

    `created` and `expires` are Unix seconds: how long the client may keep the answer.
    """
    body = bytearray(_HEADER.pack(_TAG, _VERSION, _FOOTER.size))
    body += _END
    xorbs_start = len(body)
    stored = materialized = 0
    for offer in offers:
        raw_size = sum(size for _, size in offer.chunks)
        body += _RECORD.pack(offer.xorb, 0, len(offer.chunks), raw_size, offer.stored_size)
        start = 0
        for chunk, size in offer.chunks:
            body += _RECORD.pack(keyed_hash(key, chunk), start, size, 0, 0)
            start += size
        stored += offer.stored_size
        materialized += raw_size
    body += _END
    footer_start = len(body)
    body += _FOOTER.pack(
        _FOOTER_VERSION, _HEADER.size, xorbs_start,
        footer_start, 0, footer_start, 0, footer_start, 0,
        key, created, expires, stored, materialized, stored, footer_start,
    )  # fmt: skip
    return bytes(body)
