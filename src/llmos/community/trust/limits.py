"""How much a member of a level may put into one post, and how fast."""

from llmos.community.trust.models import Standing


def check_words(standing: Standing, *, links: int, images: int, mentions: int) -> None:
    """Raises NotTrustedYet where a post has more of something than the level allows."""


def check_pace(standing: Standing, *, kind: str) -> None:
    """Raises Silenced, TooFast. `kind` is thread, post, reaction, report or attachment."""
