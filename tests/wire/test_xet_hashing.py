"""The vectors of the Xet specification, and what must hold for any list of chunks."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.wire.chunker import chunks_of, generated

from llmos.wire.xet import hashing
from llmos.wire.xet.hashing import MalformedHash, chunk_hash, from_text, to_text

FILES = [
    (
        b"abc",
        "a8803506f7aff014f19aa9e9b79dc6455c49672570f96156071329698dd0284e",
        "a8803506f7aff014f19aa9e9b79dc6455c49672570f96156071329698dd0284e",
        "d7586bf505d8886dacb19b302c04c9be061198b1ee2de942618a7f8b30e1b74b",
        "55b9df318a7c45f470d57b04d8ca79a15b0637ffe94b25041a58d00c3528afff",
    ),
    (
        b"hello xet",
        "6a349f801ba87a0089cf89b95d9d40c810b6645471948f7399870fe76957b6cb",
        "6a349f801ba87a0089cf89b95d9d40c810b6645471948f7399870fe76957b6cb",
        "f424584c6e5c91f4aca30206ad6e90a0ba28fb941714dadae2a0954878ee8743",
        "7fe64ee1a188b9b2297a7637697fa23c5a98fe8020b9a69084269b2d15711637",
    ),
    (
        bytes(8192),
        "d88a3b08a2ac3c73417e59b165220ff5a1975c3d4e2a84b003c40cb7f392c443",
        "d88a3b08a2ac3c73417e59b165220ff5a1975c3d4e2a84b003c40cb7f392c443",
        "55a92b84ded94b339dad9ba23732749074c2f0f48382762b2c1a14a19b899d01",
        "711574865581cce65f5d06a1818a37a1dd4cfe3f65e3f4aaae2b1bacbfc253db",
    ),
    (
        bytes(131073),
        "2e39f13c248013b27e22913ba2893a654120ed0ad8eb7ecbf3f05b9d708634fc",
        "33774e8810e1614d58259f9399274b3759c85eca0c1f5cc125d285b2b860b924",
        "540643e10a20075a702ebabc85555edccffba6acace0d27e32d8c933fbbe6750",
        "83f8f48adc7310b5748295b256ca24cdce2aac457679c98526e3a19e0388f58a",
    ),
    (
        generated(1_000_000),
        "d268e73ccad507db1e32904cbbb76cf651682582a09bb5a2a494e6b5fec61ca8",
        "4a91228985a7b80de6ecc210e6e5358be3d6dc4d90d1a8c82b74b81d4c67a698",
        "f894368c53591d5dcfe477b5792f71dde1f35dbd1a524ed80d572ab3d71e4b09",
        "21a116f0b13407b52058e644fe19dbd1398e63edf75cc008d3ea0c2b87c07944",
    ),
]

ROOTS = {
    1: "df93298cdbf67cd507aed28d6290c0cf7f9aa0aa88dfa629cffcf98680659410",
    2: "2198bad77e0f7d43266117020ed240005564c787c03d09627e9553c718529d6d",
    3: "17f87a534cbc5bd5b34dd237fd644021e65bf2375dce49f29ac9bf014bdf0dae",
    9: "a91f039f7bdbbfbe6fea96b929dbbfc4f1133afbe52eb5e1704e0041b070ae6f",
    10: "1845f5d9f52152f4ab61a6f32a8b68fa93fc4663260defda896ad0946dace53d",
    20: "ceff52959d92d445e3c9df27b2b07eeacad32ec798c170471031d6e0d7ce62ff",
}


@pytest.mark.parametrize(("content", "first", "xorb", "proof", "file"), FILES)
def test_the_specified_vectors_hold(
    content: bytes, first: str, xorb: str, proof: str, file: str
) -> None:
    chunks = [(chunk_hash(c), len(c)) for c in chunks_of(content)]
    assert to_text(chunks[0][0]) == first
    assert to_text(hashing.merkle_root(chunks)) == xorb
    assert to_text(hashing.range_hash(c for c, _ in chunks)) == proof
    assert to_text(hashing.file_hash(chunks)) == file


@pytest.mark.parametrize("count", ROOTS)
def test_merkle_roots_of_any_size_hold(count: int) -> None:
    nodes = [(chunk_hash(bytes([i])), 1000 + i) for i in range(count)]
    assert to_text(hashing.merkle_root(nodes)) == ROOTS[count]


def test_the_chunker_cuts_where_the_client_cuts() -> None:
    ends, position = [], 0
    for chunk in chunks_of(generated(1_000_000)):
        position += len(chunk)
        ends.append(position)
    assert len(ends) == 18
    assert ends[:4] == [64662, 195734, 218825, 349897]


def test_a_hash_is_written_in_groups_of_eight_reversed_bytes() -> None:
    text = "07060504030201000f0e0d0c0b0a090817161514131211101f1e1d1c1b1a1918"
    assert to_text(bytes(range(32))) == text
    assert from_text(text) == bytes(range(32))


def test_an_empty_file_has_the_zero_hash() -> None:
    assert to_text(hashing.file_hash([])) == hashing.EMPTY_FILE


def test_a_deduplication_key_hides_a_chunk_hash() -> None:
    keyed = hashing.keyed_hash(bytes(range(32)), chunk_hash(b"abc"))
    assert to_text(keyed) == "1a1cd0f9d9d225606568dda7c6d2771597d6222632158a45a9f2c38eb9a60125"
    assert hashing.keyed_hash(hashing.NO_KEY, chunk_hash(b"abc")) == chunk_hash(b"abc")


def test_about_one_chunk_in_a_thousand_answers_queries() -> None:
    generator = random.Random(7)
    offered = sum(hashing.is_offered(generator.randbytes(32)) for _ in range(50_000))
    assert 20 < offered < 90


@given(st.binary(min_size=32, max_size=32))
def test_text_and_bytes_of_a_hash_agree(raw: bytes) -> None:
    assert from_text(to_text(raw)) == raw


@given(st.text(max_size=70))
def test_anything_but_64_hex_digits_is_no_hash(text: str) -> None:
    if len(text) == 64 and set(text) <= set("0123456789abcdef"):
        return
    with pytest.raises(MalformedHash):
        from_text(text)
