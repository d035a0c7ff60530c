"""Keeping repositories small and quick: pack loose objects, sweep what killed processes left."""

import shutil
import time
from pathlib import Path

from llmos.hub.git.repos import path_of, run_git
from llmos.kit.home import home_from_environment

MANY_LOOSE = 2000  # objects
MANY_PACKS = 20
ABANDONED = 86_400.0  # seconds; no commit or push takes a day
_REPACK_SECONDS = 3600


def needs_packing(repository_id: int) -> bool:
    """Whether reads begin to suffer from many small files."""
    objects = path_of(repository_id) / "objects"
    # Ids are spread evenly, so one folder of 256 tells about all (as git's own gc reckons).
    loose = sum(1 for _ in (objects / "17").glob("*")) * 256
    packs = sum(1 for _ in (objects / "pack").glob("*.pack"))
    return loose > MANY_LOOSE or packs > MANY_PACKS


def tidy(repository_id: int) -> None:
    """Pack and sweep one repository; safe beside readers and writers, and to run again.

    Objects that nothing leads to are kept for two weeks, since a commit in the making or a
    commit id in somebody's hands may still name them.
    """
    _sweep(path_of(repository_id))
    run_git(
        repository_id, ["pack-refs"], seconds=_REPACK_SECONDS
    )  # tags; branches are read as files
    if needs_packing(repository_id):
        run_git(
            repository_id,
            ["repack", "-A", "-d", "-l", "-q", "--unpack-unreachable=2.weeks.ago"],
            seconds=_REPACK_SECONDS,
        )
        run_git(repository_id, ["prune-packed", "-q"], seconds=_REPACK_SECONDS)


def sweep_all() -> None:
    """Remove what killed processes left: half-made repositories, commits, pushes and packs."""
    git = home_from_environment().git
    for folder in [*git.glob("*/.new-*"), *git.glob("*/.gone-*")]:
        if _is_old(folder):
            shutil.rmtree(folder, ignore_errors=True)
    for repository in git.glob("*/*.git"):
        _sweep(repository)


def _sweep(repository: Path) -> None:
    left = [
        *repository.glob("objects/tmp_objdir-*"),
        *repository.glob("objects/incoming-*"),
        *repository.glob("objects/pack/tmp_*"),
        *repository.glob("objects/??/tmp_obj_*"),
        *repository.glob("refs/staging/*"),
        *repository.glob("fast_import_crash_*"),
    ]
    for path in left:
        if not _is_old(path):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def _is_old(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime > ABANDONED
    except FileNotFoundError:
        return False
