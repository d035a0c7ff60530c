"""Asking for access to gated repositories, and the owners' answers."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import viewer_of
from llmos.accounts.errors import NoSuchMember
from llmos.accounts.queries import user_named
from llmos.hub import gates, queries
from llmos.hub.access import member_acting
from llmos.hub.models import AccessRequest, Repository
from llmos.hub.routing import API, repository_of
from llmos.kit.errors import Invalid, NotFound
from llmos.kit.time import iso
from llmos.store.http import blocking, json_of, reply


@blocking
def ask(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    repository = repository_of(request, viewer, wants="see")
    user_id = member_acting(viewer, repository, "ask for access")
    reason = json_of(body).get("reason", "")
    asked = gates.ask_access(
        repository=repository,
        user_id=user_id,
        reason=reason if isinstance(reason, str) else "",
    )
    return reply({"status": asked.status})


@blocking
def show_requests(request: Request, body: bytes) -> Response:
    repository = _owned(request)
    gates.refuse_unless_gated(repository)
    status = request.path_params["status"]
    if status not in AccessRequest.Status.values:
        raise NotFound(f"There is no list of {status} requests")
    return reply([_shown(row) for row in queries.access_requests(repository.pk, status)])


@blocking
def handle(request: Request, body: bytes) -> Response:
    """Accept, reject, or put back to pending."""
    repository = _owned(request)
    gates.refuse_unless_gated(repository)
    asked = json_of(body)
    found = _asked_request(repository, asked)
    reason = asked.get("rejectionReason") or ""
    answered = gates.answer_request(
        request=found, status=str(asked.get("status")), reason=str(reason)
    )
    return reply(_shown(answered))


@blocking
def grant(request: Request, body: bytes) -> Response:
    repository = _owned(request)
    name = str(json_of(body).get("user") or "")
    user = user_named(name)
    if user is None:
        raise NoSuchMember(name)
    return reply(_shown(gates.grant_access(repository=repository, user_id=user.pk)))


def _owned(request: Request) -> Repository:
    return repository_of(request, viewer_of(request), wants="admin")


def _asked_request(repository: Repository, asked: dict[str, Any]) -> AccessRequest:
    """By the member's name or by the request's id. Raises NoSuchRequest, Invalid."""
    name, request_id = asked.get("user"), asked.get("requestId")
    rows = AccessRequest.objects.filter(repository=repository).select_related("user__namespace")
    if isinstance(name, str):
        found = rows.filter(user__namespace__key=name.casefold()).first()
    elif isinstance(request_id, str):
        found = rows.filter(pk=int(request_id, 16)).first() if _is_id(request_id) else None
    else:
        raise Invalid("Say whose request it is: user or requestId")
    if found is None:
        raise gates.NoSuchRequest("There is no such access request")
    return found


def _is_id(text: str) -> bool:
    return len(text) == 24 and all(c in "0123456789abcdef" for c in text)


def _shown(row: AccessRequest) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "requestId": f"{row.pk:024x}",
        "user": {
            "_id": f"{row.user_id:024x}",
            "user": row.user.username,
            "fullname": row.user.namespace.full_name or row.user.username,
            # Who was let in unasked never agreed to share an address.
            "email": None if row.granted else row.user.email or None,
        },
        "status": row.status,
        "timestamp": iso(row.created_at),
    }
    if row.reason:
        shown["fields"] = {"reason": row.reason}
    return shown


_REQUESTS = API + "/user-access-request"
routes = [
    Route(API + "/ask-access", ask, methods=["POST"]),
    Route(_REQUESTS + "/handle", handle, methods=["POST"]),
    Route(_REQUESTS + "/grant", grant, methods=["POST"]),
    Route(_REQUESTS + "/{status:seg}", show_requests),
]
