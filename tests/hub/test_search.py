"""The search index: words of both languages, scopes, damage."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmos.kit.home import HOME_VARIABLE
from llmos.kit.text import index_words, search_words
from llmos.store import search
from llmos.store.search import Document

DOCUMENTS = [
    Document("model", 1, "ada/tiny-bert_v2", "en license:mit", "注意力机制，翻译。 Small."),
    Document("model", 2, "bob/llama3-中文", "zh", "大模型翻译机器"),
    Document("dataset", 3, "ada/verses", "", "hidden words", scope="ns:1"),
]


@pytest.fixture(autouse=True)
def own_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))
    monkeypatch.setattr(search, "_sources", [lambda: DOCUMENTS])
    search._reader.cache_clear()
    yield
    search._reader.cache_clear()


def found(text: str, **more: object) -> list[int]:
    limits = {"kinds": ["model", "dataset"], "limit": 10, **more}
    return sorted(hit.id for hit in search.search(text, **limits))  # type: ignore[arg-type]


def test_nothing_is_found_before_there_is_an_index() -> None:
    assert search.is_missing()
    assert found("bert") == []


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("bert", [1]), ("BER", [1]), ("tiny-bert_v2", [1]), ("ada tiny", [1]), ("mit", [1]),
        ("llama", [2]), ("llama3", [2]), ("翻译", [1, 2]), ("译", [1, 2]), ("注意力", [1]),
        ("机制", [1]), ("制翻", []), ("翻译 small", [1]), ("ｌｌａｍａ", [2]), ("，", []),
    ],
)  # fmt: skip
def test_words_of_both_languages_are_found(text: str, ids: list[int]) -> None:
    search.index(DOCUMENTS)
    assert found(text) == ids


def test_a_scope_limits_who_finds_a_document() -> None:
    search.index(DOCUMENTS)
    assert found("hidden") == []
    assert found("hidden", scopes=["public", "ns:1"]) == [3]
    assert found("hidden", scopes=None) == [3]
    assert found("hidden", scopes=None, kinds=["model"]) == []


def test_a_document_is_replaced_and_forgotten() -> None:
    search.index(DOCUMENTS)
    search.index([Document("model", 1, "ada/renamed")])
    assert found("bert") == []
    assert found("renamed") == [1]
    search.forget(["model:1"])
    assert found("renamed") == []


@pytest.mark.parametrize("damage", ["cut", "scribble"])
def test_a_damaged_index_finds_nothing_until_it_is_rebuilt(tmp_path: Path, damage: str) -> None:
    search.index(DOCUMENTS)
    for file in search._folder().iterdir():
        if file.suffix == ".json" and damage == "scribble":
            file.write_bytes(b"x" * 20)
        elif file.suffix != ".lock" and damage == "cut" and file.suffix != ".json":
            file.write_bytes(b"xxxxx")
    search._reader.cache_clear()
    assert found("bert") == []
    with pytest.raises(search.IndexDamaged):
        search.index(DOCUMENTS)
    assert search.rebuild() == 3
    assert found("bert") == [1]


@given(st.text())
def test_any_text_can_be_indexed_and_asked(text: str) -> None:
    assert all(word and not word.isspace() for phrase in search_words(text) for word in phrase)
    assert "\n" not in index_words(text)
