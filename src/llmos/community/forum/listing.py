"""Lists of topics, page by page: what an address asks for, and the threads that meet it.

Each order walks an index and stops after a page; a cursor says where the next one begins.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import F, Q, QuerySet

from llmos.accounts.access import Viewer
from llmos.community.forum.access import listed_topics
from llmos.community.forum.models import Category
from llmos.community.threads.models import Reading, Tag, Thread, ThreadTag, Watch
from llmos.kit.errors import Invalid

ROWS_A_PAGE = 30
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
class Muted:
    """What a member never wants to see in lists."""

    threads: tuple[int, ...] = ()
    categories: tuple[int, ...] = ()
    tags: tuple[int, ...] = ()


def page_of(viewer: Viewer, wish: Wish, *, rows: int = ROWS_A_PAGE) -> Page:
    """One page of a list. Pinned topics are the page's own business where it has a category.

    Raises Invalid for a cursor that is not ours.
    """
    found = _after(_wanted(viewer, wish), wish)
    threads = list(found.select_related("topic__category")[: rows + 1])
    more = len(threads) > rows
    return Page(threads[:rows], _cursor(threads[rows - 1], wish.order) if more else "")


def pinned_in(category: Category) -> list[Thread]:
    """Topics that stand above the list of their category."""
    found = Thread.objects.filter(listed_topics(), shelf=category.pk, is_pinned=True)
    return list(found.select_related("topic__category").order_by("-bumped_at", "-pk")[:10])


def muted_by(viewer: Viewer) -> Muted:
    if viewer.user_id is None:
        return Muted()
    kinds = [Watch.Kind.THREAD, Watch.Kind.CATEGORY, Watch.Kind.TAG]
    rows = Watch.objects.filter(user_id=viewer.user_id, kind__in=kinds, level=Watch.Level.MUTED)
    said: dict[str, list[str]] = {kind: [] for kind in kinds}
    for kind, target in rows.values_list("kind", "target"):
        said[kind].append(target)
    return Muted(
        threads=_ids(said[Watch.Kind.THREAD]),
        categories=_ids(said[Watch.Kind.CATEGORY]),
        tags=_ids(said[Watch.Kind.TAG]),
    )


def _wanted(viewer: Viewer, wish: Wish) -> QuerySet[Thread]:
    found = Thread.objects.filter(listed_topics())
    muted = muted_by(viewer)
    if wish.category is not None:
        found = found.filter(shelf=wish.category.pk)
        if wish.order == "latest":
            found = found.filter(is_pinned=False)
    else:
        found = found.exclude(shelf__in=muted.categories) if muted.categories else found
    if wish.tag is not None:
        found = found.filter(tag_rows__tag=wish.tag)
    elif muted.tags:
        hidden = ThreadTag.objects.filter(tag_id__in=muted.tags).values("thread_id")
        found = found.exclude(pk__in=hidden)
    if muted.threads:
        found = found.exclude(pk__in=muted.threads)
    if wish.order == "unanswered":
        found = found.filter(topic__waits=True)
    if wish.order == "unread":
        found = found.filter(_unread(viewer))
    return found


def _unread(viewer: Viewer) -> Q:
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


def _after(found: QuerySet[Thread], wish: Wish) -> QuerySet[Thread]:
    """In the wished order, from the cursor on."""
    if wish.order in {"new", "unanswered"}:
        if wish.category is not None:
            found = found.filter(topic__category=wish.category)
        found = found.order_by("-topic")
        return found.filter(topic__lt=_numbers(wish.after, 1)[0]) if wish.after else found
    if wish.order == "top":
        if wish.category is not None:
            found = found.filter(topic__category=wish.category)
        found = found.order_by("-topic__score", "-topic")
        if wish.after:
            score, pk = _numbers(wish.after, 2)
            found = found.filter(topic__score__lte=score)
            found = found.exclude(topic__score=score, topic__gte=pk)
        return found
    found = found.order_by("-bumped_at", "-pk")
    if wish.after:
        micros, pk = _numbers(wish.after, 2)
        at = datetime.fromtimestamp(micros / 1_000_000, UTC)
        # The first condition is what an index walks; the second only looks at equal moments.
        found = found.filter(bumped_at__lte=at).exclude(bumped_at=at, pk__gte=pk)
    return found


def _cursor(last: Thread, order: str) -> str:
    if order in {"new", "unanswered"}:
        return str(last.pk)
    if order == "top":
        return f"{last.topic.score}.{last.pk}"
    return f"{round((last.bumped_at - _EPOCH).total_seconds() * 1_000_000)}.{last.pk}"


def _numbers(cursor: str, count: int) -> list[int]:
    parts = cursor.split(".")
    if len(parts) != count or not all(p.isascii() and p.isdigit() and len(p) < 18 for p in parts):
        raise Invalid("This address asks for a page that is none of ours; begin at the list's top")
    return [int(part) for part in parts]


def _ids(targets: list[str]) -> tuple[int, ...]:
    return tuple(int(target) for target in targets if target.isdigit())
