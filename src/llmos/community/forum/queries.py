"""Reading categories, topics that wait, polls and routed questions."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.core.cache import cache
from django.db.models import (
    Count,
    Min,
    Q,
    QuerySet,
    prefetch_related_objects,
)

from llmos.accounts.access import Viewer
from llmos.community.forum.access import shown_topics
from llmos.community.forum.models import ASKING, Ballot, Category, FormerPlace, Poll, Route, Topic
from llmos.community.forum.sql import all_categories, latest_threads, shown_threads
from llmos.community.threads.models import Post, State, Tag, Thread
from llmos.kit.text import fold, search_words
from llmos.store import db, search

SIMILAR_SHOWN = 5
SIMILAR_KEPT = 8
ROUTED_SHOWN = 5
QUEUE_OF_LANGUAGE = 10  # questions shown of each starving language
TAGS_SHOWN = 300
_ANSWERERS_SECONDS = 600
_SPARE = 10  # more hits than are shown: some share one common word only
_IN_ANY_TITLE = frozenset(
    "a an and any are as at be by can do does for from have how i in is it my not of on or our "
    "should so that the this to use was what when where which who why will with you your "
    "怎么 么样 什么 为什 如何 这个 那个 一个 可以 可不 是不 不是 有没 没有 问题 请问 "
    "关于 大家".split()
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """A category in the list, with the topic that was last written in."""

    category: Category
    latest: Thread | None
    watch: int


@dataclass(frozen=True, slots=True)
class Queue:
    """Questions that wait in one language, and how many members answer in it."""

    language: str
    answerers: int
    waiting: int
    threads: list[Thread]


def categories(*, retired: bool = False) -> list[Category]:
    """In the order of the list."""
    found = all_categories()
    return found if retired else [one for one in found if one.retired_at is None]


def categories_by_id() -> dict[int, Category]:
    return {one.pk: one for one in all_categories()}


def shelves(levels: Mapping[int, int]) -> list[Shelf]:
    """The list of categories; `levels` is how closely the viewer follows each."""
    latest = latest_threads()
    return [Shelf(one, latest.get(one.pk), levels.get(one.pk, 0)) for one in categories()]


def former_place(thread_id: int, number: int | None) -> Post | None:
    """Where a post stands today that was once read elsewhere; of a whole topic, its first."""
    found = FormerPlace.objects.filter(thread=thread_id).select_related("post__thread")
    if number is not None:
        found = found.filter(number=number)
    first = found.order_by("number").first()
    return first.post if first is not None else None


def similar(title: str, *, leave_out: int = 0, limit: int = SIMILAR_SHOWN) -> list[Thread]:
    """Topics that everybody sees whose titles share words with this one, nearest first."""
    words = _telling_words(title)
    hits = search.near(" ".join(words), kinds=[Thread.Place.TOPIC], limit=limit + _SPARE)
    of_post = dict(
        Post.objects.filter(pk__in=[hit.id for hit in hits]).values_list("pk", "thread_id")
    )
    ids = dict.fromkeys(of_post[hit.id] for hit in hits if hit.id in of_post)
    ids.pop(leave_out, None)
    shared = min(2, len(words))
    return [
        thread
        for thread in shown_threads(list(ids))
        if len(words & _telling_words(thread.title)) >= shared
    ][:limit]


def _telling_words(title: str) -> set[str]:
    """The words of a title less those that stand in any title."""
    words = {word for phrase in search_words(title) for word in phrase if len(word) > 1}
    return words - _IN_ANY_TITLE


def waiting() -> QuerySet[Topic]:
    """Questions that nobody but their asker has answered, oldest first."""
    return shown_topics().filter(waits=True).order_by("pk")


def starving() -> list[Queue]:
    """What waits by language, those with the fewest answerers for each question first."""
    found = Thread.objects.filter(pk__in=waiting().order_by().values("pk")).values("language")
    counts = {
        row["language"]: (row["n"], row["since"])
        for row in found.annotate(n=Count("pk"), since=Min("pk"))
    }
    answer = answerers()
    order = sorted(
        counts, key=lambda one: (answer.get(one, 0) / counts[one][0], counts[one][1], one)
    )
    return [
        Queue(
            language=language,
            answerers=answer.get(language, 0),
            waiting=counts[language][0],
            threads=_first(waiting().filter(thread__language=language), QUEUE_OF_LANGUAGE),
        )
        for language in order
    ]


def answerers() -> dict[str, int]:
    """How many members have had an answer accepted, by language; at most ten minutes old."""
    found: dict[str, int] | None = cache.get("forum-answerers")
    if found is None:
        rows = Topic.objects.filter(answer__isnull=False).values_list("thread__language")
        found = dict(rows.annotate(Count("answer__author", distinct=True)))
        cache.set("forum-answerers", found, _ANSWERERS_SECONDS)
    return found


def unsolved(limit: int) -> list[Thread]:
    """Questions with answers of which none was accepted, newest first."""
    found = shown_topics().filter(category__kind__in=ASKING, solved_at=None, waits=False)
    return [one for one in _first(found.order_by("-pk"), limit) if one.closed_at is None]


def _first(topics: QuerySet[Topic], count: int) -> list[Thread]:
    return shown_threads(list(topics.values_list("pk", flat=True)[:count]))


def routed_to(viewer: Viewer) -> list[Route]:
    """Questions that wait for this member, newest first."""
    if viewer.user_id is None:
        return []
    found = Route.objects.filter(user_id=viewer.user_id, is_declined=False)
    routes = [
        route
        for route in found.select_related("thread__topic").order_by("-at")[: 4 * ROUTED_SHOWN]
        if route.thread.state == State.VISIBLE
        and route.thread.closed_at is None
        and not route.thread.topic.is_solved
    ]
    if not routes:
        return []
    own = Post.objects.filter(
        author_id=viewer.user_id, thread__in=[route.thread_id for route in routes]
    )
    answered = set(own.values_list("thread_id", flat=True))
    return [route for route in routes if route.thread_id not in answered][:ROUTED_SHOWN]


def polls_of(post_ids: Collection[int]) -> dict[int, Poll]:
    among = db.marks(post_ids) or "NULL"
    polls = db.instances(Poll, f"WHERE m.post_id IN ({among})", tuple(post_ids))
    prefetch_related_objects(polls, "choices")
    return {poll.post_id: poll for poll in polls}


def ballots_of(viewer: Viewer, polls: Collection[int]) -> dict[int, list[int]]:
    """What this member chose, by poll."""
    if viewer.user_id is None:
        return {}
    rows = Ballot.objects.filter(user_id=viewer.user_id, poll_id__in=polls)
    return dict(rows.values_list("poll_id", "places"))


def tags_in_use(words: str = "", *, most: int = TAGS_SHOWN) -> list[Tag]:
    """Tags that topics bear or that we began with, most used first; by a spelling's beginning."""
    if not words:  # on the forum's first page
        return db.instances(Tag, "ORDER BY m.threads_count DESC, m.name LIMIT %s", (most,))
    found = Tag.objects.filter(pk__in=_spelled(words))
    return list(found.order_by("-threads_count", "name")[:most])


def _spelled(words: str) -> set[int]:

    start = fold(words).strip().lstrip("#")
    matches = Tag.objects.filter(
        Q(name__startswith=start)
        | Q(title_en__istartswith=start)
        | Q(title_zh__startswith=start)
        | Q(aliases__alias__startswith=start)
    )
    return set(matches.values_list("pk", flat=True)[:TAGS_SHOWN])


def facts_for_search(thread_ids: Collection[int]) -> dict[int, list[str]]:
    """Terms of topics that searches filter by: `solved:yes`, `type:question`, `category:…`."""
    rows = Topic.objects.filter(pk__in=thread_ids).select_related("category")
    return {topic.pk: _facts(topic) for topic in rows}


def _facts(topic: Topic) -> list[str]:
    category = topic.category
    said = [f"type:{category.kind}", f"category:{category.slug}"]
    if category.asks:
        said.append(f"solved:{'yes' if topic.is_solved else 'no'}")
    return said
