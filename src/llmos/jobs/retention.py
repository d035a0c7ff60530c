"""What is kept of jobs, and for how long, so that the disk does not grow with every run.

Of a job that succeeded its record is kept: log, spec, artefacts. One that did not also keeps its
checkpoints, to go on from, within the bounds of the settings `keep_days` and `keep_gb`.
"""

import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from llmos.jobs.config import JobsSettings
from llmos.jobs.folders import RECORD, jobs_folder
from llmos.jobs.models import Job
from llmos.jobs.stages import ENDED, Stage
from llmos.kit.config import current
from llmos.kit.time import now

# A folder is made just before its row says so; only after this is one without a row nobody's.
SETTLED = 3600.0  # seconds


@dataclass(slots=True)
class Removed:
    folders: int = 0
    bytes: int = 0

    def note(self, size: int) -> None:
        if size:
            self.folders += 1
            self.bytes += size


def sweep() -> Removed:
    """Remove what nobody needs any more; safe while jobs run."""
    removed = Removed()
    for folder in ownerless_folders():
        removed.note(_size(folder))
        shutil.rmtree(folder, ignore_errors=True)
    settings = current(JobsSettings)
    room = settings.keep_gb * 2**30
    oldest = now() - timedelta(days=settings.keep_days)
    # The newest first: the bound is met by what was left longest.
    for job in Job.objects.filter(stage__in=ENDED).order_by("-ended_at").iterator():
        work = [*_work(jobs_folder() / job.pk), *_on_cluster(job.pk)]
        if not work:
            continue
        size = sum(_size(path) for path in work)
        is_kept = job.stage != Stage.SUCCEEDED and job.ended_at is not None
        if is_kept and job.ended_at >= oldest and size <= room:  # type: ignore[operator]
            room -= size
        elif Job.objects.filter(pk=job.pk, stage=job.stage).exists():  # nobody has resumed it
            removed.note(_remove(work))
    return removed


def keep_record_only(folder: Path) -> None:
    """Remove all but what is kept of every job."""
    _remove(_work(folder))


def ownerless_folders() -> Iterator[Path]:
    """Folders of jobs whose rows are gone, with a member or an organisation."""
    if not jobs_folder().is_dir():
        return
    for folder in sorted(jobs_folder().iterdir()):
        is_settled = folder.is_dir() and time.time() - folder.stat().st_mtime > SETTLED
        if is_settled and not Job.objects.filter(pk=folder.name).exists():
            yield folder


def _work(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.name not in RECORD]


def _on_cluster(job_id: str) -> list[Path]:
    """What the job left on the cluster, where this machine sees its shared folder."""
    shared = current(JobsSettings).ray_folder
    folder = Path(shared) / job_id
    return [folder] if shared and folder.is_dir() else []


def _remove(paths: list[Path]) -> int:
    """Returns the bytes that came free."""
    freed = 0
    for path in paths:
        freed += _size(path)
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    return freed


def _size(path: Path) -> int:
    """Bytes on disk, links counted once as what they are."""
    total = 0
    for one in (path, *path.rglob("*")) if path.is_dir() else (path,):
        with suppress(OSError):
            total += one.lstat().st_blocks * 512
    return total
