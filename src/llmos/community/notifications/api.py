"""News for machines: the list, the number that waits, and marking them as seen."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import Viewer, viewer_of
from llmos.community.notifications.actions import mark_all_seen, mark_seen
from llmos.community.notifications.bell import forget_count, waiting_news
from llmos.community.notifications.kinds import FAMILIES
from llmos.community.notifications.queries import Bundle, news_of
from llmos.community.notifications.words import line_of
from llmos.kit.errors import Forbidden, Invalid, Unauthenticated
from llmos.kit.time import iso
from llmos.store.http import base_url, blocking, json_of, reply


@blocking
def list_news(request: Request, body: bytes) -> Response:
    """`{"unread": [...], "earlier": [...], "before": n}`; `kind` chooses, `before` goes on."""
    viewer = _member(request)
    family, before = request.query_params.get("kind", ""), request.query_params.get("before", "")
    if family and family not in FAMILIES:
        raise Invalid(f"kind is one of {', '.join(FAMILIES)}")
    if before and not before.isdecimal():
        raise Invalid("before is the number that the page before ended with")
    found = news_of(viewer, family=family, before=int(before) if before else None)
    base = base_url(request)
    return reply(
        {
            "unread": [_shown(bundle, base) for bundle in found.unread],
            "earlier": [_shown(bundle, base) for bundle in found.earlier],
            "before": found.before,
        }
    )


@blocking
def count_news(request: Request, body: bytes) -> Response:
    """`{"unread": n}`, at most 100, and up to ten seconds old."""
    return reply({"unread": waiting_news(_member(request))})


@blocking
def see_news(request: Request, body: bytes) -> Response:
    """Mark as seen: `{"ids": [...]}`, or `{"upto": id}` for all up to one."""
    viewer = _member(request)
    assert viewer.user_id is not None
    if not viewer.can_write:
        raise Forbidden("This token may only read; to mark news as seen use a write token")
    wish = json_of(body)
    ids, upto = wish.get("ids"), wish.get("upto")
    if isinstance(upto, int) and not isinstance(upto, bool) and ids is None:
        seen = mark_all_seen(viewer.user_id, upto=upto)
    elif isinstance(ids, list) and all(type(one) is int for one in ids) and len(ids) <= 1000:
        seen = mark_seen(viewer.user_id, ids)
    else:
        raise Invalid("Send ids, a list of at most 1000 numbers, or upto, one number")
    forget_count(viewer.user_id)
    return reply({"seen": seen})


def _member(request: Request) -> Viewer:
    """Raises Unauthenticated; a token for some repositories alone opens no news."""
    viewer = viewer_of(request)
    if viewer.is_anonymous:
        raise Unauthenticated("Sign in to read your notifications")
    if viewer.scoped_token:
        raise Forbidden("This token opens some repositories only; news needs one for everything")
    return viewer


def _shown(bundle: Bundle, base: str) -> dict[str, Any]:
    line = line_of(bundle)
    return {
        "ids": line.ids,
        "kind": line.kind,
        "text": line.text,
        "title": line.title,
        "excerpt": line.excerpt,
        "by": line.actor or None,
        "at": iso(line.at),
        "url": base + line.address,
    }


routes = [
    Route("/api/notifications", list_news, methods=["GET"]),
    Route("/api/notifications/unread", count_news, methods=["GET"]),
    Route("/api/notifications/seen", see_news, methods=["POST"]),
]
