"""Lists of topics, page by page: what an address asks for, and the threads that meet it.

Each order walks an index and stops after a page; a cursor says where the next one begins.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, Q, QuerySet

from llmos.accounts.access import Viewer
from llmos.community.forum.access import listed_topics, shown_topics
from llmos.community.forum.models import Category, Topic
from llmos.community.forum.sql import latest_ids, pinned_ids, shown_threads
from llmos.community.threads.models import Reading, Tag, Thread, ThreadTag, Watch
from llmos.kit.errors import Invalid
from llmos.store import db

ROWS_A_PAGE = 30
MOST_PINNED = 10
ORDERS = ("latest", "new", "unread", "unanswered", "top")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which topics somebody wants to see, and in which order."""

    base: str  # the page's address
    order: str = "latest"
    category: Category | None = None
    tag: Tag | None = None
    after: str = ""

    @property
    def is_plain(self) -> bool:
        """Whether it is what nearly everybody asks for: the beginning, by the last post."""
        return self.order == "latest" and self.tag is None and not self.after

    def address(self, **changes: Any) -> str:
        """The same list with something else, from its beginning unless `after` is given."""
        wish = replace(self, **{"after": "", **changes})
        said = {"order": wish.order} if wish.order != ORDERS[0] else {}
        said |= {"after": wish.after} if wish.after else {}
        return f"{wish.base}?{urlencode(said)}" if said else wish.base


@dataclass(frozen=True, slots=True)
class Page:
    threads: list[Thread]
    cursor: str  # of the next page; empty at the end


@dataclass(frozen=True, slots=True)
class Watches:
    """How closely a member follows categories, and what she never wants to see in lists."""

    categories: dict[int, int] = field(default_factory=dict)  # id → level
    muted_threads: tuple[int, ...] = ()
    muted_tags: tuple[int, ...] = ()

    @property
    def muted_categories(self) -> list[int]:
        return [pk for pk, level in self.categories.items() if level == Watch.Level.MUTED]

    @property
    def any_muted(self) -> bool:
        """Whether anything is left out."""
        return bool(self.muted_threads or self.muted_tags or self.muted_categories)


def page_of(
    viewer: Viewer, wish: Wish, *, watches: Watches | None = None, rows: int = ROWS_A_PAGE
) -> Page:
    """One page of a list. Pinned topics are the page's own business where it has a category.

    Raises Invalid for a cursor that is not ours.
    """
    watches = watches or watches_of(viewer)
    if wish.is_plain and not watches.any_muted:
        ids = latest_ids(wish.category, rows + 1)
    else:
        by_thread = wish.order in _BY_THREAD
        listed = _by_thread(viewer, wish, watches) if by_thread else _by_topic(wish, watches)
        ids = list(listed.values_list("pk", flat=True)[: rows + 1])
    threads = shown_threads(ids[:rows])
    more = len(ids) > rows and threads
    return Page(threads, _cursor(wish.order, threads[-1]) if more else "")


def pinned_in(category: Category) -> list[Thread]:
    """Topics that stand above the list of their category."""
    # Ordered here: asked for an order, a database walks the whole shelf by it.
    pinned = shown_threads(pinned_ids(category))
    return sorted(pinned, key=lambda one: one.bumped_at, reverse=True)[:MOST_PINNED]


def watches_of(viewer: Viewer) -> Watches:
    if viewer.user_id is None:
        return Watches()
    found = db.rows(
        f"SELECT kind, target, level FROM {Watch._meta.db_table} WHERE user_id = %s "
        f"AND (kind = '{Watch.Kind.CATEGORY.value}' OR level = {Watch.Level.MUTED.value})",
        [viewer.user_id],
    )
    said = [row for row in found if row[1].isdigit()]
    return Watches(
        {int(target): level for kind, target, level in said if kind == Watch.Kind.CATEGORY},
        tuple(int(target) for kind, target, _level in said if kind == Watch.Kind.THREAD),
        tuple(int(target) for kind, target, _level in said if kind == Watch.Kind.TAG),
    )


