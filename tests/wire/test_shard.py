"""Shards: read as clients write them, written as clients read them."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.shards import uploaded

from llmos.wire.xet import shard
from llmos.wire.xet.hashing import NO_KEY, chunk_hash, keyed_hash, to_text
from llmos.wire.xet.shard import MalformedShard, Offer

SHA256 = "515d9bf3729e47bdb0f2c1a9f2a7dcd1c3eef3b4ad1f1a4a8ce7f2a0a6e1b001"
HASHES = st.binary(min_size=32, max_size=32).filter(lambda h: h != b"\xff" * 32)


def test_an_uploaded_shard_of_one_small_file_is_432_bytes_and_is_read() -> None:
    content = uploaded(b"hello xet", SHA256)
    assert len(content) == 432
    read = shard.parse(content)
    (file,) = read.files
    (term,) = file.terms()
    assert file.sha256 is not None
    assert to_text(file.sha256) == SHA256
    assert (term.raw_size, term.first_chunk, term.end_chunk) == (9, 0, 1)
    assert term.xorb == read.xorbs[0].hash == chunk_hash(b"hello xet")
    assert list(read.xorbs[0].chunks()) == [(chunk_hash(b"hello xet"), 9)]


@given(st.lists(st.tuples(HASHES, st.lists(st.tuples(HASHES, st.integers(1, 9999)), max_size=5))))
def test_an_answer_is_read_as_it_was_written(
    xorbs: list[tuple[bytes, list[tuple[bytes, int]]]],
) -> None:
    key = bytes(range(32))
    answer = shard.print_answer(
        [Offer(h, 7, chunks) for h, chunks in xorbs], key=key, created=1, expires=2
    )
    read = shard.parse(answer)
    assert read.files == []
    assert [(x.hash, list(x.chunks())) for x in read.xorbs] == [
        (h, [(keyed_hash(key, c), size) for c, size in chunks]) for h, chunks in xorbs
    ]
    assert struct.unpack_from("<Q", answer, len(answer) - 8)[0] == len(answer) - 200


def test_an_answer_without_a_key_shows_plain_hashes() -> None:
    offer = Offer(chunk_hash(b"x"), 9, [(chunk_hash(b"y"), 1)])
    read = shard.parse(shard.print_answer([offer], key=NO_KEY, created=1, expires=2))
    assert list(read.xorbs[0].chunks()) == [(chunk_hash(b"y"), 1)]


@given(st.integers(0, 431))
def test_a_truncated_shard_is_refused(length: int) -> None:
    with pytest.raises(MalformedShard):
        shard.parse(uploaded(b"hello xet", SHA256)[:length])


@given(st.binary(max_size=300))
def test_garbage_is_refused_and_never_crashes(garbage: bytes) -> None:
    with pytest.raises(MalformedShard):
        shard.parse(garbage)


@given(st.binary(max_size=500))
def test_garbage_behind_a_true_header_is_refused(garbage: bytes) -> None:
    with pytest.raises(MalformedShard):
        shard.parse(uploaded(b"hello xet", SHA256)[:48] + garbage)
