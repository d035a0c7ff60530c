"""How much a member of a level may put into one post, and how fast."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from llmos.community.trust.errors import NotTrustedYet, Silenced, TooFast
from llmos.community.trust.levels import allowance_of, needs_of, pace_of
from llmos.community.trust.models import Level, Standing
from llmos.kit.time import now

WINDOWS = (timedelta(minutes=1), timedelta(hours=1), timedelta(days=1))

# When a member did deeds of one kind, newest first: rooms to the right have the rows.
Times = Callable[[int], QuerySet[Any, datetime]]
_times: dict[str, Times] = {}


def provide_times(kind: str, times: Times) -> None:
    """Say where the deeds of a kind are found: `times(user_id)`, from an index."""
    _times[kind] = times


def check_words(standing: Standing, *, links: int, images: int, mentions: int) -> None:
    """Raises NotTrustedYet where a post has more of something than the level allows."""
    allowed = allowance_of(standing.level)
    if links > allowed.links:
        raise NotTrustedYet(
            ngettext(
                "You may put %(most)d link into a post, this one has %(has)d.",
                "You may put %(most)d links into a post, this one has %(has)d.",
                allowed.links,
            )
            % {"most": allowed.links, "has": links}
            + _way_up(standing)
        )
    if images > allowed.images:
        raise NotTrustedYet(
            ngettext(
                "You may put %(most)d picture into a post, this one has %(has)d.",
                "You may put %(most)d pictures into a post, this one has %(has)d.",
                allowed.images,
            )
            % {"most": allowed.images, "has": images}
            + _way_up(standing)
        )
    if mentions > allowed.mentions:
        raise NotTrustedYet(
            ngettext(
                "You may name %(most)d member in a post, this one names %(has)d.",
                "You may name %(most)d members in a post, this one names %(has)d.",
                allowed.mentions,
            )
            % {"most": allowed.mentions, "has": mentions}
            + _way_up(standing)
        )


def check_pace(standing: Standing, *, kind: str) -> None:
    """Raises Silenced, TooFast. `kind` is thread, post, edit, reaction, report or attachment."""
    check_voice(standing)
    pace, times = pace_of(standing.level, kind), _times.get(kind)
    if pace is None or times is None:
        return
    for most, window in zip(pace, WINDOWS, strict=True):
        # The n-th newest deed alone tells whether n were done since a moment.
        found = list(times(standing.pk)[most - 1 : most])
        free_at = found[0] + window if found else None
        if free_at is not None and free_at > now():
            raise _too_fast(most, window, free_at)


def check_voice(standing: Standing) -> None:
    """Raises Silenced while a moderator keeps a member from writing."""
    until = standing.silenced_until
    if until is not None and until > now():
        when = formats.date_format(timezone.localtime(until), "DATETIME_FORMAT")
        raise Silenced(
            _("A moderator lets you read but not write until %(when)s. The reason: %(reason)s")
            % {"when": when, "reason": standing.silence_reason}
        )


def _way_up(standing: Standing) -> str:
    """What brings more: a sentence for those who are new, nothing for others."""
    if standing.level > Level.NEW:
        return ""
    needs = needs_of(Level.MEMBER)
    told = _(
        "More is allowed after reading %(posts)d posts in %(threads)d conversations, "
        "or after a first contribution to a repository."
    ) % {"posts": needs.posts_read, "threads": needs.threads_read}
    return f" {told}"


def _too_fast(most: int, window: timedelta, free_at: datetime) -> TooFast:
    texts = {
        WINDOWS[0]: _("At most %(most)d of this in a minute: wait %(wait)s"),
        WINDOWS[1]: _("At most %(most)d of this in an hour: wait %(wait)s"),
        WINDOWS[2]: _("At most %(most)d of this in a day: wait %(wait)s"),
    }
    seconds = max(1, int((free_at - now()).total_seconds()) + 1)
    return TooFast(
        texts[window] % {"most": most, "wait": _span(seconds)},
        headers={"Retry-After": str(seconds)},
    )


def _span(seconds: int) -> str:
    if seconds < 90:
        return ngettext("%(n)d second", "%(n)d seconds", seconds) % {"n": seconds}
    if seconds < 5400:
        minutes = -(-seconds // 60)
        return ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes}
    hours = -(-seconds // 3600)
    return ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours}
