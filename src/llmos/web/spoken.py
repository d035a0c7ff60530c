"""Templates compiled once for each language: a text without gaps is a constant of the page.

A page asks for some hundred texts and pictures whose answer never changes. Looked up while the
template is compiled, they cost nothing when it is shown.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.conf import settings
from django.template import TemplateDoesNotExist
from django.template.backends.jinja2 import Jinja2, Template
from django.utils.translation import get_language, gettext, override
from jinja2 import Environment, TemplateNotFound, lexer
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import Markup

from llmos.web.icons import icon
from llmos.web.language import html_language


class SpokenTemplates(Jinja2):
    """Django's engine with an environment for each language that pages speak."""

    def __init__(self, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._spoken = {code: self._speaking(code) for code, _name in settings.LANGUAGES}

    def get_template(self, template_name: str) -> Template:
        spoken = self._spoken.get(get_language() or "", self.env)
        try:
            return Template(spoken.get_template(template_name), self)
        except TemplateNotFound as missing:
            raise TemplateDoesNotExist(template_name, backend=self) from missing

    def _speaking(self, language: str) -> Environment:
        spoken: Environment = self.env.overlay(extensions=[ConstantTexts])
        spoken.globals = {
            **self.env.globals,
            "language": language,
            "html_language": html_language(language),
        }
        spoken.language = language  # type: ignore[attr-defined]  # for the extension
        return spoken


class ConstantTexts(Extension):
    """Puts `_("Search")` and `icon("search")` into a template's source as what they give."""

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        with override(self.environment.language):  # type: ignore[attr-defined]
            yield from _folded(iter(stream))


_CONSTANT: dict[str, Callable[[str], Markup]] = {
    # As gettext of templates has it: texts of ours are no input, and `%%` is a percent sign.
    "_": lambda text: Markup(gettext(text) % ()),  # noqa: S704
    "icon": icon,
}
_CALL = [lexer.TOKEN_NAME, lexer.TOKEN_LPAREN, lexer.TOKEN_STRING, lexer.TOKEN_RPAREN]


def _folded(tokens: Iterator[Token]) -> Iterator[Token]:
    window: list[Token] = []
    for token in tokens:
        window.append(token)
        if len(window) < len(_CALL):
            continue
        if window[0].value in _CONSTANT and [one.type for one in window] == _CALL:
            yield from _constant(window[0].lineno, _CONSTANT[window[0].value](window[2].value))
            window = []
        else:
            yield window.pop(0)
    yield from window


def _constant(line: int, text: Markup) -> Iterator[Token]:
    """`("text"|safe)`, which Jinja's compiler turns into the text itself."""
    yield Token(line, lexer.TOKEN_LPAREN, "(")
    yield Token(line, lexer.TOKEN_STRING, str(text))
    yield Token(line, lexer.TOKEN_PIPE, "|")
    yield Token(line, lexer.TOKEN_NAME, "safe")
    yield Token(line, lexer.TOKEN_RPAREN, ")")
