"""Where LFS clients send and fetch bytes: addresses that carry their own signature.

Clients call them without credentials, so each opens one content of one repository, one
way, for a while.
"""

from dataclasses import dataclass
from time import time
from typing import Literal

from django.conf import settings

from llmos.kit.errors import Forbidden
from llmos.wire import ticket
from llmos.wire.ticket import BadTicket, ExpiredTicket

Way = Literal["up", "down", "part"]

LIFETIME = 24 * 3600  # seconds: a large file on a slow line

SMALLEST_PART = 128 * 2**20
MOST_PARTS = 10_000


class AddressNotGood(Forbidden):
    def __init__(self) -> None:
        super().__init__("This signed address is not valid, or has expired; ask for a new one")


@dataclass(frozen=True, slots=True)
class Transfer:
    """One content on its way in or out of a repository; `upload` names a multipart upload."""

    way: Way
    repository_id: int
    sha256: str
    size: int
    upload: str = ""


def signature(transfer: Transfer) -> str:
    claims = [transfer.repository_id, transfer.sha256, transfer.size, transfer.upload]
    return ticket.issue(
        {"c": claims},
        key=settings.SECRET_KEY,
        purpose=f"lfs-{transfer.way}",
        expires=int(time()) + LIFETIME,
    )


def transfer_of(way: Way, sha256: str, text: str) -> Transfer:
    """What a signed address opens. Raises AddressNotGood."""
    try:
        claims = ticket.read(text, key=settings.SECRET_KEY, purpose=f"lfs-{way}", now=time())
    except (BadTicket, ExpiredTicket) as error:
        raise AddressNotGood from error
    repository_id, named, size, upload = claims["c"]
    if named != sha256:
        raise AddressNotGood
    return Transfer(way, repository_id, named, size, upload)


def part_size(size: int) -> int:
    """How large the parts of a multipart upload are: whole MiB, at most MOST_PARTS of them."""
    needed = -(-size // MOST_PARTS)
    return max(SMALLEST_PART, -(-needed // 2**20) * 2**20)


def part_sizes(size: int) -> list[int]:
    """The length of each part, in order."""
    part = part_size(size)
    full, rest = divmod(size, part)
    return [part] * full + ([rest] if rest else [])
