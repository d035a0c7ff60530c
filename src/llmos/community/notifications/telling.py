"""Writing one piece of news for many members: each has it once, however often it is told."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q

from llmos.community.notifications.kinds import Channel, Kind, weaker_than
from llmos.community.notifications.models import (
    Letter,
    Notification,
    Preferences,
    PushSubscription,
)
from llmos.community.notifications.queries import mail_addresses, preferences_by_member
from llmos.community.notifications.speaking import sends_mail
from llmos.kit.time import now


@dataclass(frozen=True, slots=True)
class Story:
    """What is told, the same for all who hear it.

    `key` is its name: a member has at most one of each. `bundle` gathers stories into one line.
    `upto` is set where a row collects several deeds: the newest one tells it anew.
    """

    kind: Kind
    key: str
    bundle: str = ""
    actor_id: int | None = None
    thread_id: int | None = None
    post_id: int | None = None
    repository_id: int | None = None
    address: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    upto: int = 0


@dataclass(frozen=True, slots=True)
class Told:
    """What has to follow: letters, and messages to devices."""

    mails: bool = False
    pushes: bool = False


def tell(user_ids: Collection[int], story: Story) -> Told:
    """Write the news for these members, as each wants to hear it. In a transaction.

    Who may hear it was asked before. Told again it changes nothing; a stronger reason for the
    same post takes the place of a weaker one that she has not looked at.
    """
    ids = sorted(set(user_ids))
    if not ids:
        return Told()
    moment = now()
    reachable = mail_addresses(ids) if sends_mail() else {}
    devices = _with_devices(ids)
    rows = [
        _row(
            story,
            preferences,
            moment,
            has_address=user_id in reachable,
            has_device=user_id in devices,
        )
        for user_id, preferences in preferences_by_member(ids).items()
    ]
    rows = [row for row in rows if row.in_app or row.mail or row.push_wanted]
    Notification.objects.bulk_create(rows, batch_size=500, ignore_conflicts=True)
    _strengthen(ids, story)
    _tell_again(ids, story, moment)
    return Told(
        mails=any(row.mail == Letter.Kind.NOW for row in rows),
        pushes=any(row.push_wanted for row in rows),
    )


def _row(
    story: Story,
    preferences: Preferences,
    moment: datetime,
    *,
    has_address: bool,
    has_device: bool,
) -> Notification:
    channels = preferences.channels(story.kind)
    quiet = preferences.is_muted
    mail = ""
    if has_address and Channel.MAIL in channels and not quiet:
        mail = Letter.Kind.NOW
    elif has_address and Channel.DIGEST in channels:
        mail = Letter.Kind.DIGEST
    return Notification(
        user_id=preferences.pk,
        kind=story.kind,
        key=story.key,
        bundle=story.bundle or story.key,
        actor_id=story.actor_id,
        thread_id=story.thread_id,
        post_id=story.post_id,
        repository_id=story.repository_id,
        address=story.address,
        facts=story.facts,
        upto=story.upto,
        at=moment,
        in_app=Channel.APP in channels,
        mail=mail,
        push_wanted=has_device and Channel.PUSH in channels and not quiet,
    )


def _strengthen(ids: list[int], story: Story) -> None:
    weaker = weaker_than(story.kind)
    if weaker:
        Notification.objects.filter(
            user_id__in=ids, key=story.key, kind__in=weaker, seen_at=None
        ).update(kind=story.kind, bundle=story.bundle or story.key)


def _tell_again(ids: list[int], story: Story, moment: datetime) -> None:
    """A row that collects is unread again, once for each deed it had not counted yet."""
    if story.upto:
        Notification.objects.filter(Q(upto__lt=story.upto), user_id__in=ids, key=story.key).update(
            upto=story.upto, at=moment, seen_at=None, actor_id=story.actor_id
        )


def _with_devices(ids: list[int]) -> set[int]:
    rows = PushSubscription.objects.filter(user_id__in=ids)
    return set(rows.values_list("user_id", flat=True))
