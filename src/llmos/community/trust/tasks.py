"""What trust owes each night: levels follow the table of today, whatever settings said before."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from llmos.community.trust.actions import review
from llmos.community.trust.levels import deserved
from llmos.community.trust.models import Standing
from llmos.store.tasks import task

_DAY = timedelta(days=1)


@task()
def review_all() -> None:
    """Raise whoever deserves more than she has. Once a day."""
    for standing in Standing.objects.filter(held=False).iterator(chunk_size=1000):
        if deserved(standing) > standing.level:
            review(standing.pk)
    _file_once(review_all, run_after=timezone.now() + _DAY)


def begin() -> None:
    """File what a starting worker owes."""
    _file_once(review_all)


def _file_once(filed: Any, run_after: Any = None) -> None:
    """File a task unless it waits already."""
    waiting = DBTaskResult.objects.filter(status="READY", task_path=filed.module_path)
    if not waiting.exists():
        (filed.using(run_after=run_after) if run_after else filed).enqueue()
