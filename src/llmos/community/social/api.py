"""Follows and the feed for machines: the hub clients' own lists, and what they have no call for.

Activities are told in the words of ActivityStreams (type, actor, object, published), with
lasting addresses as ids.
"""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import get_language
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import Viewer, viewer_of
from llmos.accounts.errors import NoSuchMember, NoSuchOrganisation
from llmos.accounts.queries import organisation_named, user_named
from llmos.community.social import actions, queries
from llmos.community.social.access import Seen, Subject, of_member, subject_named
from llmos.community.social.feed import Wish, home_feed
from llmos.community.social.models import Activity
from llmos.community.social.words import kind_words, line_of
from llmos.community.threads.models import Watch
from llmos.kit.errors import Unauthenticated
from llmos.kit.time import iso
from llmos.store.http import base_url, blocking, reply

PEOPLE_A_PAGE = 500
ITEMS_A_PAGE = 50

_TYPES = {
    Activity.Kind.VERSION: "Update",
    Activity.Kind.MERGED: "Accept",
    Activity.Kind.ANSWER: "Accept",
    Activity.Kind.LIKE: "Like",
    Activity.Kind.RESULT: "Announce",
}


@blocking
def followers_of_user(request: Request, body: bytes) -> Response:
    return _followers(request, Watch.Kind.MEMBER, str(_user_id(request)))


@blocking
def followers_of_organisation(request: Request, body: bytes) -> Response:
    organisation = organisation_named(request.path_params["name"])
    if organisation is None:
        raise NoSuchOrganisation(request.path_params["name"])
    return _followers(request, Watch.Kind.ORGANISATION, str(organisation.pk))


@blocking
def following_of_user(request: Request, body: bytes) -> Response:
    """The members that a member follows."""
    viewer = viewer_of(request)
    found, before = queries.following_of(
        viewer,
        _user_id(request),
        limit=PEOPLE_A_PAGE,
        before=_before(request),
        kinds=[Watch.Kind.MEMBER],
    )
    return _people(request, viewer, found, before)


@blocking
def show_follows(request: Request, body: bytes) -> Response:
    """What the asking member follows, of every kind."""
    viewer = viewer_of(request)
    found, before = queries.following_of(
        viewer,
        _member(viewer),
        limit=PEOPLE_A_PAGE,
        before=_before(request),
        kinds=queries.OWN_KINDS,
    )
    rows = [{"kind": one.kind, "path": one.path, "title": one.title} for one in found]
    return reply(rows, headers=_next(request, before))


@blocking
def show_follow(request: Request, body: bytes) -> Response:
    """Whether the asking member follows something."""
    viewer, subject = _named(request)
    return reply(_state(subject, queries.follows(viewer.user_id, subject.kind, subject.target)))


@blocking
def follow(request: Request, body: bytes) -> Response:
    viewer, subject = _named(request)
    actions.follow(viewer, subject=subject)
    return reply(_state(subject, True))


@blocking
def unfollow(request: Request, body: bytes) -> Response:
    viewer, subject = _named(request)
    actions.unfollow(viewer, subject=subject)
    return reply(_state(subject, False))


@blocking
def show_feed(request: Request, body: bytes) -> Response:
    """The member's home feed: `show=all`, `order=interest`, `kind`, `language`, `after`."""
    viewer, asked = viewer_of(request), request.query_params
    _member(viewer)
    kind, language = asked.get("kind", ""), asked.get("language", "")
    wish = Wish(
        everything=asked.get("show") == "all",
        by_interest=asked.get("order") == "interest",
        kind=kind if kind in kind_words() else "",
        language=language if language.isalpha() else "",
        cursor=asked.get("after", ""),
        size=ITEMS_A_PAGE,
    )
    page = home_feed(viewer, wish, reads=[get_language() or ""])
    headers = {}
    if page.cursor:
        url = request.url.include_query_params(after=page.cursor)
        headers["Link"] = f'<{base_url(request)}{url.path}?{url.query}>; rel="next"'
    base = base_url(request)
    return reply([_activity(base, one) for one in page.items], headers=headers)


def _activity(base: str, seen: Seen) -> dict[str, Any]:
    line, activity = line_of(seen), seen.activity
    return {
        "id": f"{base}/activity/{activity.pk}",
        "type": _TYPES.get(Activity.Kind(activity.kind), "Create"),
        "kind": activity.kind,
        "actor": f"{base}/{line.who}" if line.who else None,
        "object": base + line.address,
        "name": line.title,
        "summary": line.sentence,
        "content": seen.post.text if seen.post is not None else line.about,
        "language": activity.language or None,
        "published": iso(activity.at),
        "why": [{"kind": kind, "target": target} for kind, target in seen.why],
    }


def _followers(request: Request, kind: str, target: str) -> Response:
    found = queries.followers_of(kind, target, limit=PEOPLE_A_PAGE + 1, before=_before(request))
    more, found = len(found) > PEOPLE_A_PAGE, found[:PEOPLE_A_PAGE]
    people = [of_member(row.user) for row in found]
    return _people(request, viewer_of(request), people, found[-1].pk if more else None)


def _people(
    request: Request, viewer: Viewer, found: Sequence[Subject], before: int | None
) -> Response:
    followed = queries.followed_among(viewer.user_id, found)
    base = base_url(request)
    rows = [
        {
            "_id": f"{int(one.target):024x}",
            "user": one.path,
            "fullname": one.title,
            "avatarUrl": f"{base}/api/pictures/{one.path}",
            "type": "user",
            "isPro": False,
            "isFollowing": (one.kind, one.target) in followed,
        }
        for one in found
    ]
    return reply(rows, headers=_next(request, before))


def _next(request: Request, before: int | None) -> dict[str, str]:
    if before is None:
        return {}
    return {"Link": f'<{base_url(request)}{request.url.path}?before={before}>; rel="next"'}


def _named(request: Request) -> tuple[Viewer, Subject]:
    viewer = viewer_of(request)
    _member(viewer)
    return viewer, subject_named(viewer, request.path_params["what"])


def _state(subject: Subject, following: bool) -> dict[str, Any]:
    return {"kind": subject.kind, "path": subject.path, "following": following}


def _member(viewer: Viewer) -> int:
    if viewer.user_id is None:
        raise Unauthenticated("Sign in to have follows and a feed")
    return viewer.user_id


def _user_id(request: Request) -> int:
    name = request.path_params["name"]
    user = user_named(name)
    if user is None or not user.is_active:
        raise NoSuchMember(name)
    return int(user.pk)


def _before(request: Request) -> int | None:
    asked = request.query_params.get("before", "")
    return int(asked) if asked.isdecimal() and len(asked) < 19 else None


routes = [
    Route("/api/users/{name:seg}/followers", followers_of_user, methods=["GET"]),
    Route("/api/users/{name:seg}/following", following_of_user, methods=["GET"]),
    Route("/api/organizations/{name:seg}/followers", followers_of_organisation, methods=["GET"]),
    Route("/api/feed", show_feed, methods=["GET"]),
    Route("/api/follows", show_follows, methods=["GET"]),
    Route("/api/follows/{what:tail}", show_follow, methods=["GET"]),
    Route("/api/follows/{what:tail}", follow, methods=["PUT"]),
    Route("/api/follows/{what:tail}", unfollow, methods=["DELETE"]),
]
