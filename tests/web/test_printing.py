"""What pages print is escaped exactly as Jinja itself would escape it."""

from typing import Any

import pytest
from django.template import engines
from django.utils.safestring import SafeString
from hypothesis import given
from hypothesis import strategies as some
from jinja2 import Environment, StrictUndefined, UndefinedError
from markupsafe import Markup, escape

from llmos.web.printing import printed
from llmos.web.spoken import SpokenTemplates


class Named:
    def __str__(self) -> str:
        return "<b>& it's"


class Shown:
    def __html__(self) -> str:
        return "<i>shown</i>"


def ours() -> Environment:
    found = engines["pages"]
    assert isinstance(found, SpokenTemplates)
    made: Environment = found.env
    return made


@given(some.text() | some.integers() | some.floats() | some.booleans() | some.none())
def test_any_value_reads_as_markupsafe_escapes_it(value: Any) -> None:
    assert printed(value) == str(escape(value))


@pytest.mark.parametrize(
    "value",
    ["<script>'\"&", Markup("<b>ours</b>"), SafeString("<b>Django's</b>"), Named(), Shown(), ["<"]],
)
def test_a_template_prints_what_jinja_prints(value: Any) -> None:
    source = "{{ v }}|{% set x %}<i>{{ v }}</i>{% endset %}{{ x }}|{{ v ~ '<' }}"
    plain = Environment(autoescape=True, undefined=StrictUndefined)
    assert ours().from_string(source).render(v=value) == plain.from_string(source).render(v=value)


def test_text_that_subclasses_str_is_not_taken_for_markup() -> None:
    class Word(str):
        __slots__ = ()

    assert ours().from_string("{{ v }}").render(v=Word("<b>")) == "&lt;b&gt;"


def test_what_was_never_given_is_still_an_error() -> None:
    with pytest.raises(UndefinedError):
        ours().from_string("{{ nothing }}").render()
