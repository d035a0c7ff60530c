"""Links that sign a member in once: for the administrator's first visit, and for the locked-out.

A link is bound to the member's last sign-in and password, so using it, or signing in by any
other way, ends it.
"""

from datetime import timedelta
from hashlib import sha256

from django.core import signing
from django.utils.translation import gettext as _

from llmos.accounts.models import User
from llmos.kit.errors import Refusal
from llmos.kit.time import now

LINK_LIFE = timedelta(hours=24)
_SALT = "llmos.accounts.links"


class LinkSpent(Refusal):
    """Used, expired or made up: all look the same."""

    status = 410
    code = "LinkExpired"

    def __init__(self) -> None:
        super().__init__(_("This sign-in link was used or has expired: ask for a new one"))


def sign_in_link(user: User, base_url: str) -> str:
    """An address that signs `user` in once within 24 hours."""
    token = signing.dumps([user.pk, _state(user)], salt=_SALT)
    return f"{base_url.rstrip('/')}/accounts/link/{token}"


def user_of_link(token: str) -> User:
    """Whom a link would sign in; does not use it up. Raises LinkSpent."""
    try:
        user_id, state = signing.loads(token, salt=_SALT, max_age=LINK_LIFE)
    except signing.BadSignature:
        raise LinkSpent from None
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or _state(user) != state:
        raise LinkSpent
    return user


def use_link(token: str) -> User:
    """The link's member; of two who use it at once, one gets through. Raises LinkSpent."""
    user = user_of_link(token)
    moment = now()
    unused = User.objects.filter(pk=user.pk, last_login=user.last_login)
    if not unused.update(last_login=moment):
        raise LinkSpent
    user.last_login = moment
    return user


def _state(user: User) -> str:
    last = user.last_login.isoformat() if user.last_login else ""
    return sha256(f"{last}|{user.password}".encode()).hexdigest()[:24]
