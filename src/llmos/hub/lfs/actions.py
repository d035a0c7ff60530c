"""Keeping an uploaded file: bytes first, then the row, then the link; and its way into Xet."""

from pathlib import Path

from django.db import transaction

from llmos.hub.lfs.tasks import ingest_pending
from llmos.hub.models import LfsLink, LfsObject
from llmos.kit.files import move_into_place
from llmos.store.blobs import Received, blob_path
from llmos.store.tasks import wake_worker


@transaction.atomic
def keep_blob(*, repository_id: int, body: Received) -> None:
    """Keep a received body, whose hash was computed here, as content of a repository."""
    found = LfsObject.objects.filter(pk=body.sha256).first()
    if found is None or not (found.whole or found.xet_hash):
        _store(body.path, body.sha256, body.size)
    LfsLink.objects.get_or_create(repository_id=repository_id, object_id=body.sha256)


def _store(temporary: Path, sha256: str, size: int) -> None:
    move_into_place(temporary, blob_path(sha256))
    LfsObject.objects.update_or_create(pk=sha256, defaults={"size": size, "whole": True})
    ingest_pending.enqueue()
    transaction.on_commit(wake_worker)
