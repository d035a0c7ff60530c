"""Turning whole files into Xet content in the background, so that every client gets chunks."""

import logging
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from llmos.hub.models import LfsObject
from llmos.hub.xet.ingest import CannotIngest, ingest
from llmos.store.blobs import blob_path
from llmos.store.tasks import task, wake_worker

logger = logging.getLogger(__name__)

_AT_ONCE = 64  # files in one run; small ones share blocks
_LATER = timedelta(minutes=1)
# An answer that has just been given the name of a whole file may still have to open it.
_LINGERS = timedelta(minutes=1)


@task()
def ingest_pending() -> None:
    """Give Xet hashes to the files that have none, then let go of their whole copies."""
    pending = list(
        LfsObject.objects.filter(whole=True, size__gt=0, links__isnull=False)
        .distinct()
        .order_by("created_at")[:_AT_ONCE]
    )
    if not pending:
        return
    try:
        done = ingest(pending)
    except CannotIngest as failure:
        logger.warning("files stay whole for now: %s", failure.message)
        ingest_pending.using(run_after=timezone.now() + _LATER).enqueue()
        return
    with transaction.atomic():
        LfsObject.objects.filter(pk__in=done).update(whole=False)
        remove_blobs.using(run_after=timezone.now() + _LINGERS).enqueue(sha256s=done)
        if len(pending) == _AT_ONCE:
            ingest_pending.enqueue()
            transaction.on_commit(wake_worker)


@task()
def remove_blobs(*, sha256s: list[str]) -> None:
    """Delete whole copies of content that is stored as chunks."""
    for sha256 in sha256s:
        with transaction.atomic():
            if not LfsObject.objects.filter(pk=sha256, whole=True).exists():
                blob_path(sha256).unlink(missing_ok=True)
