"""Likes, for clients and for the pages' like button."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import Viewer, viewer_of
from llmos.accounts.errors import NoSuchMember
from llmos.accounts.queries import user_named
from llmos.hub import actions, queries
from llmos.hub.access import member_acting
from llmos.hub.models import Like, Repository
from llmos.hub.routing import API, repository_of
from llmos.kit.time import iso
from llmos.store.http import base_url, blocking, reply

LIKERS_A_PAGE = 500


@blocking
def like(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    repository = repository_of(request, viewer, wants="see")
    actions.like(repository=repository, user_id=_liking(viewer, repository))
    return reply({"liked": True})


@blocking
def unlike(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    repository = repository_of(request, viewer, wants="see")
    actions.unlike(repository=repository, user_id=_liking(viewer, repository))
    return reply({"liked": False})


@blocking
def show_likers(request: Request, body: bytes) -> Response:
    """Who likes a repository, latest first."""
    repository = repository_of(request, viewer_of(request), wants="see")
    after = request.query_params.get("after", "")
    found = queries.likers_of(
        repository.pk,
        limit=LIKERS_A_PAGE + 1,
        after=int(after) if after.isdecimal() and len(after) < 19 else None,
    )
    headers = {}
    if len(found) > LIKERS_A_PAGE:
        found = found[:LIKERS_A_PAGE]
        url = f"{base_url(request)}{request.url.path}?after={found[-1].pk}"
        headers["Link"] = f'<{url}>; rel="next"'
    return reply([_liker(request, row) for row in found], headers=headers)


@blocking
def show_likes(request: Request, body: bytes) -> Response:
    """What a member likes, as far as the viewer may know of it."""
    user = user_named(request.path_params["user"])
    if user is None or not user.is_active:
        raise NoSuchMember(request.path_params["user"])
    return reply(
        [
            {
                "repo": {"name": row.repository.full_name, "type": row.repository.type},
                "createdAt": iso(row.created_at),
            }
            for row in queries.likes_of(viewer_of(request), user.pk)
        ]
    )


def _liking(viewer: Viewer, repository: Repository) -> int:
    return member_acting(viewer, repository, "like repositories")


def _liker(request: Request, row: Like) -> dict[str, object]:
    namespace = row.user.namespace
    return {
        "_id": f"{row.user_id:024x}",
        "user": row.user.username,
        "fullname": namespace.full_name or row.user.username,
        "avatarUrl": f"{base_url(request)}/api/pictures/{row.user.username}",
        "type": "user",
        "isPro": False,
        "isFollowing": False,
        "likedAt": iso(row.created_at),
    }


routes = [
    Route(API + "/like", like, methods=["POST"]),
    Route(API + "/like", unlike, methods=["DELETE"]),
    Route(API + "/likers", show_likers),
    Route("/api/users/{user:seg}/likes", show_likes),
]