# Each order is the order of one table's index, which that table's query walks.
_BY_THREAD = frozenset({"latest", "unread"})


def _by_thread(viewer: Viewer, wish: Wish, watches: Watches) -> QuerySet[Thread]:
    """In the order of the last post."""
    found = Thread.objects.filter(listed_topics(), _wanted(wish, watches, "shelf"))
    if wish.category is not None and wish.order == "latest":
        found = found.filter(is_pinned=False)
    if wish.order == "unread":
        found = found.filter(_unread(viewer, watches))
    if wish.after:
        micros, pk = _numbers(wish.after, 2)
        at = _EPOCH + timedelta(microseconds=micros)
        # The first condition is what an index walks; the second only looks at equal moments.
        found = found.filter(bumped_at__lte=at).exclude(bumped_at=at, pk__gte=pk)
    return found.order_by("-bumped_at", "-pk")


def _by_topic(wish: Wish, watches: Watches) -> QuerySet[Topic]:
    """In the order of age or score."""
    found = shown_topics().filter(_wanted(wish, watches, "category"))
    if wish.order == "unanswered":
        found = found.filter(waits=True)
    if wish.order == "top":
        if wish.after:
            score, pk = _numbers(wish.after, 2)
            found = found.filter(score__lte=score).exclude(score=score, pk__gte=pk)
        return found.order_by("-score", "-pk")
    if wish.after:
        found = found.filter(pk__lt=_numbers(wish.after, 1)[0])
    return found.order_by("-pk")


def _wanted(wish: Wish, watches: Watches, shelf: str) -> Q:
    """What is asked for and not muted; rows of both tables have the same ids."""
    wanted, muted = Q(), watches.muted_categories
    if wish.category is not None:
        wanted &= Q(**{shelf: wish.category.pk})
    elif muted:
        wanted &= ~Q(**{f"{shelf}__in": muted})
    if wish.tag is not None:
        wanted &= Q(pk__in=ThreadTag.objects.filter(tag=wish.tag).values("thread_id"))
    elif watches.muted_tags:
        hidden = ThreadTag.objects.filter(tag_id__in=watches.muted_tags).values("thread_id")
        wanted &= ~Q(pk__in=hidden)
    return wanted & ~Q(pk__in=watches.muted_threads) if watches.muted_threads else wanted


def _unread(viewer: Viewer, watches: Watches) -> Q:
    """Begun and gone on since; or in a category that she tracks, and never opened."""
    if viewer.user_id is None:
        return Q(pk__in=[])
    read = Reading.objects.filter(user_id=viewer.user_id)
    gone_on = read.filter(last_number__lt=F("thread__last_number")).values("thread_id")
    tracked = Watch.objects.filter(
        user_id=viewer.user_id, kind=Watch.Kind.CATEGORY, level__gte=Watch.Level.TRACKING
    )
    wanted = Q(pk__in=gone_on)
    for target, since in tracked.values_list("target", "since"):
        opened = Q(shelf=target, created_at__gt=since)
        wanted |= opened & ~Q(pk__in=read.values("thread_id"))
    return wanted


def _cursor(order: str, last: Thread) -> str:
    """Where the next page begins: what the order goes by, and the id."""
    if order in _BY_THREAD:
        return f"{(last.bumped_at - _EPOCH) // timedelta(microseconds=1)}.{last.pk}"
    return f"{last.topic.score}.{last.pk}" if order == "top" else str(last.pk)


def _numbers(cursor: str, count: int) -> list[int]:
    parts = cursor.split(".")
    if len(parts) != count or not all(p.isascii() and p.isdigit() and len(p) < 18 for p in parts):
        raise Invalid("This address asks for a page that is none of ours; begin at the list's top")
    return [int(part) for part in parts]
