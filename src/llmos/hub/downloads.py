"""Counting downloads: in memory while bytes flow, written a little later.

One client that fetches many files of a repository within ten minutes downloads it once.
What a killed process had not yet written is lost (one that is told to stop writes first); a
hot path never waits for a write.
"""

import asyncio
import logging
import time
from collections import Counter, OrderedDict

from django.db import DatabaseError

from llmos.accounts.access import Viewer
from llmos.hub.actions import count_downloads
from llmos.kit.time import now
from llmos.store.threads import POOL

logger = logging.getLogger(__name__)

SAME_DOWNLOAD = 600.0  # seconds
WRITTEN_AFTER = 5.0  # seconds
_REMEMBERED = 50_000  # clients at repositories

_counts: Counter[int] = Counter()
_seen: OrderedDict[tuple[int, str], float] = OrderedDict()


def count_download(repository_id: int, viewer: Viewer, address: str) -> None:
    """Note that a client fetches from a repository. Call on the event loop."""
    client = (repository_id, address if viewer.user_id is None else f"user {viewer.user_id}")
    moment = time.monotonic()
    last = _seen.get(client)
    if last is not None and moment - last < SAME_DOWNLOAD:
        return
    _seen[client] = moment
    _seen.move_to_end(client)
    if len(_seen) > _REMEMBERED:
        _seen.popitem(last=False)
    if not _counts:
        asyncio.get_running_loop().call_later(WRITTEN_AFTER, POOL.submit, write_counts)
    _counts[repository_id] += 1


def write_counts() -> None:
    """Write what was counted since the last time."""
    counts = dict(_counts)
    for repository_id in counts:
        _counts.pop(repository_id, None)
    if not counts:
        return
    try:
        count_downloads(counts=counts, day=now().date())
    except DatabaseError:
        logger.info("%s downloads were not counted", sum(counts.values()), exc_info=True)
