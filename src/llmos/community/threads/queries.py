"""Reading posts and what one member has to do with them."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.community.threads.access import listed
from llmos.community.threads.addresses import POSTS_A_PAGE
from llmos.community.threads.models import (
    Bookmark,
    Draft,
    Post,
    Reaction,
    Reading,
    Reference,
    State,
    Tag,
    Thread,
    Watch,
)
from llmos.community.threads.sql import posts_numbered as posts_numbered
from llmos.community.threads.sql import tags_of as tags_of
from llmos.community.threads.sql import users_by_id as users_by_id
from llmos.community.trust.models import Distance
from llmos.kit.text import fold
from llmos.store import db

MOST_BACKLINKS = 20  # of one post
MENTIONS_OFFERED = 8


@dataclass(frozen=True, slots=True)
class Backlink:
    """A post that quotes or names another one."""

    post_id: int
    number: int
    thread_id: int
    title: str
    author: str


def posts_of_page(thread: Thread, page: int) -> list[Post]:
    """Posts whose numbers stand on a page, the held back ones too, with their authors."""
    first = (page - 1) * POSTS_A_PAGE + 1
    return posts_numbered(thread, range(first, first + POSTS_A_PAGE))


def posts_after(thread: Thread, number: int, limit: int) -> list[Post]:
    found = (
        Post.objects.filter(thread=thread, number__gt=number, state=State.VISIBLE)
        .select_related("author__namespace")
        .order_by("number")
    )
    return list(found[:limit])


@dataclass(frozen=True, slots=True)
class OwnMarks:
    """What one member has to do with a page of a thread."""

    last_read: int | None = None  # None: never opened
    watch: int = Watch.Level.NORMAL
    reactions: dict[int, set[str]] = field(default_factory=dict)  # by post
    bookmarks: set[int] = field(default_factory=set)
    away: set[int] = field(default_factory=set)  # members whose posts are folded


def own_marks(user_id: int, thread_id: int, posts: Collection[int]) -> OwnMarks:
    """All of it in one statement: each small query costs more than its answer."""
    among = f"({db.marks(posts)})" if posts else "(NULL)"
    found = db.rows(
        f"""
        SELECT 'read', 0, CAST(last_number AS TEXT) FROM {Reading._meta.db_table}
        WHERE user_id = %s AND thread_id = %s
        UNION ALL SELECT 'watch', 0, CAST(level AS TEXT) FROM {Watch._meta.db_table}
        WHERE user_id = %s AND kind = '{Watch.Kind.THREAD.value}' AND target = %s
        UNION ALL SELECT 'reaction', post_id, name FROM {Reaction._meta.db_table}
        WHERE user_id = %s AND post_id IN {among}
        UNION ALL SELECT 'bookmark', post_id, '' FROM {Bookmark._meta.db_table}
        WHERE user_id = %s AND post_id IN {among}
        UNION ALL SELECT 'away', other_id, degree FROM {Distance._meta.db_table}
        WHERE user_id = %s
        """,
        [user_id, thread_id, user_id, str(thread_id), user_id, *posts, user_id, *posts, user_id],
    )
    values: dict[str, int] = {what: int(value) for what, key, value in found if not key}
    reactions: dict[int, set[str]] = {}
    for what, key, value in found:
        if what == "reaction":
            reactions.setdefault(key, set()).add(value)
    folded = {Distance.Degree.IGNORE.value, Distance.Degree.BLOCK.value}
    return OwnMarks(
        last_read=values.get("read"),
        watch=values.get("watch", Watch.Level.NORMAL),
        reactions=reactions,
        bookmarks={key for what, key, _value in found if what == "bookmark"},
        away={key for what, key, value in found if what == "away" and value in folded},
    )


def bookmarks_of(user_id: int) -> QuerySet[Bookmark]:
    """Newest first. Each is to be asked for access before it is shown."""
    rows = Bookmark.objects.filter(user_id=user_id).select_related(
        "post__author__namespace", "post__thread__repository__namespace", "post__thread__author"
    )
    return rows.order_by("-at", "-pk")


def backlinks_of(viewer: Viewer, posts: Collection[int]) -> dict[int, list[Backlink]]:
    """What quotes these posts, in conversations that the viewer finds in lists."""
    rows = Reference.objects.filter(kind=Reference.Kind.POST, target__in=posts)
    return _backlinks(viewer, rows)


def thread_backlinks(viewer: Viewer, thread_id: int) -> list[Backlink]:
    """What names this thread from elsewhere."""
    rows = Reference.objects.filter(kind=Reference.Kind.THREAD, target=thread_id)
    rows = rows.exclude(post__thread_id=thread_id)
    return _backlinks(viewer, rows).get(thread_id, [])


def _backlinks(viewer: Viewer, rows: QuerySet[Reference]) -> dict[int, list[Backlink]]:
    found = list(
        rows.filter(post__state=State.VISIBLE)
        .order_by("post_id")
        .values_list(
            "target",
            "post_id",
            "post__number",
            "post__thread_id",
            "post__thread__title",
            "post__author__username",
        )[: MOST_BACKLINKS * POSTS_A_PAGE]
    )
    if not found:
        return {}
    threads = Thread.objects.filter(listed(viewer), pk__in={row[3] for row in found})
    seen = set(threads.values_list("pk", flat=True))
    links: dict[int, list[Backlink]] = {}
    for target, post_id, number, thread_id, title, author in found:
        of_target = links.setdefault(target, [])
        if thread_id in seen and len(of_target) < MOST_BACKLINKS:
            of_target.append(Backlink(post_id, number, thread_id, title, author or ""))
    return links


def last_read(user_id: int, threads: Collection[int]) -> dict[int, int]:
    """Where the member left off, by thread; the ones she never read are missing."""
    rows = Reading.objects.filter(user_id=user_id, thread_id__in=threads)
    return dict(rows.values_list("thread_id", "last_number"))


def watch_level(user_id: int, kind: str, target: str) -> int:
    row = Watch.objects.filter(user_id=user_id, kind=kind, target=target)
    level: int | None = row.values_list("level", flat=True).first()
    return Watch.Level.NORMAL if level is None else level


def watch_levels(user_id: int, kind: str, targets: Iterable[str]) -> dict[str, int]:
    rows = Watch.objects.filter(user_id=user_id, kind=kind, target__in=list(targets))
    return dict(rows.values_list("target", "level"))


def draft_of(user_id: int | None, form: str) -> dict[str, Any]:
    """What the member had begun to write in a form, or nothing."""
    if user_id is None:
        return {}
    content = Draft.objects.filter(user_id=user_id, form=form)
    found: dict[str, Any] | None = content.values_list("content", flat=True).first()
    return found or {}


def drafts_of(user_id: int) -> QuerySet[Draft]:
    return Draft.objects.filter(user_id=user_id).order_by("-at", "-pk")


def names_beginning(viewer: Viewer, letters: str) -> list[dict[str, str]]:
    """Members and organisations to choose from after an `@`."""
    found = Namespace.objects.filter(key__startswith=letters.casefold()).exclude(
        user__is_active=False
    )
    rows = found.order_by("key").values_list("name", "full_name")[:MENTIONS_OFFERED]
    return [{"name": name, "about": about} for name, about in rows]


def tags_beginning(letters: str) -> list[dict[str, str]]:
    """Tags to choose from after a `#`, the used ones first."""
    spelled = fold(letters)
    found = Tag.objects.filter(
        Q(name__startswith=spelled)
        | Q(title_zh__startswith=letters)
        | Q(aliases__alias__startswith=spelled)
    ).distinct()
    rows = found.order_by("-threads_count", "name")[:MENTIONS_OFFERED]
    return [{"name": tag.name, "about": tag.title_zh or tag.title_en} for tag in rows]


def talked_about_lately(viewer: Viewer, count: int) -> list[Thread]:
    """Topics and articles in which something was written last, newest first."""
    found: list[Thread] = []
    for place in (Thread.Place.TOPIC, Thread.Place.ARTICLE):  # each walks its own index
        threads = Thread.objects.filter(listed(viewer), place=place)
        found += threads.order_by("-bumped_at", "-pk")[:count]
    return sorted(found, key=lambda thread: thread.bumped_at, reverse=True)[:count]
