"""Where xorb bytes are fetched: addresses that open exactly the byte ranges they name.

A xorb may hold chunks of several files, so an address for one never opens the rest.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from time import time
from typing import Any

from django.conf import settings

from llmos.hub.xet.blocks import index_of
from llmos.hub.xet.queries import Run, merged
from llmos.kit.errors import Forbidden
from llmos.wire import ticket
from llmos.wire.ticket import BadTicket, ExpiredTicket

LIFETIME = 3600  # seconds
_PURPOSE = "xorb-range"
_RANGES_EACH = 16  # in one address, to keep it short


class RangeNotGranted(Forbidden):
    """Clients answer this by asking for the reconstruction again."""

    def __init__(self) -> None:
        super().__init__("This address does not open that range, or has expired")


def fetch_list(runs: Iterable[Run], base: str) -> dict[str, list[dict[str, Any]]]:
    """For each xorb, where its needed chunks are: `{url, ranges: [{chunks, bytes}]}`."""
    needed: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for run in runs:
        needed[run.xorb].append((run.first, run.end))
    return {xorb: list(_entries(xorb, ranges, base)) for xorb, ranges in needed.items()}


def granted_ranges(xorb: str, signature: str) -> list[tuple[int, int]]:
    """The byte ranges (ends exclusive) that a signature opens. Raises RangeNotGranted."""
    try:
        claims = ticket.read(signature, key=settings.SECRET_KEY, purpose=_PURPOSE, now=time())
    except (BadTicket, ExpiredTicket) as error:
        raise RangeNotGranted from error
    if claims["x"] != xorb:
        raise RangeNotGranted
    return [(start, end) for start, end in claims["b"]]


def _entries(xorb: str, ranges: Sequence[tuple[int, int]], base: str) -> Iterable[dict[str, Any]]:
    index = index_of(xorb)
    expires = int(time()) + LIFETIME
    chunks = list(merged(ranges))
    for position in range(0, len(chunks), _RANGES_EACH):
        some = chunks[position : position + _RANGES_EACH]
        spans = [index.byte_range(first, end) for first, end in some]
        signature = ticket.issue(
            {"x": xorb, "b": spans}, key=settings.SECRET_KEY, purpose=_PURPOSE, expires=expires
        )
        yield {
            "url": f"{base}/xorb-data/{xorb}?s={signature}",
            "ranges": [
                {
                    "chunks": {"start": first, "end": end},
                    "bytes": {"start": start, "end": stop - 1},
                }
                for (first, end), (start, stop) in zip(some, spans, strict=True)
            ],
        }
