"""Words of rooms without a framework, in the language of who reads them."""

import pytest

from llmos.kit import speaking
from llmos.lab.benchmarks import parse_benchmark
from llmos.lab.errors import BadBenchmark
from llmos.store.threads import page_language, page_text

NO_MAPPING = "- a list"


def test_a_refusal_of_the_laboratory_is_spoken_as_its_reader_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(speaking, "_translators", [])
    with pytest.raises(BadBenchmark, match="begins with `name:`"):
        parse_benchmark(NO_MAPPING)

    chinese = {"A benchmark is a YAML mapping that begins with `name:`": "基准以 name: 开头"}
    monkeypatch.setattr(speaking, "_translators", [lambda text: chinese.get(text, text)])
    with pytest.raises(BadBenchmark, match="基准以 name: 开头"):
        parse_benchmark(NO_MAPPING)


def test_on_the_event_loop_texts_are_those_of_the_page_that_asks() -> None:
    english = "The hub failed on this; its log says why"
    assert page_text(english) == english
    before = page_language.set("zh-hans")
    try:
        assert page_text(english) != english
    finally:
        page_language.reset(before)
