"""The worker: runs filed tasks until told to stop; the one writer of the search index."""

import logging
import signal
import socket
from contextlib import suppress
from datetime import timedelta
from types import FrameType
from typing import Any

from django.utils import timezone
from django_tasks_db.management.commands.db_worker import Worker
from django_tasks_db.models import DBTaskResult

from llmos.kit.home import home_from_environment
from llmos.store.tasks import WAKE_SOCKET, wake_worker

logger = logging.getLogger(__name__)

# A task may become due without anybody waking us (`run_after`), so look this often, in seconds.
NAP = 2.0
RETRIES_AFTER_DEATH = 3


def run_worker() -> None:
    """Work until SIGTERM or SIGINT; ends after the task in hand."""
    stopping = False

    def stop(signum: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        wake_worker()  # a sleeping `recv` goes on sleeping after a signal

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    requeue_orphans()
    with _wake_socket() as wire:
        while not stopping:
            if DBTaskResult.objects.ready().exists():
                _run_ready(lambda: stopping)
                continue
            with suppress(TimeoutError, InterruptedError):
                wire.recv(16)


def run_pending() -> None:
    """Run every task that is due, then return: for tests and for commands that must not lag."""
    requeue_orphans()
    _run_ready(lambda: False)


def requeue_orphans() -> int:
    """File again what a killed worker had in hand. Only one worker runs on a home."""
    orphans = DBTaskResult.objects.filter(status="RUNNING")
    count = 0
    for orphan in orphans:
        if len(orphan.worker_ids or []) >= RETRIES_AFTER_DEATH:
            orphan.set_failed(RuntimeError("the worker died each time it ran this task"))
            continue
        DBTaskResult.objects.filter(pk=orphan.pk).update(status="READY", started_at=None)
        count += 1
    return count


def forget_finished(*, days: int = 7) -> None:
    """Drop rows of tasks that ended long ago."""
    horizon = timezone.now() - timedelta(days=days)
    DBTaskResult.objects.filter(status="SUCCESSFUL", finished_at__lt=horizon).delete()


def _run_ready(stopping: Any) -> None:
    worker = Worker(
        queue_names=["*"],
        interval=0,
        batch=True,
        backend_name="default",
        startup_delay=False,
        max_tasks=1,
        worker_id=f"llmos-{home_from_environment().root.name}"[:64],
        excluded_queue_names=[],
    )
    while not stopping() and DBTaskResult.objects.ready().exists():
        worker.running, worker._run_tasks = True, 0
        worker.run()


def _wake_socket() -> socket.socket:
    path = home_from_environment().run / WAKE_SOCKET
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileNotFoundError):
        path.unlink()
    wire = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    wire.bind(str(path))
    wire.settimeout(NAP)
    return wire
