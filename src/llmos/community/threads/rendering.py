"""From a member's Markdown to stored HTML, and what the text names on its way."""

from dataclasses import dataclass, field

from llmos.store.markup import render_markdown

VERSION = 1


@dataclass(frozen=True, slots=True)
class Rendered:
    """Safe HTML and what was found in the text; references are (kind, id)."""

    html: str
    references: frozenset[tuple[str, int]] = field(default_factory=frozenset)
    links: int = 0
    images: int = 0
    mentions: int = 0
    attachments: frozenset[str] = field(default_factory=frozenset)


def render(text: str) -> Rendered:
    return Rendered(html=str(render_markdown(text)))
