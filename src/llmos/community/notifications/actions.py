"""What a member does with her news: looks at them, chooses how to hear them, joins devices."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from llmos.community.notifications.errors import PushRefused
from llmos.community.notifications.kinds import DEFAULTS, FAMILIES, Channel
from llmos.community.notifications.models import (
    Letter,
    Notification,
    Preferences,
    PushSubscription,
)
from llmos.community.notifications.push import check_endpoint, is_available, sound_keys
from llmos.kit.time import now

QUIET_FOR = timedelta(weeks=1)
MOST_DEVICES = 20


@dataclass(frozen=True, slots=True)
class Wishes:
    """The settings page as a member filled it in."""

    channels: dict[str, set[str]]
    language: str
    digest: str
    digest_hour: int
    digest_day: int


def mark_seen(user_id: int, ids: Collection[int]) -> int:
    """Mark some of a member's news as looked at; how many were not yet."""
    rows = Notification.objects.filter(user_id=user_id, pk__in=ids, seen_at=None)
    return rows.update(seen_at=now())


def mark_all_seen(user_id: int, *, upto: int, family: str = "") -> int:
    """Everything up to the newest one that the page showed; what came since stays unread."""
    rows = Notification.objects.filter(user_id=user_id, pk__lte=upto, seen_at=None)
    if family in FAMILIES:
        rows = rows.filter(kind__in=FAMILIES[family])
    return rows.update(seen_at=now())


@transaction.atomic
def save_wishes(user_id: int, wishes: Wishes) -> Preferences:
    """Keep how she wants to be told from now on."""
    row, _is_new = Preferences.objects.select_for_update().get_or_create(pk=user_id)
    row.set_channels(wishes.channels)
    row.language, row.digest = wishes.language, wishes.digest
    row.digest_hour, row.digest_day = wishes.digest_hour, wishes.digest_day
    row.save()
    return row


def set_quiet(user_id: int, *, quiet: bool) -> None:
    """No mail and no push for a week; the list in the app goes on."""
    Preferences.objects.update_or_create(
        pk=user_id, defaults={"muted_until": now() + QUIET_FOR if quiet else None}
    )


def note_page_language(user_id: int, language: str) -> None:
    """Mails speak the language of the pages that she looks at, unless she chose another."""
    if not Preferences.objects.filter(pk=user_id, page_language=language).exists():
        Preferences.objects.update_or_create(pk=user_id, defaults={"page_language": language})


@transaction.atomic
def stop_mails(user_id: int, scope: str) -> None:
    """What the link of a mail asks for: no mails of a kind, none at once, no digest, or none."""
    row, _is_new = Preferences.objects.select_for_update().get_or_create(pk=user_id)
    chosen = {kind: set(row.channels(kind)) for kind in DEFAULTS}
    for kind, channels in chosen.items():
        if scope in {kind, Letter.Kind.NOW, "all"}:
            channels.discard(Channel.MAIL)
    row.set_channels(chosen)
    if scope in {Letter.Kind.DIGEST, "all"}:
        row.digest = Preferences.Digest.OFF
    row.save()
    waiting = Notification.objects.filter(user_id=user_id, letter=None)
    if scope in {Letter.Kind.NOW, "all"}:
        waiting.filter(mail=Letter.Kind.NOW).update(mail="")
    elif scope in DEFAULTS:
        waiting.filter(mail=Letter.Kind.NOW, kind=scope).update(mail="")


def add_device(user_id: int, *, endpoint: str, p256dh: str, auth: str) -> None:
    """Show news on a browser. Raises PushRefused."""
    if not is_available():
        raise PushRefused(_("Push is not installed on this hub: pip install 'llmos[push]'"))
    check_endpoint(endpoint)
    if not sound_keys(p256dh, auth):
        raise PushRefused(_("The browser's keys are not what a push subscription has"))
    with transaction.atomic():
        PushSubscription.objects.update_or_create(
            endpoint=endpoint, defaults={"user_id": user_id, "p256dh": p256dh, "auth": auth}
        )
        kept = PushSubscription.objects.filter(user_id=user_id).order_by("-pk")[:MOST_DEVICES]
        PushSubscription.objects.filter(user_id=user_id).exclude(
            pk__in=list(kept.values_list("pk", flat=True))
        ).delete()


def remove_device(user_id: int, *, endpoint: str) -> None:
    PushSubscription.objects.filter(user_id=user_id, endpoint=endpoint).delete()


def remove_devices(user_id: int) -> None:
    PushSubscription.objects.filter(user_id=user_id).delete()
