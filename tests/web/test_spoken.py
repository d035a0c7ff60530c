"""Templates whose texts are put in while they are compiled say the same as ones that ask."""

from typing import Any

import pytest
from django.template import engines
from django.utils.translation import override
from jinja2 import meta, nodes

from llmos.web.language import html_language
from llmos.web.spoken import SpokenTemplates

LANGUAGES = ("en", "zh-hans")
FOOT = {"site": "A & B"}


def engine() -> SpokenTemplates:
    found = engines["pages"]
    assert isinstance(found, SpokenTemplates)
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_reads_as_if_each_text_was_asked_for(language: str) -> None:
    with override(language):
        asked = engine().env.get_template("parts/footer.html").render(FOOT)
        assert engine().get_template("parts/footer.html").render(FOOT) == asked
    assert "A &amp; B" in asked


def test_each_language_has_its_own_texts_also_in_macros_that_are_made_once() -> None:
    said = {code: macro(code, "threads/words.html").level_name(0) for code in LANGUAGES}
    again = {
        language: macro(language, "threads/words.html").level_name(0) for language in LANGUAGES
    }
    assert said == again
    assert said["en"] == "new"
    assert said["zh-hans"] != "new"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_doubled_percent_sign_is_one(language: str) -> None:
    score = str(macro(language, "evaluation/parts/ui.html").score(0.5, 0.4, 0.6))
    assert "95 %" in score
    assert "%%" not in score


@pytest.mark.parametrize("language", LANGUAGES)
def test_templates_know_their_language(language: str) -> None:
    with override(language):
        spoken: Any = engine().get_template("parts/footer.html")
    known = spoken.template.globals
    assert (known["language"], known["html_language"]) == (language, html_language(language))


def test_macros_that_are_made_once_want_nothing_of_a_page() -> None:
    environment = engine().env
    trees = {
        name: environment.parse(source_of(name))
        for name in environment.list_templates()
        if name.endswith((".html", ".txt"))
    }
    imports = [
        found
        for tree in trees.values()
        for found in tree.find_all((nodes.FromImport, nodes.Import))
        if not found.with_context
    ]
    names = {str(found.template.as_const()) for found in imports}
    assert "parts/ui.html" in names
    with override("en"):
        known: Any = engine().get_template("parts/ui.html")
    wanted = {
        name: meta.find_undeclared_variables(trees[name]) - known.template.globals.keys()
        for name in names
    }
    assert {name: those for name, those in wanted.items() if those} == {}


def source_of(name: str) -> str:
    environment = engine().env
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0]


def macro(language: str, name: str) -> Any:
    with override(language):
        spoken: Any = engine().get_template(name)
        return spoken.template.module
