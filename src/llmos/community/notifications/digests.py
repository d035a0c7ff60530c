"""Digests: what a member missed, once a day or a week at the hour that she chose."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Q

from llmos.accounts.access import Viewer
from llmos.accounts.models import User
from llmos.community.notifications.models import Letter, Notification, Preferences
from llmos.community.notifications.queries import preferences_by_member
from llmos.community.notifications.speaking import sends_mail
from llmos.community.threads.access import listed
from llmos.community.threads.models import Thread
from llmos.kit.config import current
from llmos.kit.time import now
from llmos.store.config import ServerSettings

CHUNK = 200  # members looked at by one task
MOST_TOPICS = 5
_PERIODS = {
    Preferences.Digest.DAILY: timedelta(days=1),
    Preferences.Digest.WEEKLY: timedelta(days=7),
}


def claim_due(*, after: int) -> int | None:
    """Put aside the digests of the next chunk of members whose hour has come.

    Returns the last member looked at, while there are more.
    """
    if not sends_mail():
        return None
    reachable = User.objects.filter(
        pk__gt=after, is_active=True, emailaddress__verified=True
    ).distinct()
    users = list(reachable.order_by("pk")[:CHUNK])
    preferences = preferences_by_member([user.pk for user in users])
    for user in users:
        slot = due_slot(preferences[user.pk], user, now())
        if slot is not None:
            _claim(user.pk, preferences[user.pk], slot)
    return users[-1].pk if len(users) == CHUNK else None


def due_slot(preferences: Preferences, user: User, moment: datetime) -> datetime | None:
    """The hour whose digest she has not had yet, if it has come."""
    period = _PERIODS.get(Preferences.Digest(preferences.digest))
    if period is None or preferences.is_muted:
        return None
    slot = last_slot(preferences, moment)
    had = preferences.last_digest_at
    return slot if slot > user.date_joined and (had is None or had < slot) else None


def last_slot(preferences: Preferences, moment: datetime) -> datetime:
    """The latest hour of hers that has passed, by the hub's clock."""
    here = moment.astimezone(ZoneInfo(current(ServerSettings).time_zone))
    slot = here.replace(hour=preferences.digest_hour, minute=0, second=0, microsecond=0)
    period = timedelta(days=1)
    if preferences.digest == Preferences.Digest.WEEKLY:
        slot -= timedelta(days=(here.weekday() - preferences.digest_day) % 7)
        period = timedelta(days=7)
    return slot if slot <= here else slot - period


def top_threads(viewer: Viewer, preferences: Preferences) -> list[Thread]:
    """What was talked about most since the last digest, of what she may see."""
    period = _PERIODS.get(Preferences.Digest(preferences.digest), timedelta(days=7))
    places = [Thread.Place.TOPIC, Thread.Place.ARTICLE]
    found = (
        Thread.objects.filter(listed(viewer), place__in=places, bumped_at__gte=now() - period)
        .exclude(author_id=viewer.user_id)
        .annotate(weight=F("posts_count") + F("reactions_count"))
        .select_related("author")
        .order_by("-weight", "-pk")
    )
    return list(found[:MOST_TOPICS])


@transaction.atomic
def _claim(user_id: int, preferences: Preferences, slot: datetime) -> None:
    """One letter for one hour, whoever else tries; it is written when it is sent."""
    Preferences.objects.get_or_create(pk=user_id)
    free = Preferences.objects.filter(Q(last_digest_at=None) | Q(last_digest_at__lt=slot))
    if not free.filter(pk=user_id).update(last_digest_at=slot):
        return
    rows = Notification.objects.filter(user_id=user_id, mail=Letter.Kind.DIGEST, letter=None)
    if not rows.exists() and preferences.digest == Preferences.Digest.DAILY:
        return
    letter, is_new = Letter.objects.get_or_create(
        user_id=user_id,
        key=f"digest:{slot:%Y-%m-%dT%H}",
        defaults={
            "kind": Letter.Kind.DIGEST,
            "state": Letter.State.AGAIN,
            "next_at": now(),
        },
    )
    if is_new:
        rows.update(letter=letter)
