"""Tickets: short signed texts that only this hub can have written, for addresses and bearers.

A ticket carries claims in the open and says until when and for what they hold; it keeps
nothing secret. Nothing is stored, so whoever reads one must still ask what may have been
revoked since.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import orjson

from llmos.kit.errors import Unauthenticated


class BadTicket(Unauthenticated):
    """Not ours, altered, or written for another purpose."""

    def __init__(self) -> None:
        super().__init__("This token or signed address was not issued by this hub")


class ExpiredTicket(Unauthenticated):
    def __init__(self) -> None:
        super().__init__("This token or signed address has expired; ask for a new one")


def issue(claims: Mapping[str, Any], *, key: str, purpose: str, expires: int) -> str:
    """A ticket good until `expires` (Unix seconds), in the letters that an address may hold."""
    payload = urlsafe_b64encode(orjson.dumps([expires, claims])).rstrip(b"=")
    return (payload + b"." + _seal(payload, key, purpose)).decode()


def read(ticket: str, *, key: str, purpose: str, now: float) -> dict[str, Any]:
    """The claims of a valid ticket. Raises BadTicket, ExpiredTicket."""
    payload, _, seal = ticket.encode("utf-8", "surrogatepass").partition(b".")
    if not hmac.compare_digest(seal, _seal(payload, key, purpose)):
        raise BadTicket
    expires, claims = orjson.loads(urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    if expires < now:
        raise ExpiredTicket
    return dict(claims)


def _seal(payload: bytes, key: str, purpose: str) -> bytes:
    message = purpose.encode() + b"\0" + payload
    return urlsafe_b64encode(hmac.digest(key.encode(), message, "sha256")).rstrip(b"=")
