"""Bursts of spam: what somebody new writes is held back when it looks like one.

Holding back costs a newcomer an hour, letting a burst through costs everybody; nothing is
refused, and the author sees why it waits.
"""

import re
from datetime import timedelta
from typing import Any

from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from llmos.accounts.access import Viewer
from llmos.accounts.models import User
from llmos.accounts.queries import display_names
from llmos.community.threads.models import Post, Reference
from llmos.community.trust.errors import KeptAway
from llmos.community.trust.models import Level
from llmos.community.trust.queries import level_of, who_block
from llmos.kit.time import now

SAME_TEXT = gettext_noop("The same text was posted before; a moderator looks at it first")
MANY_LINKS = gettext_noop("Several posts with links from a new account; a moderator looks first")
SAME_LINK = gettext_noop("New accounts post this link one after the other; a moderator looks first")

LOOKED_BACK = 500  # posts of everybody, the newest
WINDOW = timedelta(hours=1)
SHORTEST_COPY = 25  # characters; people do write "thank you" twice
LINKING_POSTS = 3  # in the window, of one new member
ACCOUNTS_WITH_LINK = 2  # others, new as well
YOUNG = timedelta(days=2)

_LINK = re.compile(r"https?://[^\s<>()\[\]\"']{4,300}", re.IGNORECASE)


def reason_to_hold(viewer: Viewer, where: Any, text: str, rendered: Any) -> str | None:
    """Why a post of this new member waits for a moderator, or None."""
    if viewer.user_id is None or viewer.is_admin:
        return None
    return _reason(viewer.user_id, text, besides=0)


def reason_to_hold_edited(post: Post) -> str | None:
    """The same for a text that was put in the place of a harmless one."""
    if post.author is None or post.author.is_staff:
        return None
    return _reason(post.author.pk, post.text, besides=post.pk)


def _reason(user_id: int, text: str, *, besides: int) -> str | None:
    if level_of(user_id) > Level.NEW:
        return None
    own = Post.objects.filter(author_id=user_id, created_at__gt=now() - WINDOW, deed="")
    own = own.exclude(pk=besides)
    if _is_copied(user_id, text, own):
        return SAME_TEXT
    links = set(_LINK.findall(text))
    if not links or not _is_young(user_id):
        return None
    if own.filter(text__icontains="://").count() >= LINKING_POSTS - 1:
        return MANY_LINKS
    if any(_accounts_with(link, user_id) >= ACCOUNTS_WITH_LINK for link in links):
        return SAME_LINK
    return None


def refuse_mentions(viewer: Viewer, where: Any, text: str, rendered: Any) -> None:
    """Who is blocked by a member cannot call her into a post. Raises KeptAway."""
    if viewer.user_id is None:
        return
    named = {target for kind, target in rendered.references if kind == Reference.Kind.MEMBER}
    blocking = who_block(viewer.user_id, named) if named else set()
    if blocking:
        names = ", ".join(sorted(f"@{name}" for name in display_names(blocking).values()))
        raise KeptAway(_("%(names)s: not to be mentioned by you") % {"names": names})


def _is_copied(user_id: int, text: str, own: QuerySet[Post]) -> bool:
    """Whether she posted this within the hour, or new members twice among the latest posts."""
    if len(text) < SHORTEST_COPY:
        return False
    if own.filter(text=text).exists():
        return True
    others = _latest().filter(text=text).exclude(author_id=user_id)
    return others.count() >= ACCOUNTS_WITH_LINK


def _accounts_with(link: str, user_id: int) -> int:
    rows = _latest().filter(text__contains=link).exclude(author_id=user_id)
    return rows.values("author_id").distinct().count()


def _latest() -> QuerySet[Post]:
    """What new members wrote among the latest posts of all."""
    newest: int = Post.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return Post.objects.filter(pk__gt=newest - LOOKED_BACK, created_at__gt=now() - WINDOW).exclude(
        author__standing__level__gt=Level.NEW
    )


def _is_young(user_id: int) -> bool:
    return User.objects.filter(pk=user_id, date_joined__gt=now() - YOUNG).exists()
