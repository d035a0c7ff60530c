"""Which threads and posts a viewer may see and change: the only way from outside names to rows.

A thread about a repository is seen by whoever sees the repository. Pending and hidden ones are
seen by their authors and by moderators; a draft by its authors. Who else wrote a thread than who
opened it, and who keeps order in a place of its own, its room says by `keep`.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Q
from django.db.models.expressions import RawSQL

from llmos.accounts.access import Viewer
from llmos.community.threads.errors import PostNotFound, ThreadNotFound
from llmos.community.threads.models import Post, State, Thread
from llmos.community.threads.sql import thread_by_id
from llmos.community.trust.models import Level
from llmos.community.trust.queries import level_of
from llmos.hub.access import rights_of, visible_sql
from llmos.hub.models import Repository
from llmos.kit.errors import Forbidden, Unauthenticated
from llmos.kit.time import now
from llmos.store import db


@dataclass(frozen=True, slots=True)
class Rights:
    """What one viewer may do in one thread."""

    reply: bool
    moderate: bool  # hide, close, move, pin; stewards, administrators, a repository's writers
    own: bool  # she opened it


Predicate = Callable[[Viewer, Thread], bool]


@dataclass(frozen=True, slots=True)
class Keeping:
    """What only the room of a place knows about a thread there."""

    wrote: Predicate  # she is among its authors: sees drafts, edits its first post
    keeps_order: Predicate  # she is a moderator there
    edit_address: Callable[[Thread], str]  # where its first post is edited
    # It announces itself what others can read now, once; threads do not.
    tells: bool = False


# Where a post stands today that was once read in another thread, by that thread and its number.
Finder = Callable[[int, int], Post | None]

_keeping: dict[str, Keeping] = {}
_finders: list[Finder] = []


def keep(place: str, keeping: Keeping) -> None:
    """Let a room answer for the threads of its place. Called by `web/wiring.py`."""
    _keeping[place] = keeping


def tells_itself(thread: Thread) -> bool:
    """Whether its room, and not threads, announces that others can read it now."""
    return thread.place in _keeping and _keeping[thread.place].tells


def find_moved_posts(finder: Finder) -> None:
    """Let a room that merges threads say where posts went. Called by `web/wiring.py`."""
    if finder not in _finders:
        _finders.append(finder)


def thread_to_answer(viewer: Viewer, thread_id: int) -> Thread:
    """The thread that a form means which may be old: one that was merged leads on.

    Raises ThreadNotFound.
    """
    found: Thread | None = None
    with suppress(ThreadNotFound):
        found = thread_for(viewer, thread_id)
    if found is not None and found.state != State.REMOVED:
        return found
    for finder in _finders:
        moved = finder(thread_id, 1)
        if moved is not None and moved.thread_id != thread_id:
            return thread_for(viewer, moved.thread_id)
    if found is None:
        raise ThreadNotFound
    return found


def thread_for(viewer: Viewer, thread_id: int, *, place: str | None = None) -> Thread:
    """Raises ThreadNotFound."""
    found = thread_by_id(thread_id)
    if found is None or (place is not None and found.place != place) or not sees(viewer, found):
        raise ThreadNotFound
    return found


def post_for(viewer: Viewer, post_id: int) -> Post:
    """A post whose thread the viewer sees, and which is not held back from her.

    Raises PostNotFound.
    """
    found = (
        Post.objects.select_related(
            "author__namespace", "thread__author", "thread__repository__namespace"
        )
        .filter(pk=post_id)
        .first()
    )
    if found is None or not sees(viewer, found.thread) or not sees_post(viewer, found):
        raise PostNotFound
    return found


def sees(viewer: Viewer, thread: Thread) -> bool:
    """Whether she may know of a thread."""
    if thread.repository is not None and not rights_of(viewer, thread.repository).see:
        return False
    if thread.published_at is None or thread.published_at > now():
        return wrote(viewer, thread)
    return thread.state == State.VISIBLE or wrote(viewer, thread) or is_moderator(viewer, thread)


def wrote(viewer: Viewer, thread: Thread) -> bool:
    """Whether she opened it, or is among those whom its place knows as its authors."""
    if viewer.user_id is None:
        return False
    keeping = _keeping.get(thread.place)
    return thread.author_id == viewer.user_id or (
        keeping is not None and keeping.wrote(viewer, thread)
    )


def edit_address(post: Post) -> str | None:
    """Where a first post is edited whose place has a form of its own."""
    keeping = _keeping.get(post.thread.place)
    return keeping.edit_address(post.thread) if keeping is not None and post.number == 1 else None


def sees_post(viewer: Viewer, post: Post) -> bool:
    """Whether she may read a post of a thread that she sees."""
    is_own = viewer.user_id is not None and post.author_id == viewer.user_id
    is_own = is_own or (post.number == 1 and wrote(viewer, post.thread))
    return post.state == State.VISIBLE or is_own or is_moderator(viewer, post.thread)


def thread_rights(viewer: Viewer, thread: Thread) -> Rights:
    moderates = is_moderator(viewer, thread)
    open_ = thread.closed_at is None and thread.state == State.VISIBLE
    return Rights(
        reply=viewer.can_write
        and not viewer.scoped_token
        and (open_ or (moderates and thread.state != State.REMOVED)),
        moderate=moderates,
        own=viewer.user_id is not None and thread.author_id == viewer.user_id,
    )


def is_moderator(viewer: Viewer, thread: Thread | None = None) -> bool:
    """Whether she keeps order: on the whole hub, or (with a thread) there."""
    if viewer.user_id is None or not viewer.can_write:
        return False
    if viewer.is_admin or level_of(viewer.user_id) >= Level.STEWARD:
        return True
    if thread is None:
        return False
    if thread.repository is not None and rights_of(viewer, thread.repository).write:
        return True
    keeping = _keeping.get(thread.place)
    return keeping is not None and keeping.keeps_order(viewer, thread)


def writer(viewer: Viewer, deed: str) -> int:
    """The member in whose name a viewer writes. Raises Unauthenticated, Forbidden."""
    if viewer.user_id is None:
        raise Unauthenticated(f"Sign in to {deed}")
    if not viewer.can_write or viewer.scoped_token:
        raise Forbidden(f"This token may not {deed}; use a write token")
    return viewer.user_id


def listed(viewer: Viewer) -> Q:
    """A condition on threads for lists: those that everybody who sees their place sees.

    Lists show no drafts and nothing that is held back; pages of one's own posts do.
    """
    condition, params = visible_sql(viewer, "r")
    ids = RawSQL(f"SELECT r.id FROM {Repository._meta.db_table} r WHERE {condition}", params)  # noqa: S611
    return Q(state=State.VISIBLE, published_at__lte=now()) & (
        Q(repository=None) | Q(repository_id__in=ids)
    )


def listed_sql(viewer: Viewer, thread: str, repository: str) -> tuple[str, list[Any]]:
    """The same for hand-written statements: on a thread's alias and that of its repository,
    which is joined from the left; and its parameters.
    """
    known, params = visible_sql(viewer, repository)
    condition = (
        f"{thread}.state = '{State.VISIBLE.value}' AND {thread}.published_at <= %s "
        f"AND ({thread}.repository_id IS NULL OR {known})"
    )
    return condition, [connection.ops.adapt_datetimefield_value(now()), *params]


def ids_listed(viewer: Viewer, ids: Collection[int]) -> set[int]:
    """Those of some threads that lists show her."""
    if not ids:
        return set()
    condition, params = listed_sql(viewer, "t", "r")
    found = db.rows(
        f"SELECT t.id FROM {Thread._meta.db_table} t "
        f"LEFT JOIN {Repository._meta.db_table} r ON r.id = t.repository_id "
        f"WHERE t.id IN ({db.marks(ids)}) AND {condition}",
        [*ids, *params],
    )
    return {pk for (pk,) in found}
