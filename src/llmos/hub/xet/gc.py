"""Letting go of content that no repository uses, without pulling it from under a client.

Clients remember what they uploaded and refer to it unasked. So a block is first marked as
unused, then storage gets a new address, which makes clients forget, and only when every
token for the old address has expired is the block removed.
"""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from llmos.hub.models import LfsLink, LfsObject
from llmos.hub.xet import generation, tokens
from llmos.hub.xet.blocks import xorb_path
from llmos.hub.xet.models import XetFile, XetTerm, Xorb
from llmos.kit.health import Finding
from llmos.kit.home import home_from_environment
from llmos.kit.time import now
from llmos.store.blobs import blob_path, upload_path

# An upload may send blocks for this long before it says which files they make.
_LONGEST_UPLOAD = timedelta(days=1)
_SETTLED = timedelta(seconds=2 * tokens.LIFETIME)
_LEFTOVER_AFTER = 2 * 86400.0  # seconds
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Collected:
    """What one run removed, and how many blocks wait for the next."""

    files: int
    xorbs: int
    bytes: int
    waiting: int


def collect_garbage(*, grace_days: float = 30, settled: timedelta = _SETTLED) -> Collected:
    """Remove content that no repository has used for `grace_days`; safe beside a running hub.

    Blocks go in the run after the one that found them unused, `settled` later at the soonest.
    """
    horizon = now() - timedelta(days=grace_days)
    files, freed = _forget_objects(horizon)
    _forget_files(horizon)
    xorbs, swept = _sweep(horizon, settled)
    waiting = _mark(min(horizon, now() - _LONGEST_UPLOAD))
    for leftover in _old_uploads():
        _remove(leftover)
    return Collected(files=files, xorbs=xorbs, bytes=freed + swept, waiting=waiting)


def stray_findings() -> Iterator[Finding]:
    """Files that no row names, and uploads that nobody will finish. Each can be removed."""
    home = home_from_environment()
    for path in _hashed_files(home.blobs):
        if not LfsObject.objects.filter(pk=path.name, whole=True).exists() and _is_old(path, 3600):
            yield Finding(str(path), "a large file that no row names", partial(_remove, path))
    for path in _hashed_files(home.xorbs):
        # One that was being stored when the hub was killed is stored anew by the next upload.
        if not Xorb.objects.filter(pk=path.name).exists() and _is_old(path, 3600):
            yield Finding(str(path), "a Xet block that no row names", partial(_remove_stray, path))
    for path in _old_uploads():
        yield Finding(str(path), "an upload that was never finished", partial(_remove, path))


def _forget_objects(horizon: datetime) -> tuple[int, int]:
    """Drop rows and whole files of content that nothing links to: (count, bytes)."""
    linked = LfsLink.objects.filter(object=OuterRef("pk"))
    doomed = LfsObject.objects.filter(~Exists(linked), created_at__lt=horizon)
    count = freed = 0
    for sha256 in list(doomed.values_list("pk", flat=True)):
        with transaction.atomic():
            found = LfsObject.objects.filter(~Exists(linked), pk=sha256).first()
            if found is None:
                continue
            freed += _set_aside(blob_path(sha256))
            found.delete()
            count += 1
    return count, freed


def _forget_files(horizon: datetime) -> None:
    used = LfsObject.objects.filter(xet_hash=OuterRef("pk"))
    doomed = XetFile.objects.filter(~Exists(used), created_at__lt=horizon)
    while some := list(doomed.values_list("pk", flat=True)[:_AT_ONCE]):
        with transaction.atomic():
            XetFile.objects.filter(~Exists(used), pk__in=some).delete()


def _sweep(horizon: datetime, settled: timedelta) -> tuple[int, int]:
    """Remove blocks that were unused before clients were made to forget: (count, bytes)."""
    raised = datetime.fromtimestamp(generation.raised_at(), UTC)
    if now() - raised < settled:
        return 0, 0
    doomed = _unused().filter(unused_since__lt=min(horizon, raised))
    count = freed = 0
    for name in list(doomed.values_list("pk", flat=True)):
        with transaction.atomic():
            found = doomed.filter(pk=name).first()
            if found is None:
                continue
            freed += _set_aside(xorb_path(name))
            found.delete()
            count += 1
    return count, freed


def _mark(uploaded_before: datetime) -> int:
    """Mark unused blocks and, when any waits for it, give storage a new address."""
    _unused().filter(unused_since=None, created_at__lt=uploaded_before).update(unused_since=now())
    waiting = _unused().filter(unused_since__isnull=False)
    raised = datetime.fromtimestamp(generation.raised_at(), UTC)
    if waiting.filter(unused_since__gte=raised).exists():
        generation.raise_generation()
    return waiting.count()


def _unused() -> QuerySet[Xorb]:
    return Xorb.objects.filter(~Exists(XetTerm.objects.filter(xorb=OuterRef("pk"))))


def _set_aside(path: Path) -> int:
    """Take a file out of its place before its row goes, so that a new one may take it."""
    aside = upload_path()
    try:
        os.replace(path, aside)
    except FileNotFoundError:
        return 0
    size = aside.stat().st_size
    aside.unlink()
    return size


def _remove_stray(path: Path) -> None:
    with transaction.atomic():  # uploads put file and row in place in one transaction
        if not Xorb.objects.filter(pk=path.name).exists():
            path.unlink(missing_ok=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _hashed_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.glob("??/*")):
        if path.is_file():
            yield path


def _old_uploads() -> Iterator[Path]:
    folder = home_from_environment().uploads
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if _is_old(path, _LEFTOVER_AFTER):
            yield path


def _is_old(path: Path, seconds: float) -> bool:
    try:
        return time.time() - path.stat().st_mtime > seconds
    except FileNotFoundError:
        return False
