"""Shards as a client uploads them."""

import hashlib
import struct
from collections.abc import Iterator

from llmos.wire.xet import hashing, shard

END = b"\xff" * 32 + bytes(16)
HEADER = shard.print_answer([], key=bytes(32), created=0, expires=0)[:40] + bytes(8)


def uploaded(
    content: bytes,
    sha256: str | None = None,
    *,
    chunks: list[bytes] | None = None,
    blocks: list[list[bytes]] | None = None,
    file: bytes | None = None,
    xorb: bytes | None = None,
    proof: bytes | None = None,
    end_chunk: int | None = None,
    raw_size: int | None = None,
    proven: bool = True,
) -> bytes:
    """A shard of one file in one new xorb, or in several; each named part may be forged."""
    parts = chunks or [content]
    nodes = _nodes(parts)
    root = xorb or hashing.merkle_root(nodes)
    size = len(content) if raw_size is None else raw_size
    flags = (1 << 31 if proven else 0) | 1 << 30
    claimed = sha256 or hashlib.sha256(content).hexdigest()
    record = struct.Struct("<32s4I").pack
    count = len(blocks) if blocks else 1
    out = HEADER + record(file or hashing.file_hash(nodes), flags, count, 0, 0)
    if blocks:
        out += b"".join(_terms(blocks)) + b"".join(_proofs(blocks))
    else:
        out += record(root, 0, size, 0, len(parts) if end_chunk is None else end_chunk)
        if proven:
            out += (proof or hashing.range_hash(h for h, _ in nodes)) + bytes(16)
    out += hashing.from_text(claimed) + bytes(16) + END
    for block in blocks or [parts]:
        out += _xorb(block)
    return out + END


def _nodes(block: list[bytes]) -> list[tuple[bytes, int]]:
    return [(hashing.chunk_hash(part), len(part)) for part in block]


def _terms(blocks: list[list[bytes]]) -> Iterator[bytes]:
    for block in blocks:
        size = sum(map(len, block))
        yield struct.pack("<32s4I", hashing.merkle_root(_nodes(block)), 0, size, 0, len(block))


def _proofs(blocks: list[list[bytes]]) -> Iterator[bytes]:
    for block in blocks:
        yield hashing.range_hash(h for h, _ in _nodes(block)) + bytes(16)


def _xorb(block: list[bytes]) -> bytes:
    nodes = _nodes(block)
    record = struct.Struct("<32s4I").pack
    out = record(hashing.merkle_root(nodes), 0, len(nodes), sum(map(len, block)), 0)
    start = 0
    for hashed, length in nodes:
        out += record(hashed, start, length, 0, 0)
        start += length
    return out
