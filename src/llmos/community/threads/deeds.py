"""What members do around posts: follow, read, keep, begin to write."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.community.threads.access import writer
from llmos.community.threads.errors import TooManyDrafts
from llmos.community.threads.events import Followed
from llmos.community.threads.models import Bookmark, Draft, Post, Reading, Thread, Watch
from llmos.community.trust.actions import note_reading
from llmos.kit.errors import Invalid
from llmos.kit.text import cleaned
from llmos.kit.time import now
from llmos.store.events import announce

MOST_DRAFTS = 100
LONGEST_FIELD = 120_000  # characters of one field of a draft
_DRAFT_FIELDS = frozenset("text title tags language category reply_to".split())


def set_watch(viewer: Viewer, *, kind: str, target: str, level: int) -> None:
    """How closely the viewer follows something that she sees. Raises Invalid, Unauthenticated."""
    user = writer(viewer, "follow")
    if level not in Watch.Level.values or kind not in Watch.Kind.values:
        raise Invalid(_("The form was not complete"))
    with transaction.atomic():
        row = Watch.objects.filter(user_id=user, kind=kind, target=target)
        before = row.values_list("level", flat=True).first() or Watch.Level.NORMAL
        if level == Watch.Level.NORMAL:
            row.delete()
        else:
            Watch.objects.update_or_create(
                user_id=user, kind=kind, target=target, defaults={"level": level}
            )
        if before < Watch.Level.FOLLOWING <= level:
            announce(Followed(user_id=user, kind=kind, target=target))


def watch_own(*, user_id: int, thread: Thread, level: int) -> None:
    """Let somebody who writes in a thread hear of answers, unless she chose a level herself."""
    Watch.objects.get_or_create(
        user_id=user_id,
        kind=Watch.Kind.THREAD,
        target=str(thread.pk),
        defaults={"level": level},
    )


@transaction.atomic
def mark_read(*, user_id: int, thread: Thread, number: int) -> int:
    """Note that a member has read up to a post; never goes back. Returns where she is now."""
    number = max(0, min(number, thread.last_number))
    row, is_new = Reading.objects.select_for_update().get_or_create(
        user_id=user_id, thread=thread, defaults={"last_number": number}
    )
    before = 0 if is_new else row.last_number
    if number <= before and not is_new:
        return before
    if not is_new:
        row.last_number, row.at = number, now()
        row.save(update_fields=["last_number", "at"])
    note_reading(user_id, threads=int(is_new), posts=number - before)
    return number


def read_own(*, user_id: int, thread: Thread, number: int) -> None:
    """Whoever had read all up to a line that she made herself has read that line, too."""
    Reading.objects.filter(user_id=user_id, thread=thread, last_number=number - 1).update(
        last_number=number
    )


def set_bookmark(viewer: Viewer, *, post: Post, on: bool) -> None:
    user = writer(viewer, "keep posts")
    if on:
        Bookmark.objects.get_or_create(user_id=user, post=post)
    else:
        Bookmark.objects.filter(user_id=user, post=post).delete()


def keep_draft(viewer: Viewer, *, form: str, content: dict[str, Any]) -> Draft | None:
    """Keep what is begun in a form; without words there is nothing to keep. Raises Invalid."""
    user = writer(viewer, "keep drafts")
    if not 0 < len(form) <= 60:
        raise Invalid(_("The form was not complete"))
    kept = {
        name: cleaned(str(value))[:LONGEST_FIELD]
        for name, value in content.items()
        if name in _DRAFT_FIELDS and value
    }
    if not (kept.get("text", "").strip() or kept.get("title", "").strip()):
        forget_draft(user_id=user, form=form)
        return None
    is_kept = Draft.objects.filter(user_id=user, form=form).exists()
    if not is_kept and Draft.objects.filter(user_id=user).count() >= MOST_DRAFTS:
        raise TooManyDrafts(MOST_DRAFTS)
    draft, _is_new = Draft.objects.update_or_create(
        user_id=user, form=form, defaults={"content": kept, "at": now()}
    )
    return draft


def forget_draft(*, user_id: int, form: str) -> None:
    Draft.objects.filter(user_id=user_id, form=form).delete()
