"""What is read from cards, weights and files that may carry code."""

import bz2
import collections
import gzip
import io
import json
import lzma
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmos.hub.facts import safetensors
from llmos.hub.facts.advice import card_warnings
from llmos.hub.facts.cards import first_paragraph, read_card
from llmos.hub.facts.scans import scan
from llmos.hub.facts.tags import dataset_tags, model_tags
from llmos.hub.kinds import KINDS
from llmos.wire import gguf


def front(text: str) -> dict[str, object]:
    card = read_card(f"---\n{text}\n---\n")
    assert not card.errors
    return card.front


def complaint(text: str) -> str:
    (error,) = read_card(f"---\n{text}\n---\n").errors
    return str(error)


def test_norwegian_is_a_language_and_a_date_is_text() -> None:
    assert front("language: no\ndate: 2024-01-01\nn: 3\nx: 1e-4\nyes: true") == {
        "language": "no", "date": "2024-01-01", "n": 3, "x": 1e-4, "yes": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", "line 4: 'a' stands here a second time, first on line 2"),
        ("a: b: c", "line 2: a value that contains ': ' needs quotes"),
        ("a: *x", "line 2: a value that starts with '*' or '&' needs quotes"),
        ("\ta: 1", "line 2: YAML is indented with spaces"),
        ("a: @x", "line 2: a value that starts with a special character needs quotes"),
        ("a: !!python/name:os.system x", "line 2: tags that begin with '!' are not allowed"),
        ("- a", "line 2: the metadata must be lines of the form 'name: value'"),
        ("a: [1,", "a bracket or a quote that is not closed"),
    ],
)
def test_bad_yaml_is_explained_at_its_line(text: str, expected: str) -> None:
    assert expected in complaint(text)


def test_metadata_that_never_ends_is_told() -> None:
    (error,) = read_card("---\nlicense: mit\n\n# Title").errors
    assert "never ends" in error.message


@pytest.mark.parametrize(
    "bomb",
    [
        "[" * 100_000 + "]" * 100_000,
        "\n".join(" " * depth + "a:" for depth in range(1000)),
        "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
        + "\n".join(
            f"{n}: &{n} [{','.join(['*' + c] * 10)}]"
            for c, n in zip("abcdefg", "bcdefgh", strict=True)
        ),
        "a: &x [*x]",
    ],
)
def test_bombs_are_refused(bomb: str) -> None:
    assert "nests over" in complaint(bomb)


@given(st.text())
def test_no_card_breaks_the_reader(text: str) -> None:
    read_card(text)
    json.dumps(read_card(f"---\n{text}\n---\n").front)
    first_paragraph(text)


def test_the_first_paragraph_is_prose() -> None:
    text = "# Title\n\n<p align='center'><img src='x'></p>\n\n![b](u)\n\nA **bold** [word](u).\n"
    assert first_paragraph(text) == "A bold word."


def test_a_card_without_metadata_gets_a_warning() -> None:
    assert "missing yaml metadata" in card_warnings(KINDS["model"], {})[0]
    assert card_warnings(KINDS["model"], {"license": "mit", "language": ["en", "zh-Hans"]}) == []
    assert (
        "not a code" in card_warnings(KINDS["model"], {"license": "mit", "language": "English"})[0]
    )


def test_tags_are_spelled_as_clients_filter() -> None:
    card = {"license": "MIT", "language": "zh", "base_model": "a/b", "datasets": ["c/d"]}
    tags = model_tags(card, "see arXiv:2101.00001", ["x.gguf"], {}, library="gguf", task="")
    assert tags == [
        "gguf", "zh", "dataset:c/d", "base_model:a/b", "base_model:quantized:a/b",
        "arxiv:2101.00001", "license:mit",
    ]  # fmt: skip
    fields = {"language": ["en"], "task_categories": "translation", "size_categories": "n<1K"}
    assert dataset_tags(fields, "", ["data/train.parquet"]) == [
        "task_categories:translation", "language:en", "size_categories:n<1K",
        "format:parquet", "library:datasets",
    ]  # fmt: skip


def header(tensors: object) -> bytes:
    text = json.dumps(tensors).encode()
    return struct.pack("<Q", len(text)) + text


def test_parameters_are_counted_from_headers_alone() -> None:
    tensors = {
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "F32", "shape": [], "data_offsets": [24, 28]},
        "c": {"dtype": "I8", "shape": [7], "data_offsets": [28, 35]},
    }
    found = safetensors.read_header(io.BytesIO(header(tensors)))
    assert safetensors.count_parameters([found]) == {
        "parameters": {"F32": 7, "I8": 7},
        "total": 14,
    }


