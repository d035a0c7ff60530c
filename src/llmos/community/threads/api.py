"""Threads for machines: read conversations, and write in them with a token.

What a viewer finds here is what she finds on the pages. `key` makes a post that is sent twice
one post, so a client may try again after a lost connection.
"""

from typing import Any

from django.db.models import Q
from django.utils.dateparse import parse_datetime
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import Viewer, viewer_of
from llmos.community.threads import actions, queries
from llmos.community.threads.access import listed, post_for, thread_for, thread_to_answer
from llmos.community.threads.addresses import post_address
from llmos.community.threads.models import Post, Tag, Thread
from llmos.community.threads.rendering import filled
from llmos.kit.errors import Invalid
from llmos.kit.time import iso
from llmos.store.http import base_url, blocking, json_of, reply

THREADS_A_PAGE = 50
POSTS_A_PAGE = 100


@blocking
def list_threads(request: Request, body: bytes) -> Response:
    """Conversations, the last written in first; by `place`, `author`, `tag` and `repository`.

    `Link: rel="next"` leads on.
    """
    viewer, query = viewer_of(request), request.query_params
    found = Thread.objects.filter(listed(viewer)).select_related("author", "repository")
    if place := query.get("place"):
        if place not in Thread.Place.values:
            raise Invalid(
                f"There is no place {place!r}; there are {', '.join(Thread.Place.values)}"
            )
        found = found.filter(place=place)
    if author := query.get("author"):
        found = found.filter(author__namespace__key=author.casefold())
    if tag := query.get("tag"):
        found = found.filter(tag_rows__tag__name=tag)
    if repository := query.get("repository"):
        found = found.filter(repository__key=repository.casefold())
    if before := query.get("before"):
        found = found.filter(_before(before))
    rows = list(found.order_by("-bumped_at", "-pk")[: THREADS_A_PAGE + 1])
    headers = {}
    if len(rows) > THREADS_A_PAGE:
        rows = rows[:THREADS_A_PAGE]
        cursor = f"{rows[-1].bumped_at.isoformat()}_{rows[-1].pk}"
        following = request.url.include_query_params(before=cursor).query
        headers["Link"] = f'<{base_url(request)}{request.url.path}?{following}>; rel="next"'
    tags = queries.tags_of([row.pk for row in rows])
    base = base_url(request)
    return reply([_thread(row, tags.get(row.pk, []), base) for row in rows], headers=headers)


@blocking
def show_thread(request: Request, body: bytes) -> Response:
    """One conversation without its posts."""
    thread = thread_for(viewer_of(request), request.path_params["id"])
    tags = queries.tags_of([thread.pk]).get(thread.pk, [])
    return reply(_thread(thread, tags, base_url(request)))


@blocking
def list_posts(request: Request, body: bytes) -> Response:
    """Posts in order, a hundred at a time; `after` is the number of the last one known."""
    viewer = viewer_of(request)
    thread = thread_for(viewer, request.path_params["id"])
    found = queries.posts_after(thread, _number(request, "after"), POSTS_A_PAGE + 1)
    headers = {}
    if len(found) > POSTS_A_PAGE:
        found = found[:POSTS_A_PAGE]
        address = f"{base_url(request)}{request.url.path}?after={found[-1].number}"
        headers["Link"] = f'<{address}>; rel="next"'
    return reply(_posts(found, thread, viewer, base_url(request)), headers=headers)


@blocking
def write(request: Request, body: bytes) -> Response:
    """Answer: `text`, and if wished `replyTo`, `language` and `key`."""
    viewer = viewer_of(request)
    thread = thread_to_answer(viewer, request.path_params["id"])
    sent = json_of(body)
    reply_to = sent.get("replyTo")
    if reply_to is not None and (not isinstance(reply_to, int) or isinstance(reply_to, bool)):
        raise Invalid("replyTo is the id of a post, a whole number")
    post = actions.write_post(
        viewer,
        thread=thread,
        text=_words(sent, "text"),
        reply_to=post_for(viewer, reply_to) if reply_to is not None else None,
        language=_words(sent, "language"),
        key=_words(sent, "key")[:64] or None,
    )
    return reply(_posts([post], thread, viewer, base_url(request))[0], status=201)


