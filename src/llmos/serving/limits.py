"""What one member may ask at once and in a minute; kept in memory, forgotten when unused."""

import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from llmos.kit.config import current
from llmos.serving.config import ServingSettings
from llmos.serving.errors import TooManyRequests
from llmos.store.threads import page_text as _

_REMEMBERED = 20_000  # members and addresses
_MINUTE = 60.0


@dataclass(slots=True)
class _Use:
    running: int = 0
    times: deque[float] = field(default_factory=deque)


_uses: OrderedDict[str, _Use] = OrderedDict()


@contextmanager
def within_limits(who: str) -> Iterator[None]:
    """Count a request of `who` while it runs. Call on the event loop. Raises TooManyRequests."""
    settings, now = current(ServingSettings), time.monotonic()
    use = _uses.setdefault(who, _Use())
    _uses.move_to_end(who)
    while use.times and now - use.times[0] > _MINUTE:
        use.times.popleft()
    if use.running >= settings.at_once:
        raise TooManyRequests(
            _("You have %(n)d requests running; wait until one ends") % {"n": use.running},
            seconds=1,
        )
    if len(use.times) >= settings.per_minute:
        wait = int(_MINUTE - (now - use.times[0])) + 1
        raise TooManyRequests(
            _("You asked %(n)d times within a minute; try again in %(wait)d s")
            % {"n": settings.per_minute, "wait": wait},
            seconds=wait,
        )
    use.times.append(now)
    use.running += 1
    _forget()
    try:
        yield
    finally:
        use.running -= 1


def _forget() -> None:
    while len(_uses) > _REMEMBERED:
        who, use = next(iter(_uses.items()))
        if use.running:
            return
        del _uses[who]
