"""Announcements: how a room tells rooms to its right, unknown to it, that something happened.

`announce` runs inside the writer's transaction and only files tasks there, so a listener
hears of a change exactly if the change was kept. Listeners run later, in the worker, at
least once. Who listens to whom stands in `web/wiring.py` and nowhere else.
"""

from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any

from django.db import transaction
from django_tasks_db.models import DBTaskResult, get_date_max

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
    listeners = _listeners[type(event)]
    if not listeners:
        return
    # One statement for all of them: a push has a dozen listeners, and its client waits.
    call = {"args": [], "kwargs": asdict(event)}
    DBTaskResult.objects.bulk_create(
        DBTaskResult(
            args_kwargs=call,
            priority=listener.priority,
            task_path=listener.module_path,
            queue_name=listener.queue_name,
            backend_name=listener.backend,
            run_after=get_date_max(),  # how its rows say: at once
        )
        for listener in listeners
    )
    transaction.on_commit(wake_worker)
