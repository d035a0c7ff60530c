"""LFS pointers: read as git-lfs reads them, written in the one canonical way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmos.wire.lfs import MalformedPointer, Pointer, parse_pointer, print_pointer

SHA256 = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393"
TEXT = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 12345\n" % SHA256.encode()


def test_the_pointer_of_the_specification_is_read_and_written() -> None:
    assert parse_pointer(TEXT) == Pointer(sha256=SHA256, size=12345)
    assert print_pointer(Pointer(sha256=SHA256, size=12345)) == TEXT


def test_other_lines_of_a_pointer_are_passed_over() -> None:
    extended = TEXT.replace(b"\noid", b"\next-0-foo sha256:%s\noid" % SHA256.encode())
    assert parse_pointer(extended) == Pointer(sha256=SHA256, size=12345)


@pytest.mark.parametrize("blob", [b"", b"hello", b"version 1\n", TEXT + b"x" * 1024])
def test_an_ordinary_file_is_no_pointer(blob: bytes) -> None:
    assert parse_pointer(blob) is None


@pytest.mark.parametrize(
    "blob",
    [
        TEXT[:60],
        TEXT.replace(b"sha256", b"md5"),
        TEXT.replace(b"12345", b"-1"),
        TEXT.replace(b"12345", b"012"),
        TEXT + b"size 3\n",
        TEXT + b"\xff\n",
    ],
)
def test_a_broken_pointer_is_refused(blob: bytes) -> None:
    with pytest.raises(MalformedPointer):
        parse_pointer(blob)


@given(st.integers(0, 10**18), st.binary(min_size=32, max_size=32))
def test_a_written_pointer_is_read_back(size: int, digest: bytes) -> None:
    pointer = Pointer(sha256=digest.hex(), size=size)
    assert parse_pointer(print_pointer(pointer)) == pointer


@given(st.binary(max_size=200))
def test_garbage_behind_the_first_line_never_crashes(garbage: bytes) -> None:
    try:
        parse_pointer(TEXT[:43] + garbage)
    except MalformedPointer:
        return
