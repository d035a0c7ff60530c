"""What trust owes each night: levels follow the table of today, whatever settings said before."""

from datetime import timedelta

from django.utils import timezone

from llmos.community.trust.actions import review
from llmos.community.trust.levels import deserved
from llmos.community.trust.models import Standing
from llmos.store.tasks import file_once, task

_DAY = timedelta(days=1)


@task()
def review_all() -> None:
    """Raise whoever deserves more than she has. Once a day."""
    for standing in Standing.objects.filter(held=False).iterator(chunk_size=1000):
        if deserved(standing) > standing.level:
            review(standing.pk)
    file_once(review_all, run_after=timezone.now() + _DAY)


def begin() -> None:
    """File what a starting worker owes."""
    file_once(review_all)
