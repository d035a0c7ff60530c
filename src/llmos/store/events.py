"""Announcements: how a room tells rooms to its right, unknown to it, that something happened.

`announce` runs inside the writer's transaction and only files tasks there, so a listener
hears of a change exactly if the change was kept. Listeners run later, in the worker, at
least once. Who listens to whom stands in `web/wiring.py` and nowhere else.
"""

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction

from llmos.store.tasks import wake_worker


@dataclass(frozen=True, slots=True)
class Event:
    """What rooms extend: frozen, its fields plain JSON values."""


_listeners: dict[type[Event], list[Any]] = defaultdict(list)


def listen(event: type[Event], listener: Any) -> None:
    """Let the task `listener` be filed with the event's fields as keyword arguments."""
    if listener not in _listeners[event]:
        _listeners[event].append(listener)


def announce(event: Event) -> None:
    """File every listener of this event. Call inside the transaction that made it true."""
    for listener in _listeners[type(event)]:
        listener.enqueue(**asdict(event))
    transaction.on_commit(wake_worker)
