"""Xet tokens: what lets a client speak to content storage on behalf of one repository.

They are signed, not stored; what they were made from (access token, member, repository,
rights) is asked again on every call, so that a revocation acts at once.
"""

from dataclasses import dataclass
from time import time
from typing import Literal

from django.conf import settings

from llmos.accounts.access import InvalidToken, Viewer
from llmos.accounts.models import Token, User
from llmos.hub.access import rights_of
from llmos.hub.models import Repository
from llmos.hub.xet.errors import WrongScope
from llmos.kit.errors import Unauthenticated
from llmos.kit.time import now
from llmos.wire import ticket

Scope = Literal["read", "write"]

LIFETIME = 3600  # seconds; clients ask for a new one a minute before the end
_PURPOSE = "xet-token"


@dataclass(frozen=True, slots=True)
class Grant:
    """What a Xet token says. `inside` marks the hub's own, whose rights nobody limits."""

    scope: Scope
    repository_id: int
    user_id: int | None = None
    token_id: int | None = None
    inside: bool = False


@dataclass(frozen=True, slots=True)
class XetToken:
    text: str
    expires: int  # Unix seconds


def issue_token(grant: Grant, *, lifetime: int = LIFETIME) -> XetToken:
    expires = int(time()) + lifetime
    claims = {
        "s": grant.scope,
        "r": grant.repository_id,
        "u": grant.user_id,
        "t": grant.token_id,
        "i": grant.inside,
    }
    text = ticket.issue(claims, key=settings.SECRET_KEY, purpose=_PURPOSE, expires=expires)
    return XetToken(text=text, expires=expires)


def repository_for(authorization: str, scope: Scope) -> Repository:
    """The repository that a bearer of a Xet token may read from or add content to, still.

    Blocking, two or three point reads. Raises Unauthenticated, WrongScope.
    """
    kind, _, text = authorization.partition(" ")
    if kind.lower() != "bearer":
        raise Unauthenticated("Content storage needs a Xet token: Authorization: Bearer …")
    claims = ticket.read(text.strip(), key=settings.SECRET_KEY, purpose=_PURPOSE, now=time())
    grant = Grant(claims["s"], claims["r"], claims["u"], claims["t"], claims["i"])
    repository = Repository.objects.filter(pk=grant.repository_id).first()
    if repository is None:
        raise Unauthenticated("The repository of this token is gone")
    if scope == "write" and grant.scope != "write":
        raise WrongScope("This Xet token may only read")
    if not grant.inside:
        rights = rights_of(_viewer(grant), repository)
        if not (rights.contribute if grant.scope == "write" else rights.read):
            raise WrongScope(f"You may no longer {grant.scope} {repository.full_name}")
    return repository


def _viewer(grant: Grant) -> Viewer:
    """Who asked for the token, as she stands now. Raises InvalidToken."""
    if grant.user_id is None:
        return Viewer()
    if grant.token_id is None:
        user = User.objects.filter(pk=grant.user_id, is_active=True).first()
        if user is None:
            raise InvalidToken
        return Viewer(user_id=user.pk, name=user.username, is_admin=user.is_staff, can_write=True)
    token = (
        Token.objects.filter(pk=grant.token_id, user__is_active=True).select_related("user").first()
    )
    if token is None or (token.expires_at is not None and token.expires_at <= now()):
        raise InvalidToken
    return Viewer(
        user_id=token.user.pk,
        name=token.user.username,
        is_admin=token.user.is_staff,
        can_write=token.role == Token.Role.WRITE,
        token_id=token.pk,
        scoped_token=token.scoped,
    )