@blocking
def show_post(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    post = post_for(viewer, request.path_params["id"])
    return reply(_posts([post], post.thread, viewer, base_url(request))[0])


@blocking
def edit(request: Request, body: bytes) -> Response:
    """Another `text`; `edits` is how often it had been edited when it was read."""
    viewer = viewer_of(request)
    post = post_for(viewer, request.path_params["id"])
    sent = json_of(body)
    seen = sent.get("edits")
    if not isinstance(seen, int) or isinstance(seen, bool):
        raise Invalid("edits says which text you change: send the number that the post has")
    changed = actions.edit_post(
        viewer,
        post=post,
        text=_words(sent, "text"),
        seen_edits=seen,
        note=_words(sent, "note"),
    )
    return reply(_posts([changed], changed.thread, viewer, base_url(request))[0])


@blocking
def react(request: Request, body: bytes) -> Response:
    """Set (`PUT`) or take back (`DELETE`) a reaction."""
    viewer = viewer_of(request)
    post = post_for(viewer, request.path_params["id"])
    on = request.method == "PUT"
    actions.react(viewer, post=post, name=request.path_params["name"], on=on)
    post.refresh_from_db(fields=["reactions"])
    return reply({"reactions": post.reactions})


def _thread(thread: Thread, tags: list[Tag], base: str) -> dict[str, Any]:
    return {
        "id": thread.pk,
        "place": thread.place,
        "title": thread.title,
        "url": base + thread.address,
        "language": thread.language,
        "author": thread.author.username if thread.author else None,
        "repository": str(thread.repository) if thread.repository else None,
        "tags": [tag.name for tag in tags],
        "state": thread.state,
        "closed": thread.closed_at is not None,
        "pinned": thread.is_pinned,
        "posts": thread.posts_count,
        "views": thread.views,
        "createdAt": iso(thread.created_at),
        "lastPostAt": iso(thread.bumped_at),
    }


def _posts(posts: list[Post], thread: Thread, viewer: Viewer, base: str) -> list[dict[str, Any]]:
    html = filled(posts, viewer)
    return [
        {
            "id": post.pk,
            "thread": thread.pk,
            "number": post.number,
            "url": base + post_address(thread.address, post.number),
            "author": post.author.username if post.author else None,
            "language": post.language,
            "text": post.text,
            "html": str(html[post.pk]),
            "deed": post.deed or None,
            "state": post.state,
            "replyTo": post.reply_to_id,
            "reactions": post.reactions,
            "edits": post.edits,
            "createdAt": iso(post.created_at),
            "editedAt": iso(post.edited_at) if post.edited_at else None,
        }
        for post in posts
    ]


def _before(cursor: str) -> Q:
    """What comes after a cursor in the list. Raises Invalid."""
    text, _mark, number = cursor.rpartition("_")
    try:
        moment = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None or not number.isdecimal() or len(number) > 18:
        raise Invalid("before is not from a list's Link header")
    return Q(bumped_at__lt=moment) | Q(bumped_at=moment, pk__lt=int(number))


def _number(request: Request, name: str) -> int:
    value = request.query_params.get(name, "0")
    if not value.isdecimal() or len(value) > 9:
        raise Invalid(f"{name} is a whole number")
    return int(value)


def _words(sent: dict[str, Any], name: str) -> str:
    value = sent.get(name) or ""
    if not isinstance(value, str):
        raise Invalid(f"{name} is a text")
    return value


_POST = "/api/posts/{id:int}"

routes = [
    Route("/api/threads", list_threads, methods=["GET"]),
    Route("/api/threads/{id:int}", show_thread, methods=["GET"]),
    Route("/api/threads/{id:int}/posts", list_posts, methods=["GET"]),
    Route("/api/threads/{id:int}/posts", write, methods=["POST"]),
    Route(_POST, show_post, methods=["GET"]),
    Route(_POST, edit, methods=["PATCH"]),
    Route(_POST + "/reactions/{name:seg}", react, methods=["PUT", "DELETE"]),
]
