"""How many lines of news wait, for the head of every page: asked often, so kept for a moment."""

from time import monotonic

from django.utils.translation import get_language

from llmos.accounts.access import Viewer, viewer_of_user
from llmos.accounts.models import User
from llmos.community.notifications.actions import note_page_language
from llmos.community.notifications.queries import unread_count
from llmos.store.threads import POOL

KEPT_SECONDS = 10.0
_MOST_KEPT = 10_000

_counts: dict[int, tuple[float, int]] = {}
_languages: dict[int, str] = {}


def waiting_news(viewer: Viewer) -> int:
    """The number of the bell; up to some seconds old."""
    if viewer.user_id is None:
        return 0
    kept = _counts.get(viewer.user_id)
    if kept is not None and monotonic() - kept[0] < KEPT_SECONDS:
        return kept[1]
    if len(_counts) > _MOST_KEPT:
        _counts.clear()
        _languages.clear()
    count = unread_count(viewer)
    _counts[viewer.user_id] = (monotonic(), count)
    return count


def bell_of(user: object) -> int:
    """The same for a template, which knows the user; her mails learn her pages' language."""
    if not isinstance(user, User):
        return 0
    language = get_language() or ""
    if _languages.get(user.pk) != language:
        _languages[user.pk] = language
        POOL.submit(note_page_language, user.pk, language)
    return waiting_news(viewer_of_user(user))


def forget_count(user_id: int) -> None:
    _counts.pop(user_id, None)
