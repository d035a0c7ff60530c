"""Xorbs: what clients send is taken, what is broken or dishonest is refused."""

import os

import lz4.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.xorbs import packed, root_of

from llmos.wire.xet import hashing, xorb
from llmos.wire.xet.xorb import MalformedXorb


def test_the_specified_xorb_is_read() -> None:
    block = bytes.fromhex("000900000009000068656c6c6f20786574")
    index = xorb.verify(block, hashing.to_text(hashing.chunk_hash(b"hello xet")))
    assert (index.count, index.raw_size, index.stored_size) == (1, 9, 17)


def test_grouping_by_four_is_undone_at_every_length() -> None:
    assert xorb.ungroup(b"aeibfjcgdh") == b"abcdefghij"
    for size in range(1, 20):
        content = os.urandom(size)
        assert xorb.ungroup(b"".join(content[i::4] for i in range(4))) == content


@given(
    st.lists(
        st.tuples(st.sampled_from([xorb.RAW, xorb.LZ4, xorb.BG4_LZ4]), st.binary(min_size=1)),
        min_size=1,
        max_size=30,
    )
)
def test_a_packed_xorb_verifies_and_decodes(chunks: list[tuple[int, bytes]]) -> None:
    block = packed(chunks)
    index = xorb.verify(block, root_of([raw for _, raw in chunks]))
    assert index.stored_size == len(block)
    decoded = [
        bytes(xorb.decode(frame, block[frame.start : frame.start + frame.stored]))
        for frame in xorb.frames_in(block)
    ]
    assert decoded == [raw for _, raw in chunks]
    assert index.chunks(0, index.count) == [(hashing.chunk_hash(r), len(r)) for r in decoded]
    offset = 0
    for number, raw in enumerate(decoded):
        assert index.chunk_at(offset) == index.chunk_at(offset + len(raw) - 1) == number
        assert index.raw_range(number, number + 1) == (offset, offset + len(raw))
        offset += len(raw)


def test_an_old_footer_is_ignored() -> None:
    block = packed([(xorb.RAW, b"some bytes")])
    index = xorb.verify(block + b"XETBLOB" + bytes(90), root_of([b"some bytes"]))
    assert index.stored_size == len(block)


@given(st.binary(max_size=400))
def test_garbage_is_refused_and_never_crashes(garbage: bytes) -> None:
    with pytest.raises(MalformedXorb):
        xorb.verify(garbage, "0" * 64)


@given(st.data())
def test_any_flipped_byte_is_noticed(data: st.DataObject) -> None:
    chunks = [(xorb.RAW, b"first" * 50), (xorb.LZ4, b"second" * 50), (xorb.BG4_LZ4, b"3rd." * 90)]
    block = bytearray(packed(chunks))
    position = data.draw(st.integers(0, len(block) - 1))
    block[position] ^= data.draw(st.integers(1, 255))
    try:
        index = xorb.verify(block, root_of([raw for _, raw in chunks]))
    except MalformedXorb:
        return
    # An LZ4 frame has bits that change nothing of what it decodes to.
    assert [size for _, size in index.chunks(0, 3)] == [len(raw) for _, raw in chunks]


@pytest.mark.parametrize("lost", [1, 3, 9, 60])
def test_a_truncated_xorb_is_refused(lost: int) -> None:
    block = packed([(xorb.RAW, b"x" * 40), (xorb.RAW, b"y" * 50)])
    with pytest.raises(MalformedXorb):
        xorb.verify(block[:-lost], root_of([b"x" * 40, b"y" * 50]))


def test_a_bomb_is_refused_before_it_unfolds() -> None:
    bomb = lz4.frame.compress(bytes(30_000_000))
    block = xorb_header(len(bomb), xorb.LZ4, 100_000) + bomb
    with pytest.raises(MalformedXorb, match="another length"):
        xorb.verify(block, "0" * 64)


def test_a_chunk_over_the_limit_is_refused() -> None:
    with pytest.raises(MalformedXorb, match="not allowed"):
        xorb.verify(packed([(xorb.RAW, bytes(xorb.LARGEST_CHUNK + 1))]), "0" * 64)


def test_too_many_chunks_are_refused() -> None:
    with pytest.raises(MalformedXorb, match="at most"):
        xorb.verify(packed([(xorb.RAW, b"x")] * (xorb.MOST_CHUNKS + 1)), "0" * 64)


def test_a_wrong_name_is_refused() -> None:
    with pytest.raises(MalformedXorb, match="has the hash"):
        xorb.verify(packed([(xorb.RAW, b"x")]), "0" * 64)


def xorb_header(stored: int, scheme: int, raw: int) -> bytes:
    return (stored << 8).to_bytes(4, "little") + (raw << 8 | scheme).to_bytes(4, "little")
