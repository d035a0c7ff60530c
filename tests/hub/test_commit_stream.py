"""The commit stream: cut anywhere, it says the same; garbage is refused in so many words."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmos.hub.git import intake
from llmos.hub.git.intake import (
    Change,
    Copy,
    FileTooLarge,
    Header,
    Lines,
    PutFile,
    PutLarge,
    Remove,
    read_line,
)
from llmos.kit.errors import Refusal, TooLarge


def line(key: str, **value: Any) -> bytes:
    return json.dumps({"key": key, "value": value}).encode()


def file_line(path: str, content: bytes) -> bytes:
    return line("file", path=path, content=base64.b64encode(content).decode(), encoding="base64")


def read_all(pieces: list[bytes]) -> list[Header | Change]:
    lines = Lines()
    found = [read_line(one) for piece in pieces for one in lines.feed(piece)]
    found += [read_line(one) for one in lines.end()]
    return [one for one in found if one is not None]


def refusal_of(read: Callable[[], object]) -> int | None:
    try:
        read()
    except Refusal as refusal:
        return refusal.status
    return None


def content_of(change: Header | Change) -> bytes:
    assert isinstance(change, PutFile)
    if isinstance(change.content, bytes):
        return change.content
    with change.content as content:
        return content.read()


# A text that begins as a pointer to a large file and is none is refused, so none is sent here.
_CONTENTS = st.binary(max_size=300).filter(lambda content: not content.startswith(b"version "))


@settings(deadline=None)
@given(contents=st.lists(_CONTENTS, max_size=5), cut=st.integers(1, 50))
def test_a_stream_may_be_cut_anywhere(contents: list[bytes], cut: int) -> None:
    text = b"\n".join(file_line(f"{n}.bin", content) for n, content in enumerate(contents))
    pieces = [text[at : at + cut] for at in range(0, len(text), cut)]
    assert [content_of(change) for change in read_all(pieces)] == contents


@settings(deadline=None, max_examples=60)
@given(
    content=st.binary(max_size=2000).filter(lambda c: not c.startswith(b"version ")),
    at_once=st.sampled_from([4, 64, 1024]),
)
def test_a_long_line_says_what_a_short_one_says(content: bytes, at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(intake, "LINE_IN_MEMORY", 120)
        patch.setattr(intake, "_DECODED_AT_ONCE", at_once)
        text = file_line("x.bin", content).replace(b"/", b"\\/")  # as some writers spell it
        assert [content_of(change) for change in read_all([text + b"\n"])] == [content]


@settings(deadline=None)
@given(garbage=st.binary(max_size=200))
def test_garbage_is_refused_and_nothing_worse(garbage: bytes) -> None:
    assert refusal_of(lambda: read_all([garbage])) in {None, 400, 413, 422}


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
_KEYS = st.sampled_from(
    ["header", "file", "lfsFile", "deletedFile", "deletedFolder", "copyFile", "else"]
)
_FIELDS = st.sampled_from(
    ["path", "content", "encoding", "oid", "size", "algo", "summary", "parentCommit", "srcPath"]
)


@settings(deadline=None)
@given(key=_KEYS, value=st.dictionaries(_FIELDS, _JSON, max_size=6))
def test_wrong_types_in_any_field_are_refused(key: str, value: dict[str, Any]) -> None:
    text = json.dumps({"key": key, "value": value}).encode()
    assert refusal_of(lambda: read_line(text)) in {None, 400, 422}


def test_each_kind_of_line_is_read() -> None:
    oid = "ab" * 32
    text = [
        line("header", summary="s", description="d", parentCommit="c" * 40),
        file_line("a.txt", b"hello"),
        line("lfsFile", path="b.bin", algo="sha256", oid=oid, size=7),
        line("lfsFile", path="c.bin", algo="sha256", oid=oid),
        line("deletedFile", path="d.txt"),
        line("deletedFolder", path="e/"),
        line("copyFile", path="f", srcPath="g", srcRevision="main"),
    ]
    assert read_all([b"\n".join(text)]) == [
        Header("s", "d", "c" * 40),
        PutFile("a.txt", b"hello", 5),
        PutLarge("b.bin", oid, 7),
        PutLarge("c.bin", oid, None),
        Remove("d.txt"),
        Remove("e/"),
        Copy("f", "g", "main"),
    ]


def test_a_pointer_sent_as_text_means_its_large_file() -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'cd' * 32}\nsize 9\n"
    assert read_all([file_line("x.bin", text.encode())]) == [PutLarge("x.bin", "cd" * 32, 9)]


def test_a_file_over_the_limit_is_refused_by_name() -> None:
    with pytest.raises(FileTooLarge, match=r"big\.txt.*large file"):
        read_all([file_line("big.txt", b"x" * (10 * 2**20 + 1))])


def test_a_line_that_never_ends_is_refused_before_it_is_kept() -> None:
    lines = Lines()
    for _ in range(14):
        assert not list(lines.feed(b"x" * 2**20))
    with pytest.raises(TooLarge):
        list(lines.feed(b"x" * 2**20))
    lines.close()


@pytest.mark.parametrize(
    "content", ["a", "a=bc", "====", "ab=c" * 40, "é" * 8, "QUJD" * 500 + "Q", "QQ==QUJD" * 60]
)
def test_what_is_not_base64_is_refused_long_or_short(
    content: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = line("file", path="x", content=content, encoding="base64")
    with pytest.raises(Refusal, match="base64"):
        read_all([text])
    monkeypatch.setattr(intake, "LINE_IN_MEMORY", 64)
    monkeypatch.setattr(intake, "_DECODED_AT_ONCE", 16)
    if len(text) > 64 + 64:
        with pytest.raises(Refusal):
            read_all([text])
