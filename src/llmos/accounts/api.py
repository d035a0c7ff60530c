"""Who am I, who are they, and signing a terminal in: for hub clients.

Fields and paths are the clients' own. Rooms to the right add what they know of somebody
(`queries.provide_facts`): repositories, likes, followers.
"""

from typing import Any
from urllib.parse import parse_qsl

from django.core.cache import cache
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts import devices
from llmos.accounts.access import Viewer, viewer_of
from llmos.accounts.errors import NoSuchMember, NoSuchOrganisation, SignInRefused
from llmos.accounts.models import Membership, Namespace, Organisation, Token, User
from llmos.accounts.pictures import TYPES, drawn_picture, picture_path
from llmos.accounts.queries import (
    facts_of,
    members_of,
    memberships_of,
    namespace_named,
    organisation_named,
    user_named,
)
from llmos.kit.config import current
from llmos.kit.errors import Busy, NotFound, Unauthenticated
from llmos.kit.time import iso
from llmos.store.config import ServerSettings
from llmos.store.http import base_url, blocking, endpoint, json_of, reply

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
PAIRINGS_A_MINUTE = 20  # from one address; each writes a row, and nobody is signed in yet


@blocking
def whoami(request: Request, body: bytes) -> Response:
    viewer = viewer_of(request)
    if viewer.user_id is None:
        raise Unauthenticated("Invalid username or password.")
    user = User.objects.select_related("namespace").get(pk=viewer.user_id)
    base = base_url(request)
    return reply(
        {
            "type": "user",
            "id": str(user.pk),
            "name": user.username,
            "fullname": user.namespace.full_name or user.username,
            "email": user.email or None,
            "emailVerified": bool(user.email),
            "canPay": False,
            "isPro": False,
            "avatarUrl": _picture_url(base, user.namespace),
            "orgs": [_own_organisation(base, held) for held in memberships_of(user.pk)],
            "auth": _auth_of(viewer),
        }
    )


@blocking
def user_overview(request: Request, body: bytes) -> Response:
    user, base = _user_in(request), base_url(request)
    organisations = [held.organisation.namespace for held in memberships_of(user.pk)]
    return reply(
        {
            **_person(base, user),
            "type": "user",
            "details": user.namespace.bio or None,
            "createdAt": iso(user.namespace.created_at),
            "orgs": [_namespace(base, namespace) for namespace in organisations],
            **facts_of(viewer_of(request), user.namespace_id),
        }
    )


@blocking
def organisation_overview(request: Request, body: bytes) -> Response:
    organisation, base = _organisation_in(request), base_url(request)
    namespace = organisation.namespace
    return reply(
        {
            **_namespace(base, namespace),
            "type": "org",
            "details": namespace.bio or None,
            "createdAt": iso(namespace.created_at),
            "isVerified": False,
            "numUsers": len(members_of(organisation.pk)),
            **facts_of(viewer_of(request), namespace.pk),
        }
    )


@blocking
def organisation_members(request: Request, body: bytes) -> Response:
    organisation, base = _organisation_in(request), base_url(request)
    return reply(
        [
            {**_person(base, held.user), "role": held.role, "type": "user"}
            for held in members_of(organisation.pk)
        ]
    )


@blocking
def picture(request: Request, body: bytes) -> Response:
    """The picture of a member or an organisation, or one drawn from the name."""
    namespace = namespace_named(request.path_params["name"])
    if namespace is None:
        raise NotFound("Nobody by that name")
    path = picture_path(namespace.avatar)
    if namespace.avatar and path.is_file():
        return _picture_reply(path.read_bytes(), TYPES[path.suffix], seconds=300)
    return _picture_reply(drawn_picture(namespace.name), "image/svg+xml", seconds=300)


@blocking
def stored_picture(request: Request, body: bytes) -> Response:
    """A picture by its file name, which follows from its content and so never goes stale."""
    path = picture_path(request.path_params["file"])
    if path.suffix not in TYPES or not path.is_file():
        raise NotFound("There is no such picture")
    return _picture_reply(path.read_bytes(), TYPES[path.suffix], seconds=31_536_000)


@blocking
def device_code(request: Request, body: bytes) -> Response:
    _limit_pairings(request)
    pairing = devices.start_pairing(client_id=_form_of(request, body).get("client_id", ""))
    page = f"{base_url(request)}/device"
    return reply(
        {
            "device_code": pairing.device_code,
            "user_code": pairing.user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?code={pairing.user_code}",
            "interval": devices.POLL_SECONDS,
            "expires_in": int(devices.PAIRING_LIFE.total_seconds()),
        },
        headers={"Cache-Control": "no-store"},
    )


