"""Checks of what all rooms share: the database itself, tasks, the search index."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from django.db import connection
from django_tasks_db.models import DBTaskResult

from llmos.kit.health import Finding
from llmos.store import search, worker
from llmos.store.tasks import wake_worker


def database_findings() -> Iterator[Finding]:
    """SQLite's own checks; PostgreSQL has its own tools."""
    if connection.vendor != "sqlite":
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA quick_check(10)")
        for (said,) in cursor.fetchall():
            if said != "ok":
                yield Finding("database", f"{said}; restore it from a backup")
        cursor.execute("PRAGMA foreign_key_check")
        for table, row_id, parent, _ in cursor.fetchmany(10):
            yield Finding("database", f"{table} row {row_id} names a missing row of {parent}")


def task_findings(*, worker_runs: bool) -> Iterator[Finding]:
    """Background tasks that failed, or that a killed worker had in hand."""
    for failed in DBTaskResult.objects.filter(status="FAILED").order_by("pk")[:1000]:
        reason = failed.exception_class_path.rpartition(".")[2]
        yield Finding(f"task {failed.task_path}", f"failed: {reason}", partial(_again, failed))
    if not worker_runs and DBTaskResult.objects.filter(status="RUNNING").exists():
        yield Finding("tasks", "a killed worker left some in hand", worker.requeue_orphans)


def search_findings(*, worker_runs: bool) -> Iterator[Finding]:
    """A damaged index, while no worker runs: with one, it is the worker's to write and to mend."""
    if worker_runs or search.is_missing():
        return
    try:
        search.forget([])
    except search.IndexDamaged as damage:
        yield Finding("search", f"the index is damaged: {damage}", search.rebuild)


def _again(failed: Any) -> None:
    DBTaskResult.objects.filter(pk=failed.pk).update(
        status="READY", started_at=None, finished_at=None, worker_ids=[]
    )
    wake_worker()
