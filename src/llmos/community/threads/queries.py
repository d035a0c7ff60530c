"""Reading posts and what one member has to do with them."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q, QuerySet

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace, User
from llmos.community.threads.access import ids_listed, listed
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
from llmos.community.threads.sql import people_by_id as people_by_id
from llmos.community.threads.sql import posts_numbered as posts_numbered
from llmos.community.threads.sql import tags_of as tags_of
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


@dataclass(frozen=True, slots=True)
class Backlinks:
    of_posts: defaultdict[int, list[Backlink]] = field(default_factory=lambda: defaultdict(list))
    of_thread: list[Backlink] = field(default_factory=list)


def posts_of_page(thread: Thread, page: int) -> list[Post]:
    """Posts whose numbers stand on a page, the held back ones too."""
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


def backlinks_of(viewer: Viewer, thread_id: int, posts: Collection[int]) -> Backlinks:
    """What quotes these posts and names their thread from elsewhere.

    Only from conversations that the viewer finds in lists.
    """
    kinds = Reference.Kind
    found = db.rows(
        f"""
        SELECT f.kind, f.target, p.id, p.number, t.id, t.title, u.username
        FROM {Reference._meta.db_table} f JOIN {Post._meta.db_table} p ON p.id = f.post_id
        JOIN {Thread._meta.db_table} t ON t.id = p.thread_id
        LEFT JOIN {User._meta.db_table} u ON u.id = p.author_id
        WHERE p.state = '{State.VISIBLE.value}' AND (
            f.kind = '{kinds.POST.value}' AND f.target IN ({db.marks(posts) or "NULL"})
            OR f.kind = '{kinds.THREAD.value}' AND f.target = %s AND t.id <> %s)
        ORDER BY p.id LIMIT {MOST_BACKLINKS * POSTS_A_PAGE}
        """,
        [*posts, thread_id, thread_id],
    )
    links = Backlinks()
    if not found:
        return links
    seen = ids_listed(viewer, {row[4] for row in found})
    for kind, target, post_id, number, in_thread, title, author in found:
        link = Backlink(post_id, number, in_thread, title, author or "")
        of_target = links.of_thread if kind == kinds.THREAD else links.of_posts[target]
        if link.thread_id in seen and len(of_target) < MOST_BACKLINKS:
            of_target.append(link)
    return links


def last_read(user_id: int, threads: Collection[int]) -> dict[int, int]:
    """Where the member left off, by thread; the ones she never read are missing."""
    if not threads:
        return {}
    return dict(
        db.rows(
            f"SELECT thread_id, last_number FROM {Reading._meta.db_table} "
            f"WHERE user_id = %s AND thread_id IN ({db.marks(threads)})",
            [user_id, *threads],
        )
    )


def watch_level(user_id: int, kind: str, target: str) -> int:
    row = Watch.objects.filter(user_id=user_id, kind=kind, target=target)
    level: int | None = row.values_list("level", flat=True).first()
    return Watch.Level.NORMAL if level is None else level


def draft_of(user_id: int | None, form: str) -> dict[str, Any]:
    """What the member had begun to write in a form, or nothing."""
    if user_id is None:
        return {}
    found = db.instances(Draft, "WHERE m.user_id = %s AND m.form = %s", (user_id, form))
    return dict(found[0].content) if found else {}


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
