"""Files come out of their xorbs byte by byte as they went in, whole or in ranges."""

import hashlib
import io
import random
from itertools import pairwise

import lz4.frame
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hub.xet_rows import Stored, stored_file

from llmos.hub.lfs.content import content, open_content
from llmos.hub.xet import reading
from llmos.hub.xet.blocks import xorb_path
from llmos.hub.xet.errors import ContentDamaged
from llmos.hub.xet.queries import cut, merged, runs_of
from llmos.hub.xet.reading import read_range, sha256_of
from llmos.store import blobs
from llmos.wire.xet import xorb

pytestmark = pytest.mark.django_db


@pytest.fixture
def stored() -> Stored:
    return stored_file(seed=3, xorbs=3, chunks=7)


def test_any_range_is_the_same_slice_of_the_file(
    stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr(reading, "PIECE", 3000)
    runs = runs_of(stored.hash)
    size = len(stored.content)
    chance = random.Random(5)
    borders = [0, 1, size - 1, size, *stored.borders]
    for _ in range(150):
        start, end = sorted(chance.choices([*borders, chance.randrange(size)], k=2))
        read = b"".join(read_range(runs, start, end))
        assert read == stored.content[start:end], (start, end)


def test_the_whole_file_has_its_sha256(stored: Stored) -> None:
    assert sha256_of(runs_of(stored.hash)) == hashlib.sha256(stored.content).hexdigest()


def test_a_file_opens_like_any_file(stored: Stored) -> None:
    with open_content(stored.sha256) as file:
        assert file.read(10) == stored.content[:10]
        file.seek(-5, io.SEEK_END)
        assert file.read() == stored.content[-5:]
        assert file.seek(1000) == file.tell() == 1000
        assert file.read(3000) == stored.content[1000:4000]
        file.seek(len(stored.content) + 10)
        assert file.read() == b""


def test_a_run_is_cut_at_chunk_borders(stored: Stored) -> None:
    runs = runs_of(stored.hash)
    start, end = stored.borders[2], stored.borders[3]
    part = cut(runs, start, end)
    assert part.offset == 0
    assert [(run.first, run.end, run.size) for run in part.runs] == [(2, 3, end - start)]
    assert cut(runs, start + 1, end).offset == 1
    assert cut(runs, 5, 5).runs == []


@pytest.mark.parametrize("spoil", ["removed", "shortened", "header"])
def test_damage_is_reported_and_not_sent(stored: Stored, spoil: str) -> None:
    path = xorb_path(stored.xorbs[-1])
    whole = path.read_bytes()
    if spoil == "removed":
        path.unlink()
    else:
        path.write_bytes(whole[:-9] if spoil == "shortened" else b"\x07" + whole[1:])
    runs = runs_of(stored.hash)
    with pytest.raises(ContentDamaged):
        list(read_range(runs, 0, len(stored.content)))
    with pytest.raises(ContentDamaged):
        sha256_of(runs)


def test_a_raw_looking_chunk_that_is_compressed_is_decoded() -> None:
    # Stored and raw length can agree by chance; only the header tells.
    raw = _compresses_to_its_own_length()
    stored = stored_file(chunks_of=[[(xorb.LZ4, raw), (xorb.RAW, b"after")]])
    assert b"".join(content(stored.sha256).pieces(0, len(stored.content))) == stored.content


def _compresses_to_its_own_length() -> bytes:

    for noise in range(200):
        raw = random.Random(1).randbytes(noise) + bytes(60)
        if len(lz4.frame.compress(raw)) == len(raw):
            return raw
    for zeros in range(200):
        raw = random.Random(1).randbytes(300) + bytes(zeros)
        if len(lz4.frame.compress(raw)) == len(raw):
            return raw
    raise AssertionError("no such chunk")


def test_a_file_of_a_blob_is_read_in_pieces(stored: Stored) -> None:
    path = blobs.upload_path()
    path.write_bytes(stored.content)
    pieces = blobs.file_pieces(path, 5, 5000)
    path.unlink()
    assert b"".join(pieces) == stored.content[5:5000]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 9))))
@settings(max_examples=60)
def test_merged_ranges_cover_the_same_numbers(spans: list[tuple[int, int]]) -> None:
    ranges = [(start, start + length) for start, length in spans]
    joined = list(merged(ranges))
    assert _numbers(joined) == _numbers(ranges)
    assert all(before[1] < after[0] for before, after in pairwise(joined))


def _numbers(ranges: list[tuple[int, int]]) -> set[int]:
    return {number for start, end in ranges for number in range(start, end)}
