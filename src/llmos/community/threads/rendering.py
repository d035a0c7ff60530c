"""From a member's Markdown to stored HTML, and what the text names on its way."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from llmos.accounts.access import Viewer
from llmos.community.threads.models import Post
from llmos.store.markup import LinkBase, render_markdown

VERSION = 1
NO_LINKS = LinkBase()  # relative links lead nowhere


@dataclass(frozen=True, slots=True)
class Rendered:
    """Safe HTML and what was found in the text; references are (kind, id)."""

    html: str
    references: frozenset[tuple[str, int]] = field(default_factory=frozenset)
    links: int = 0
    images: int = 0
    mentions: int = 0
    attachments: frozenset[str] = field(default_factory=frozenset)


def render(text: str, links: LinkBase = NO_LINKS) -> Rendered:
    """`links` says where relative ones lead: an article may be a file of a repository."""
    return Rendered(html=str(render_markdown(text, links)))


def filled(posts: Sequence[Post], viewer: Viewer) -> dict[int, Markup]:
    """The HTML of posts by id, with what this viewer may see of their live cards."""
    return {post.pk: Markup(post.html) for post in posts}  # noqa: S704 - made by `render`
