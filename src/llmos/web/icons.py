"""The house's own small pictures, drawn inline so that they take the colour of the text."""

import re
from functools import cache
from pathlib import Path

from markupsafe import Markup

_DRAWINGS = Path(__file__).with_name("icons.svg")
_FILLED = {"heart-full": "heart", "bookmark-full": "bookmark"}


@cache
def icon(name: str, label: str = "") -> Markup:
    """An inline SVG; decoration unless it has a label. Raises KeyError for unknown names."""
    css = "icon icon-fill" if name in _FILLED else "icon"
    meaning = Markup('role="img" aria-label="{}"').format(label) if label else _DECORATION
    return Markup('<svg class="{}" viewBox="0 0 24 24" {}>{}</svg>').format(
        css, meaning, _shapes()[_FILLED.get(name, name)]
    )


def icon_again(name: str, label: str = "") -> Markup:
    """The same for a page that shows it dozens of times: a reference to a drawing of `sprite`."""
    css = "icon icon-fill" if name in _FILLED else "icon"
    meaning = Markup('role="img" aria-label="{}"').format(label) if label else _DECORATION
    return Markup('<svg class="{}" {}><use href="#pic-{}"/></svg>').format(
        css, meaning, _FILLED.get(name, name)
    )


@cache
def sprite(*names: str) -> Markup:
    """The drawings that `icon_again` refers to, once in a page and not to be seen there."""
    drawn = Markup("").join(
        Markup('<symbol id="pic-{}" viewBox="0 0 24 24">{}</symbol>').format(name, _shapes()[name])
        for name in names
    )
    return Markup('<svg class="sprite" aria-hidden="true">{}</svg>').format(drawn)


def icon_names() -> list[str]:
    return [*_shapes(), *_FILLED]


_DECORATION = Markup('aria-hidden="true"')


@cache
def _shapes() -> dict[str, Markup]:
    drawn = re.findall(r'<symbol id="([a-z-]+)">(.*?)</symbol>', _DRAWINGS.read_text("utf-8"))
    return {name: Markup(shape) for name, shape in drawn}  # noqa: S704 - our own file
