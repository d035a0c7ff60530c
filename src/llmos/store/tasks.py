"""Background tasks: small steps after a change, done by the worker process, at least once.

A task is a function decorated with `@task()` from here, filed with `.enqueue(...)` in the
transaction of the change, and must give the same result when it runs twice.
"""

import socket
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from django_tasks import task as task

from llmos.kit.home import home_from_environment

WAKE_SOCKET = "worker.sock"


def wake_worker() -> None:
    """Tell a sleeping worker to look now; without one running, nothing happens."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.setblocking(False)
        wire.sendto(b"\0", str(home_from_environment().run / WAKE_SOCKET))


def file_once(filed: Any, run_after: datetime | None = None, *, sooner: bool = False) -> None:
    """File a task unless it waits already; with `sooner`, one that waits for later counts not."""
    from django.db.models import Q
    from django_tasks_db.models import DBTaskResult, get_date_max

    waiting = DBTaskResult.objects.filter(status="READY", task_path=filed.module_path)
    if sooner:
        at_once = Q(run_after=get_date_max())
        waiting = waiting.filter(at_once | Q(run_after__lte=run_after or datetime.now(UTC)))
    if not waiting.exists():
        (filed.using(run_after=run_after) if run_after else filed).enqueue()
