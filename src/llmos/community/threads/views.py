"""How often threads are looked at: counted in memory, written a little later.

One viewer who looks again within half an hour counts once. What a killed process had not yet
written is lost; no page ever waits for it.
"""

import logging
import threading
import time
from collections import Counter, OrderedDict
from contextlib import suppress

from django.db import DatabaseError
from django.db.models import F

from llmos.accounts.access import Viewer
from llmos.community.threads.models import Thread
from llmos.store.threads import POOL

logger = logging.getLogger(__name__)

SAME_VIEW = 1800.0  # seconds
WRITTEN_AFTER = 10.0  # seconds
_REMEMBERED = 50_000

_lock = threading.Lock()
_counts: Counter[int] = Counter()
_seen: OrderedDict[tuple[int, str], float] = OrderedDict()


def count_view(thread_id: int, viewer: Viewer, address: str) -> None:
    who = (thread_id, address if viewer.user_id is None else f"user {viewer.user_id}")
    moment = time.monotonic()
    with _lock:
        last = _seen.get(who)
        if last is not None and moment - last < SAME_VIEW:
            return
        _seen[who] = moment
        _seen.move_to_end(who)
        if len(_seen) > _REMEMBERED:
            _seen.popitem(last=False)
        if not _counts:
            timer = threading.Timer(WRITTEN_AFTER, _write_in_pool)
            timer.daemon = True
            timer.start()
        _counts[thread_id] += 1


def _write_in_pool() -> None:
    with suppress(RuntimeError):  # the process ends, and writes them itself
        POOL.submit(write_views)


def write_views() -> None:
    """Write what was counted since the last time."""
    with _lock:
        counts = dict(_counts)
        _counts.clear()
    try:
        for thread_id, number in counts.items():
            Thread.objects.filter(pk=thread_id).update(views=F("views") + number)
    except DatabaseError:
        logger.info("%s views were not counted", sum(counts.values()), exc_info=True)