@given(st.binary(max_size=200))
def test_no_bytes_break_the_safetensors_reader(content: bytes) -> None:
    try:
        found = safetensors.read_header(io.BytesIO(content))
    except safetensors.NotSafetensors:
        return
    safetensors.count_parameters([found])


@given(st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists)))
def test_no_header_breaks_the_count(tensors: dict[str, object]) -> None:
    found = safetensors.read_header(io.BytesIO(header(tensors)))
    assert safetensors.count_parameters([found])["total"] >= 0


def gguf_text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


def gguf_file(fields: list[bytes], tensors: list[bytes]) -> bytes:
    start = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(fields))
    return start + b"".join(fields) + b"".join(tensors)


def test_a_gguf_header_tells_architecture_and_size() -> None:
    fields = [
        gguf_text("general.architecture") + struct.pack("<I", 8) + gguf_text("llama"),
        gguf_text("llama.context_length") + struct.pack("<II", 4, 2048),
        gguf_text("tokenizer.ggml.tokens")
        + struct.pack("<IIQ", 9, 8, 2)
        + gguf_text("<s>")
        + gguf_text("</s>"),
        gguf_text("tokenizer.ggml.eos_token_id") + struct.pack("<II", 4, 1),
    ]
    tensors = [gguf_text("w") + struct.pack("<IQQIQ", 2, 30, 10, 0, 0)]
    assert gguf.read_facts(io.BytesIO(gguf_file(fields, tensors))) == {
        "total": 300,
        "architecture": "llama",
        "context_length": 2048,
        "eos_token": "</s>",
    }


@pytest.mark.parametrize(
    "lie",
    [
        struct.pack("<IQQ", 3, 2**60, 0),
        struct.pack("<IQQ", 3, 0, 2**60),
        struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 2**50),
        struct.pack("<IQQ", 3, 0, 1) + gguf_text("k") + struct.pack("<IIQ", 9, 8, 2**50),
        struct.pack("<IQQ", 3, 0, 1) + gguf_text("k") + struct.pack("<IIQ", 9, 9, 1),
    ],
)
def test_a_gguf_header_that_lies_about_lengths_is_refused(lie: bytes) -> None:
    with pytest.raises(gguf.NotGguf):
        gguf.read_facts(io.BytesIO(b"GGUF" + lie))


@given(st.binary(max_size=300))
def test_no_bytes_break_the_gguf_reader(content: bytes) -> None:
    with suppress(gguf.NotGguf):
        gguf.read_facts(io.BytesIO(b"GGUF\x03\0\0\0" + content))


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (os.system, ("true",))


def array(descr: bytes, rest: bytes) -> bytes:
    text = b"{'descr': '" + descr + b"', 'fortran_order': False, 'shape': (1,), }\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + rest


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def tarred(name: str, content: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return out.getvalue()


EVIL = pickle.dumps(Evil())
GOOD = pickle.dumps(collections.OrderedDict(a=1))


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("a.pkl", EVIL, "unsafe"),
        ("a.pkl", EVIL[:-3], "unsafe"),
        ("a.bin", pickle.dumps(Evil(), 0), "unsafe"),
        ("a.pt", zipped({"archive/data.pkl": EVIL, "archive/data/0": b"x"}), "unsafe"),
        ("a.npy", array(b"|O", EVIL), "unsafe"),
        ("a.npz", zipped({"x.npy": array(b"|O", EVIL)}), "unsafe"),
        ("a.pkl", GOOD, "safe"),
        ("a.pt", zipped({"archive/data.pkl": GOOD}), "safe"),
        ("a.npy", array(b"<f4", b"1234"), "safe"),
        ("a.bin", b"\x00" * 100, "safe"),
        ("a.pkl", pickle.dumps(object), "caution"),
        ("a.npy", b"\x93NUMPY", "error"),
        ("a.joblib", zlib.compress(EVIL), "error"),
        ("a.pkl", gzip.compress(EVIL, mtime=0), "error"),
        ("a.joblib", bz2.compress(EVIL), "error"),
        ("a.joblib", lzma.compress(EVIL), "error"),
        ("a.pt", tarred("pickle", EVIL), "error"),
    ],
)
def test_files_that_run_code_are_told_from_those_that_do_not(
    path: str, content: bytes, status: str
) -> None:
    assert scan(io.BytesIO(content), path).status == status


@given(st.binary(max_size=300))
def test_no_bytes_break_the_scanner(content: bytes) -> None:
    for path in ("a.pkl", "a.bin", "a.npy", "a.zip"):
        scan(io.BytesIO(content), path)
