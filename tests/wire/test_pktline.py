"""pkt-lines: git's frames."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmos.wire import pktline
from llmos.wire.pktline import MalformedPacket


def test_lines_are_framed_as_git_frames_them() -> None:
    assert pktline.encode("a\n") == b"0006a\n"
    assert list(pktline.decode(b"0006a\n0000000bfoobar\n0004")) == [b"a\n", None, b"foobar\n", b""]


def test_a_line_over_the_limit_is_refused() -> None:
    with pytest.raises(ValueError, match="65516"):
        pktline.encode(bytes(pktline.LONGEST + 1))


@given(st.lists(st.binary(max_size=200)))
def test_encoded_lines_are_read_back(lines: list[bytes]) -> None:
    stream = b"".join(map(pktline.encode, lines)) + pktline.FLUSH
    assert list(pktline.decode(stream)) == [*lines, None]


@given(st.binary(max_size=100))
def test_garbage_ends_in_a_refusal(garbage: bytes) -> None:
    try:
        list(pktline.decode(garbage))
    except MalformedPacket:
        return
