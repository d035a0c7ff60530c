"""Who is asking: the one place where credentials become a viewer.

Pages, API, git, LFS and Xet all start here; what a viewer may do to a repository is
answered by `hub.access` alone.
"""

import base64
import binascii
from dataclasses import dataclass

from starlette.requests import Request

from llmos.accounts.models import User
from llmos.kit.errors import Unauthenticated


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
    raise NotImplementedError


def viewer_of_token(secret: str) -> Viewer:
    """Raises InvalidToken."""
    raise NotImplementedError


def viewer_of_user(user: User) -> Viewer:
    """The viewer of a signed-in browser session."""
    return Viewer(
        user_id=user.pk, name=user.username, is_admin=user.is_staff, can_write=True
    )


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
