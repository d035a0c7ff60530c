"""Xet hashes: of a chunk, of a block, of a file, and how one is written.

A hash is 32 bytes. Its text form prints each eight-byte group as a little-endian number,
so it is not the bytes' plain hex.
Spec: https://huggingface.co/docs/xet (hashing); the grouping rule of the tree is only in
the reference client.
"""

import mmap
import re
from collections.abc import Iterable, Sequence

from blake3 import blake3

from llmos.kit.errors import Invalid

_CHUNK_KEY = bytes.fromhex("6697f5775b9550de3135cbaca597181c9de421109beb2b58b4d0b04b93adf229")
_NODE_KEY = bytes.fromhex("017ec5c7a5472996fd946666b48a02e65ddd536f37c76dd2f86352e64a53713f")
_RANGE_KEY = bytes.fromhex("7f1857d6ce56ed66127ff913e7a5c3f3a4cd26d5b5db49e64124987f28fb94c3")
NO_KEY = bytes(32)
EMPTY_FILE = "0" * 64

_TEXT = re.compile(r"[0-9a-f]{64}")
_LONGEST_GROUP = 9
_MEAN_GROUP = 4
_OFFER_ONE_IN = 1024

Buffer = bytes | bytearray | memoryview | mmap.mmap


class MalformedHash(Invalid):
    """Not 64 lower-case hex digits."""


def to_text(raw: bytes) -> str:
    # Three times cheaper than printing four numbers, and the tree prints every hash once.
    reverse = raw[::-1].hex()
    return reverse[48:] + reverse[32:48] + reverse[16:32] + reverse[:16]


def from_text(text: str) -> bytes:
    """Raises MalformedHash."""
    if not _TEXT.fullmatch(text):
        raise MalformedHash(f"Not a Xet hash: {text[:80]!r}")
    return bytes.fromhex(text[48:] + text[32:48] + text[16:32] + text[:16])[::-1]


def chunk_hash(raw: Buffer) -> bytes:
    return blake3(raw, key=_CHUNK_KEY).digest()


def range_hash(chunk_hashes: Iterable[bytes]) -> bytes:
    """What an uploader shows to prove that it knows every chunk of a term."""
    return blake3(b"".join(chunk_hashes), key=_RANGE_KEY).digest()


def keyed_hash(key: bytes, chunk: bytes) -> bytes:
    """A chunk hash as a deduplication answer shows it; an all-zero key leaves it plain."""
    return chunk if key == NO_KEY else blake3(chunk, key=key).digest()


def merkle_root(nodes: Sequence[tuple[bytes, int]]) -> bytes:
    """The hash of a list of (hash, size): a block's, over its chunks."""
    while len(nodes) > 1:
        nodes = [_parent(group) for group in _groups(nodes)]
    return nodes[0][0] if nodes else bytes(32)


def file_hash(chunks: Sequence[tuple[bytes, int]]) -> bytes:
    """The hash of a whole file, over (hash, size) of its chunks in order."""
    return blake3(merkle_root(chunks), key=NO_KEY).digest() if chunks else bytes(32)


def is_offered(chunk: bytes) -> bool:
    """Whether this chunk answers global deduplication queries (one in 1,024 does)."""
    return int.from_bytes(chunk[24:], "little") % _OFFER_ONE_IN == 0


def _groups(nodes: Sequence[tuple[bytes, int]]) -> Iterable[Sequence[tuple[bytes, int]]]:
    start, count = 0, len(nodes)
    while start < count:
        end = _group_end(nodes, start)
        yield nodes[start:end]
        start = end


def _group_end(nodes: Sequence[tuple[bytes, int]], start: int) -> int:
    """Cut after the first of members 3 to 8 whose hash is divisible by 4, else after 9."""
    if len(nodes) - start <= 2:
        return len(nodes)
    end = min(start + _LONGEST_GROUP, len(nodes))
    for position in range(start + 2, end):
        if nodes[position][0][24] % _MEAN_GROUP == 0:
            return position + 1
    return end


def _parent(group: Sequence[tuple[bytes, int]]) -> tuple[bytes, int]:
    text = "".join(f"{to_text(node)} : {size}\n" for node, size in group)
    return blake3(text.encode(), key=_NODE_KEY).digest(), sum(size for _, size in group)
