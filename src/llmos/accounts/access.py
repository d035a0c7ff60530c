"""Who is asking: the one place where credentials become a viewer.

Pages, API, git, LFS and Xet all start here; what a viewer may do to a repository is
answered by `hub.access` alone.
"""

import base64
import binascii
import logging
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib import import_module
from time import monotonic, time
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.db import DatabaseError, connection
from starlette.requests import Request

from llmos.accounts.models import Token, User
from llmos.kit.config import current
from llmos.kit.errors import Unauthenticated
from llmos.kit.ids import fingerprint
from llmos.kit.time import now
from llmos.store.config import ServerSettings
from llmos.store.db import row
from llmos.store.threads import POOL

logger = logging.getLogger(__name__)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
LAST_USE_GRAIN = timedelta(hours=1)  # "last used" is a hint for its owner, not a log

# One statement answers existence, expiry and suspension; dates are compared where they lie,
# which spares parsing them.
_TOKEN = """
SELECT t.id, t.role, t.scoped, t.last_used_at IS NULL OR t.last_used_at < %s,
       u.id, u.username, u.is_staff
FROM accounts_token t JOIN accounts_user u ON u.id = t.user_id
WHERE t.fingerprint = %s AND u.is_active AND (t.expires_at IS NULL OR t.expires_at > %s)
"""


class InvalidToken(Unauthenticated):
    """A token was sent and it is unknown, expired or revoked."""

    def __init__(self) -> None:
        super().__init__("Invalid credentials in Authorization header")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Somebody asking: a member by session or token, or nobody.

    `can_write` is false for read tokens; `scoped_token` is set when the token opens only
    the repositories granted to it.
    """

    user_id: int | None = None
    name: str = ""
    is_admin: bool = False
    can_write: bool = False
    token_id: int | None = None
    scoped_token: bool = False

    @property
    def is_anonymous(self) -> bool:
        return self.user_id is None


ANONYMOUS = Viewer()


def viewer_of(request: Request) -> Viewer:
    """The viewer behind a machine request: bearer token, basic password, or session cookie.

    Blocking, one point read. A session cookie counts for unsafe methods only when the
    request comes from our own pages. Raises InvalidToken.
    """
    authorization = request.headers.get("authorization")
    if authorization:
        secret = secret_in(authorization)
        if not secret:
            raise InvalidToken
        return viewer_of_token(secret)
    session_key = request.cookies.get(settings.SESSION_COOKIE_NAME)
    if session_key and (request.method in SAFE_METHODS or comes_from_our_pages(request)):
        return _viewer_of_session(session_key)
    return ANONYMOUS


def viewer_of_token(secret: str) -> Viewer:
    """The member and the rights behind a token's secret. Raises InvalidToken."""
    stale, moment = _moments(int(time()))
    found = row(_TOKEN, (stale, fingerprint(secret), moment))
    if found is None:
        raise InvalidToken
    token_id, role, scoped, is_stale, user_id, name, is_admin = found
    if is_stale:
        _note_use(token_id)
    return Viewer(
        user_id=user_id,
        name=name,
        is_admin=bool(is_admin),
        can_write=role == Token.Role.WRITE,
        token_id=token_id,
        scoped_token=bool(scoped),
    )


@lru_cache(maxsize=1)
def _moments(second: int) -> tuple[Any, Any]:
    """When a token's last use is worth noting again, and this second, as rows spell times."""
    moment = datetime.fromtimestamp(second, UTC)
    adapt = connection.ops.adapt_datetimefield_value
    return adapt(moment - LAST_USE_GRAIN), adapt(moment)


def viewer_of_user(user: User) -> Viewer:
    """The viewer of a signed-in browser session."""
    return Viewer(user_id=user.pk, name=user.username, is_admin=user.is_staff, can_write=True)


def secret_in(authorization: str) -> str | None:
    """The token in an Authorization header: `Bearer x`, or the password of `Basic`."""
    scheme, _, value = authorization.partition(" ")
    value = value.strip()
    if scheme.lower() == "bearer":
        return value
    if scheme.lower() == "basic":
        try:
            name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return ""
        return password or name
    return None


def comes_from_our_pages(request: Request) -> bool:
    """Whether the browser vouches that one of our own pages sent this request.

    Sec-Fetch-Site is only sent to trustworthy addresses, so plain http falls back to Origin;
    a request with neither is not from a browser that we can rely on.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin", "")
    public_url: str = current(ServerSettings).public_url.rstrip("/")
    if public_url:
        return origin == public_url
    return bool(origin) and urlsplit(origin).netloc == request.headers.get("host")


def _viewer_of_session(session_key: str) -> Viewer:
    engine = import_module(settings.SESSION_ENGINE)
    holder = SimpleNamespace(session=engine.SessionStore(session_key))
    # Django's own check: right back end, active member, password unchanged since sign-in.
    user = get_user(cast(Any, holder))
    return viewer_of_user(user) if isinstance(user, User) else ANONYMOUS


_noted: dict[int, float] = {}


def _note_use(token_id: int) -> None:
    """Write the time of use from the pool, so that no reader waits for the writer's lock."""
    last = _noted.get(token_id)
    if last is not None and monotonic() - last < LAST_USE_GRAIN.total_seconds():
        return
    _noted[token_id] = monotonic()
    POOL.submit(_write_use, token_id)


def _write_use(token_id: int) -> None:
    try:
        Token.objects.filter(pk=token_id).update(last_used_at=now())
    except DatabaseError:
        _noted.pop(token_id, None)
        logger.info("the last use of token %s was not written", token_id, exc_info=True)
