"""Signing a terminal in from a browser: the device flow that `hf auth login` speaks (RFC 8628).

The terminal shows a short code, a signed-in member approves it on a page, and the terminal,
which asks again and again meanwhile, is handed an access token of ours with a refresh token.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from llmos.accounts.actions import create_token
from llmos.accounts.errors import SignInRefused
from llmos.accounts.models import DeviceCode, Token, User
from llmos.kit.errors import NotFound
from llmos.kit.ids import fingerprint, new_token
from llmos.kit.time import now

PAIRING_LIFE = timedelta(minutes=15)
POLL_SECONDS = 2
# Clients renew a token when less than a day is left, so a month keeps renewals rare.
ACCESS_LIFE = timedelta(days=30)
# After its end a token can be renewed for this long; then the terminal must sign in again.
RENEWAL_GRACE = timedelta(days=60)

# No vowels, so no words; no letters that look or sound alike.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


@dataclass(frozen=True, slots=True)
class Pairing:
    device_code: str
    user_code: str


@dataclass(frozen=True, slots=True)
class Grant:
    access_token: str
    refresh_token: str


@transaction.atomic
def start_pairing(*, client_id: str) -> Pairing:
    """A terminal wants in: a secret for it to ask with, and a code for the member to type."""
    DeviceCode.objects.filter(expires_at__lt=now()).delete()
    letters = "".join(secrets.choice(_LETTERS) for _ in range(8))
    pairing = Pairing(secrets.token_urlsafe(32), f"{letters[:4]}-{letters[4:]}")
    DeviceCode.objects.create(
        device_fingerprint=fingerprint(pairing.device_code),
        user_code=pairing.user_code,
        client_id=client_id[:100],
        expires_at=now() + PAIRING_LIFE,
    )
    return pairing


def pending_code(typed: str) -> DeviceCode:
    """The undecided pairing behind a code as a person types it. Raises NotFound."""
    letters = "".join(c for c in typed.upper() if c.isalnum())
    found = DeviceCode.objects.filter(
        user_code=f"{letters[:4]}-{letters[4:]}",
        user=None,
        denied=False,
        expires_at__gt=now(),
    ).first()
    if found is None:
        raise NotFound(_("No sign-in waits for this code: it may have expired, or be mistyped"))
    return found


@transaction.atomic
def decide_pairing(*, user: User, typed: str, approve: bool) -> None:
    """A member lets the terminal in as themselves, or turns it away. Raises NotFound."""
    code = pending_code(typed)
    undecided = DeviceCode.objects.filter(pk=code.pk, user=None, denied=False)
    if approve:
        undecided.update(user=user)
    else:
        undecided.update(denied=True)


def take_grant(*, device_code: str) -> Grant:
    """The terminal's question: its tokens, once, after approval. Raises SignInRefused."""
    code = (
        DeviceCode.objects.filter(device_fingerprint=fingerprint(device_code))
        .select_related("user")
        .first()
    )
    if code is None:
        raise SignInRefused("expired_token", "This sign-in has expired or is complete; start anew")
    if code.denied:
        raise SignInRefused("access_denied", "The member turned this sign-in away")
    if code.expires_at <= now():
        raise SignInRefused("expired_token", "This sign-in has expired; start anew")
    if code.user is None:
        _refuse_for_now(code)
    with transaction.atomic():
        gone, _rows = DeviceCode.objects.filter(pk=code.pk).delete()
        if not gone or code.user is None or not code.user.is_active:
            raise SignInRefused("access_denied", "This sign-in is complete or its member is gone")
        return _grant_to(code.user)


@transaction.atomic
def renew(*, refresh_token: str) -> Grant:
    """A new access token for an old one. Raises SignInRefused.

    The refresh token stays the same, so that a reply lost on the way signs nobody out.
    """
    token = (
        Token.objects.select_for_update(of=("self",))
        .filter(
            refresh_fingerprint=fingerprint(refresh_token),
            expires_at__gt=now() - RENEWAL_GRACE,
            user__is_active=True,
        )
        .first()
    )
    if token is None:
        raise SignInRefused("invalid_grant", "The refresh token is expired or revoked")
    secret = new_token()
    token.fingerprint, token.tail = fingerprint(secret), secret[-4:]
    token.expires_at = now() + ACCESS_LIFE
    token.save(update_fields=["fingerprint", "tail", "expires_at"])
    return Grant(secret, refresh_token)


def _refuse_for_now(code: DeviceCode) -> None:
    last = code.last_polled_at
    DeviceCode.objects.filter(pk=code.pk).update(last_polled_at=now())
    # Half the interval forgives jitter on the way, but not a client in a tight loop.
    if last is not None and now() - last < timedelta(seconds=POLL_SECONDS / 2):
        raise SignInRefused("slow_down", f"Ask every {POLL_SECONDS} seconds")
    raise SignInRefused("authorization_pending", "The member has not decided yet")


def _grant_to(user: User) -> Grant:
    stem = f"hf auth login, {now():%Y-%m-%d %H:%M:%S}"
    token, secret = create_token(
        user=user,
        name=f"{stem} {secrets.token_hex(2)}",
        role=Token.Role.WRITE,
        expires_at=now() + ACCESS_LIFE,
    )
    refresh_token = f"hf_oauth_refresh_{secrets.token_urlsafe(32)}"
    token.refresh_fingerprint = fingerprint(refresh_token)
    token.save(update_fields=["refresh_fingerprint"])
    return Grant(secret, refresh_token)
