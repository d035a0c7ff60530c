"""The forum's lists and topics for feed readers: what somebody without an account sees."""

from collections.abc import Sequence

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.translation import gettext as _

from llmos.accounts.access import ANONYMOUS
from llmos.community.forum.access import category_for, topic_for
from llmos.community.forum.listing import Wish, page_of
from llmos.community.forum.pages.lists import tag_address, tag_for
from llmos.community.threads.addresses import post_address
from llmos.community.threads.feeds import ENTRIES, Entry, FeedKind, feed_response
from llmos.community.threads.models import Post, State, Thread
from llmos.community.threads.queries import tags_of
from llmos.community.threads.rendering import filled


def forum(request: HttpRequest, kind: FeedKind) -> HttpResponse:
    wish = Wish("/forum", order="new")
    return feed_response(request, kind, title=_("Forum"), address="/forum", entries=_topics(wish))


def category(request: HttpRequest, slug: str, kind: FeedKind) -> HttpResponse:
    found = category_for(slug)
    entries = _topics(Wish(found.address, order="new", category=found))
    return feed_response(
        request,
        kind,
        title=found.title,
        address=found.address,
        entries=entries,
        description=found.about,
    )


def tag(request: HttpRequest, name: str, kind: FeedKind) -> HttpResponse:
    found = tag_for(name)
    address = tag_address(found)
    entries = _topics(Wish(address, order="new", tag=found))
    return feed_response(request, kind, title=f"#{found.name}", address=address, entries=entries)


def topic(request: HttpRequest, thread_id: int, kind: FeedKind) -> HttpResponse:
    """The newest posts of a topic."""
    thread = topic_for(ANONYMOUS, thread_id).thread
    posts = Post.objects.filter(thread=thread, state=State.VISIBLE, deed="")
    newest = list(posts.select_related("author").order_by("-number")[:ENTRIES])
    return feed_response(
        request,
        kind,
        title=thread.title,
        address=f"/t/{thread.pk}",
        entries=_entries(newest, {thread.pk: thread}),
        language=thread.language,
    )


def _topics(wish: Wish) -> list[Entry]:
    """First posts of the newest topics."""
    threads = page_of(ANONYMOUS, wish, rows=ENTRIES).threads
    by_id = {thread.pk: thread for thread in threads}
    posts = Post.objects.filter(thread__in=threads, number=1, state=State.VISIBLE)
    found = sorted(posts.select_related("author"), key=lambda post: -post.thread_id)
    return _entries(found, by_id)


def _entries(posts: Sequence[Post], threads: dict[int, Thread]) -> list[Entry]:
    for post in posts:
        post.thread = threads[post.thread_id]
    html, tags = filled(posts, ANONYMOUS), tags_of(list(threads))
    return [
        Entry(
            title=post.thread.title if post.number == 1 else f"Re: {post.thread.title}",
            address=post_address(post.thread.address, post.number),
            html=str(html[post.pk]),
            author=post.author.username if post.author else "",
            at=post.created_at,
            updated=post.edited_at,
            language=post.language,
            tags=[one.name for one in tags.get(post.thread_id, [])],
            id=f"/posts/{post.pk}",
        )
        for post in posts
    ]


urlpatterns = [
    one
    for kind in ("atom", "json")
    for one in (
        path(f"forum.{kind}", forum, {"kind": kind}),
        path(f"forum/c/<slug:slug>.{kind}", category, {"kind": kind}),
        path(f"forum/tags/<str:name>.{kind}", tag, {"kind": kind}),
        path(f"t/<int:thread_id>.{kind}", topic, {"kind": kind}),
    )
]