@blocking
def access_token(request: Request, body: bytes) -> Response:
    form = _form_of(request, body)
    match form.get("grant_type", ""):
        case "":
            raise SignInRefused("invalid_request", "grant_type is missing")
        case grant_type if grant_type == DEVICE_GRANT:
            grant = devices.take_grant(device_code=form.get("device_code", ""))
        case "refresh_token":
            grant = devices.renew(refresh_token=form.get("refresh_token", ""))
        case other:
            raise SignInRefused("unsupported_grant_type", f"This hub knows no grant {other[:80]}")
    return reply(
        {
            "access_token": grant.access_token,
            "refresh_token": grant.refresh_token,
            "token_type": "bearer",
            "expires_in": int(devices.ACCESS_LIFE.total_seconds()),
        },
        headers={"Cache-Control": "no-store"},
    )


@endpoint
async def telemetry(request: Request) -> Response:
    """Clients report their use; nothing is kept."""
    return reply({})


@endpoint
async def agent_harnesses(request: Request) -> Response:
    raise NotFound("This hub keeps no registry of agent harnesses")


def _own_organisation(base: str, held: Membership) -> dict[str, Any]:
    namespace = held.organisation.namespace
    return {
        **_namespace(base, namespace),
        "type": "org",
        "id": str(namespace.pk),
        "email": None,
        "canPay": False,
        "isEnterprise": False,
        "roleInOrg": held.role,
        "defaultRepoVisibility": "private" if held.organisation.private_by_default else "public",
    }


def _auth_of(viewer: Viewer) -> dict[str, Any]:
    if viewer.token_id is None:
        return {"type": "session"}
    token = Token.objects.get(pk=viewer.token_id)
    if token.refresh_fingerprint:
        # Clients file tokens by name; without one, each sign-in of a machine replaces its last.
        return {"type": "oauth", "expiresAt": iso(token.expires_at) if token.expires_at else None}
    return {
        "type": "access_token",
        "accessToken": {
            "displayName": token.name,
            "role": "fineGrained" if token.scoped else token.role,
            "createdAt": iso(token.created_at),
        },
    }


def _person(base: str, user: User) -> dict[str, Any]:
    return {
        "user": user.username,
        "fullname": user.namespace.full_name or user.username,
        "avatarUrl": _picture_url(base, user.namespace),
        "isPro": False,
        "isFollowing": False,
    }


def _namespace(base: str, namespace: Namespace) -> dict[str, Any]:
    return {
        "name": namespace.name,
        "fullname": namespace.full_name or namespace.name,
        "avatarUrl": _picture_url(base, namespace),
    }


def _picture_reply(content: bytes, kind: str, *, seconds: int) -> Response:
    headers = {
        "Cache-Control": f"public, max-age={seconds}",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    return Response(content, headers=headers, media_type=kind)


def _picture_url(base: str, namespace: Namespace) -> str:
    return f"{base}/api/pictures/{namespace.name}"


def _user_in(request: Request) -> User:
    name = request.path_params["name"]
    user = user_named(name)
    if user is None or not user.is_active:
        raise NoSuchMember(name)
    return user


def _organisation_in(request: Request) -> Organisation:
    name = request.path_params["name"]
    organisation = organisation_named(name)
    if organisation is None:
        raise NoSuchOrganisation(name)
    return organisation


def _form_of(request: Request, body: bytes) -> dict[str, str]:
    if request.headers.get("content-type", "").startswith("application/json"):
        return {key: str(value) for key, value in json_of(body).items()}
    return dict(parse_qsl(body.decode("utf-8", "replace")))


def _limit_pairings(request: Request) -> None:
    key = f"pairings:{_address_of(request)}"
    cache.add(key, 0, timeout=60)
    if cache.incr(key) > PAIRINGS_A_MINUTE:
        raise Busy(
            "Too many sign-ins were started from your address", headers={"Retry-After": "60"}
        )


def _address_of(request: Request) -> str:
    if current(ServerSettings).trust_proxy:
        # Only the last entry was written by our proxy; those before it are the client's claim.
        return request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    return request.client.host if request.client else ""


routes = [
    Route("/api/whoami-v2", whoami, methods=["GET"]),
    Route("/api/users/{name:seg}/overview", user_overview, methods=["GET"]),
    Route("/api/organizations/{name:seg}/overview", organisation_overview, methods=["GET"]),
    Route("/api/organizations/{name:seg}/members", organisation_members, methods=["GET"]),
    Route("/api/pictures/{name:seg}", picture, methods=["GET"]),
    Route("/media/{file:seg}", stored_picture, methods=["GET"]),
    Route("/oauth/device", device_code, methods=["POST"]),
    Route("/oauth/token", access_token, methods=["POST"]),
    Route("/api/telemetry/{topic:tail}", telemetry, methods=["GET"]),
    Route("/api/agent-harnesses", agent_harnesses, methods=["GET"]),
]
