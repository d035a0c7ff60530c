"""Mails to members: claimed, then written of what is still news, then sent, each at most once.

A letter is claimed in a transaction of its own. It is tried again only if the mail server
surely did not take it; when the line breaks while it may have, it counts as sent.
"""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.core.mail.message import EmailMessage
from django.db import transaction
from django.db.models import Min

from llmos.accounts.access import viewer_of_user
from llmos.accounts.models import User
from llmos.community.notifications.access import visible_ids
from llmos.community.notifications.composing import compose
from llmos.community.notifications.models import Letter, Notification
from llmos.community.notifications.posting import Line, NotTaken
from llmos.community.notifications.queries import (
    bundles_of,
    mail_addresses,
    preferences_of,
)
from llmos.kit.time import now

logger = logging.getLogger(__name__)

GRACE = timedelta(minutes=2)  # what follows within it comes in one mail
BATCH = 20  # letters sent by one task, so that others get their turn
MOST_AT_ONCE = 5  # letters to one member; of more conversations than this one letter tells
PAUSES = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720)]
_NOW, _STATE = Letter.Kind.NOW, Letter.State


def send_due() -> datetime | None:
    """Send a batch of what is due; when to come again, or None while nothing waits."""
    waiting = [*_claim_again(BATCH), *_claim_news(BATCH)]
    with Line() as line:
        for letter in waiting:
            _deliver(letter, line)
    return _next_time()


def still_news(user: User, ids: list[int]) -> set[int]:
    """Those of a member's news that she may see and has not looked at."""
    return visible_ids(viewer_of_user(user), ids, unread=True)


def give_up_claimed() -> None:
    """A worker died with these in hand: nobody knows whether they went."""
    Letter.objects.filter(state=_STATE.CLAIMED).update(
        state=_STATE.UNKNOWN, message="the worker ended while it was sent"
    )


def forget_before(horizon: datetime) -> None:
    Letter.objects.filter(claimed_at__lt=horizon).exclude(
        state__in=[_STATE.CLAIMED, _STATE.AGAIN]
    ).delete()


def _claim_news(limit: int) -> list[Letter]:
    """Letters about what members are to be mailed at once, one for each conversation."""
    due = (
        Notification.objects.filter(mail=_NOW, letter=None)
        .values_list("user_id")
        .annotate(first=Min("at"))
        .filter(first__lte=now() - GRACE)
        .order_by("first")
    )
    claimed: list[Letter] = []
    for user_id, _first in due[:limit]:
        claimed += _claim_of(user_id)
    return claimed


@transaction.atomic
def _claim_of(user_id: int) -> list[Letter]:
    rows = Notification.objects.select_for_update().filter(user_id=user_id, mail=_NOW, letter=None)
    groups: dict[int | None, list[int]] = {}
    for number, thread_id in rows.order_by("pk").values_list("pk", "thread_id"):
        groups.setdefault(thread_id, []).append(number)
    if len(groups) > MOST_AT_ONCE:
        groups = {None: [number for numbers in groups.values() for number in numbers]}
    letters = []
    for numbers in groups.values():
        letter = Letter.objects.create(
            user_id=user_id, kind=_NOW, key=f"now:{numbers[-1]}", attempts=1
        )
        Notification.objects.filter(pk__in=numbers).update(letter=letter)
        letters.append(letter)
    return letters


def _claim_again(limit: int) -> list[Letter]:
    """Those that were not taken before, and digests, whose time has come."""
    due = Letter.objects.filter(state=_STATE.AGAIN, next_at__lte=now()).order_by("next_at")
    claimed = []
    for letter in due[:limit]:
        letter.attempts += 1
        taken = Letter.objects.filter(pk=letter.pk, state=_STATE.AGAIN).update(
            state=_STATE.CLAIMED, claimed_at=now(), attempts=letter.attempts
        )
        if taken:
            claimed.append(letter)
    return claimed


def _deliver(letter: Letter, line: Line) -> None:
    try:
        message = _written(letter)
    except Exception as error:
        logger.exception("letter %s could not be written", letter.pk)
        _try_again(letter, str(error))
        return
    if message is None:
        _end(letter, _STATE.EMPTY)
        return
    try:
        line.send(message)
    except NotTaken as refused:
        if refused.for_good:
            _end(letter, _STATE.REFUSED, str(refused))
        else:
            _try_again(letter, str(refused))
    except (SMTPException, OSError) as error:
        logger.warning("letter %s may not have arrived: %s", letter.pk, error)
        _end(letter, _STATE.UNKNOWN, str(error))
    else:
        _end(letter, _STATE.SENT)


def _written(letter: Letter) -> EmailMessage | None:
    """The mail, or None if nothing is left to tell, or she wants none now."""
    user = User.objects.select_related("namespace").get(pk=letter.user_id)
    address = mail_addresses([user.pk]).get(user.pk)
    preferences = preferences_of(user.pk)
    if address is None or preferences.is_muted:
        return None
    numbers = list(letter.notifications.values_list("pk", flat=True))
    bundles = bundles_of(still_news(user, numbers))
    return compose(letter, user, address, preferences, bundles)


def _try_again(letter: Letter, message: str) -> None:
    """Later, each time after a longer pause; not for ever."""
    if letter.attempts > len(PAUSES):
        _end(letter, _STATE.REFUSED, message)
    else:
        _end(letter, _STATE.AGAIN, message, next_at=now() + PAUSES[letter.attempts - 1])


def _end(letter: Letter, state: str, message: str = "", next_at: datetime | None = None) -> None:
    Letter.objects.filter(pk=letter.pk).update(state=state, message=message[:300], next_at=next_at)


def _next_time() -> datetime | None:
    """When the next letter wants to go; a moment ago if one is due already."""
    news = Notification.objects.filter(mail=_NOW, letter=None).aggregate(first=Min("at"))["first"]
    again = Letter.objects.filter(state=_STATE.AGAIN).aggregate(first=Min("next_at"))["first"]
    times = [again] if again is not None else []
    if news is not None:
        times.append(news + GRACE)
    return min(times, default=None)
