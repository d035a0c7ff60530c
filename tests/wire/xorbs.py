"""Serialized xorbs as a client would make them."""

import lz4.frame

from llmos.wire.xet import hashing, xorb


def packed(chunks: list[tuple[int, bytes]]) -> bytes:
    """Chunks with the scheme each is stored in, back to back behind their headers."""
    block = b""
    for scheme, raw in chunks:
        payload = raw
        if scheme == xorb.BG4_LZ4:
            payload = b"".join(raw[i::4] for i in range(4))
        if scheme != xorb.RAW:
            payload = lz4.frame.compress(payload)
        block += (len(payload) << 8).to_bytes(4, "little")
        block += (len(raw) << 8 | scheme).to_bytes(4, "little") + payload
    return block


def root_of(chunks: list[bytes]) -> str:
    return hashing.to_text(hashing.merkle_root([(hashing.chunk_hash(c), len(c)) for c in chunks]))
