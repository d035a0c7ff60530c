"""Crediting contributions, counting deeds, giving levels, silencing, and keeping others away."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from llmos.community.trust.events import KeptApart, LevelChanged
from llmos.community.trust.levels import MOST_AT_ONCE, SECONDS_A_POST, deserved
from llmos.community.trust.models import Credit, Distance, Level, Standing
from llmos.kit.errors import Invalid
from llmos.kit.time import now
from llmos.store.events import announce

COUNTS = (
    "posts",
    "threads",
    "reactions_given",
    "reactions_received",
    "threads_read",
    "posts_read",
)


def count(user_id: int, **steps: int) -> None:
    """Add to a member's counts, inside the transaction of the deed that is counted."""
    assert set(steps) <= set(COUNTS), steps
    _add(user_id, **steps)


@transaction.atomic
def note_reading(user_id: int, *, threads: int = 0, posts: int = 0) -> None:
    """A member read: so many threads for the first time, so many posts, and she was here today.

    Posts count as fast as people read, however many were opened.
    """
    Standing.objects.get_or_create(pk=user_id)
    standing = Standing.objects.select_for_update().get(pk=user_id)
    first = timedelta(seconds=SECONDS_A_POST * MOST_AT_ONCE // 3)
    since = now() - standing.read_at if standing.read_at is not None else first
    counted = min(posts, MOST_AT_ONCE, int(since.total_seconds()) // SECONDS_A_POST)
    if counted:
        Standing.objects.filter(pk=user_id).update(read_at=now())
    _add(user_id, threads_read=threads, posts_read=counted)
    today = now().date()
    elsewhen = Q(last_day=None) | ~Q(last_day=today)
    Standing.objects.filter(elsewhen, pk=user_id).update(
        days_here=F("days_here") + 1, last_day=today
    )


@transaction.atomic
def credit(*, user_id: int, kind: str, subject: str) -> bool:
    """Credit a contribution; whether it is new. The same one twice counts once."""
    _row, is_new = Credit.objects.get_or_create(user_id=user_id, kind=kind, subject=subject)
    if is_new:
        _add(user_id, credits=1)
    return is_new


@transaction.atomic
def withdraw(*, user_id: int, kind: str, subject: str) -> bool:
    """Take a credit back whose reason is gone; whether there was one. The level stays."""
    gone, _rows = Credit.objects.filter(user_id=user_id, kind=kind, subject=subject).delete()
    if gone:
        Standing.objects.filter(pk=user_id, credits__gt=0).update(credits=F("credits") - 1)
    return bool(gone)


@transaction.atomic
def review(user_id: int) -> Level:
    """Raise a member to the level that her deeds amount to, unless it is held; never lower it."""
    standing, _new = Standing.objects.get_or_create(pk=user_id)
    _raise(standing)
    return Level(standing.level)


@transaction.atomic
def set_level(*, user_id: int, level: Level, reason: str, held: bool = True) -> None:
    """Give a level by hand; held, deeds change it no more. Lowering needs a reason.

    Raises Invalid.
    """
    Standing.objects.get_or_create(pk=user_id)
    standing = Standing.objects.select_for_update().get(pk=user_id)
    if level < standing.level and not reason.strip():
        raise Invalid(_("Say why the level is lowered; the member is told"))
    was = standing.level
    standing.level, standing.held = level, held or level == Level.STEWARD
    standing.level_reason = reason.strip()
    standing.save(update_fields=["level", "held", "level_reason"])
    if was != level:
        announce(LevelChanged(user_id=user_id, was=was, level=level, reason=standing.level_reason))


@transaction.atomic
def let_grow(*, user_id: int) -> None:
    """Let deeds decide about a level again; what was given stays until they bring more."""
    Standing.objects.filter(pk=user_id).update(held=False, level_reason="")
    review(user_id)


@transaction.atomic
def silence(*, user_id: int, until: datetime, reason: str) -> None:
    """Take the right to write away until a moment."""
    Standing.objects.update_or_create(
        pk=user_id, defaults={"silenced_until": until, "silence_reason": reason}
    )


@transaction.atomic
def unsilence(*, user_id: int) -> None:
    Standing.objects.filter(pk=user_id).update(silenced_until=None, silence_reason="")


@transaction.atomic
def keep_away(*, user_id: int, other_id: int, degree: str) -> None:
    """Mute, ignore or block another member; a later choice replaces the former. Raises Invalid."""
    if degree not in Distance.Degree.values:
        raise Invalid(_("There is no distance %(name)r") % {"name": degree[:20]})
    if user_id == other_id:
        raise Invalid(_("One cannot be kept away from oneself"))
    Distance.objects.update_or_create(
        user_id=user_id, other_id=other_id, defaults={"degree": degree, "since": now()}
    )
    announce(KeptApart(user_id=user_id, other_id=other_id, degree=degree))


@transaction.atomic
def let_near(*, user_id: int, other_id: int) -> None:
    Distance.objects.filter(user_id=user_id, other_id=other_id).delete()


def _add(user_id: int, **steps: int) -> None:
    """Add to counts and see whether they bring a level."""
    added = {name: F(name) + step for name, step in steps.items() if step}
    if not added:
        return
    if not Standing.objects.filter(pk=user_id).update(**added):
        Standing.objects.get_or_create(pk=user_id)
        Standing.objects.filter(pk=user_id).update(**added)
    _raise(Standing.objects.get(pk=user_id))


def _raise(standing: Standing) -> None:
    level = deserved(standing)
    if standing.held or level <= standing.level:
        return
    raised = Standing.objects.filter(pk=standing.pk, held=False, level__lt=level)
    if raised.update(level=level):
        was, standing.level = standing.level, level
        announce(LevelChanged(user_id=standing.pk, was=was, level=level, reason=""))
