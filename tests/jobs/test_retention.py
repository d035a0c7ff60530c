"""What is kept of jobs: the record of all, and checkpoints within bounds."""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.jobs.rows import new_job

from llmos.jobs.folders import jobs_folder
from llmos.jobs.models import Job
from llmos.jobs.retention import SETTLED, sweep
from llmos.jobs.stages import Stage
from llmos.kit.config import current
from llmos.kit.time import now

pytestmark = pytest.mark.django_db

MIB = 2**20


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    shutil.rmtree(jobs_folder(), ignore_errors=True)
    yield
    shutil.rmtree(jobs_folder(), ignore_errors=True)
    current.cache_clear()


@pytest.fixture
def left() -> Callable[..., Path]:
    """A job in a stage, with a record and a checkpoint of some size in its folder."""

    def make(stage: Stage, *, days: float = 0, size: int = MIB) -> Path:
        job = new_job(stage=stage, ended_at=now() - timedelta(days=days))
        folder = jobs_folder() / job.pk
        (folder / "checkpoints").mkdir(parents=True)
        with (folder / "checkpoints" / "step").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, size)
        (folder / "artefacts").mkdir()
        (folder / "artefacts" / "samples.jsonl").write_text("{}\n")
        (folder / "stream.jsonl").write_text("")
        return folder

    return make


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


RECORD = {"artefacts", "stream.jsonl"}


def test_checkpoints_are_kept_to_go_on_with_and_not_longer(left: Callable[..., Path]) -> None:
    done = left(Stage.SUCCEEDED)
    fresh, old = left(Stage.FAILED, days=13), left(Stage.CANCELLED, days=15)
    waiting, running = left(Stage.QUEUED, days=99), left(Stage.RUNNING, days=99)
    removed = sweep()
    assert names(done) == names(old) == RECORD
    for folder in (fresh, waiting, running):
        assert names(folder) == RECORD | {"checkpoints"}
    assert removed.folders == 2
    assert removed.bytes >= 2 * MIB
    assert sweep().folders == 0


def test_all_of_them_stay_within_a_bound_and_the_oldest_go_first(
    left: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [left(Stage.FAILED, days=days, size=600 * MIB) for days in (3, 1, 2)]
    monkeypatch.setenv("LLMOS_JOBS_KEEP_GB", "1")
    current.cache_clear()
    sweep()
    assert ["checkpoints" in names(folder) for folder in folders] == [False, True, False]


def test_what_was_left_on_the_cluster_goes_too(
    left: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    old = left(Stage.LOST, days=15).name
    fresh = left(Stage.LOST).name
    for name in (old, fresh):
        (tmp_path / name).mkdir()
        (tmp_path / name / "checkpoint").write_bytes(b"x")
    monkeypatch.setenv("LLMOS_JOBS_RAY_FOLDER", str(tmp_path))
    current.cache_clear()
    sweep()
    assert names(tmp_path) == {fresh}


def test_a_folder_whose_job_is_gone_goes_once_it_is_settled(left: Callable[..., Path]) -> None:
    folder = left(Stage.FAILED)
    Job.objects.all().delete()
    sweep()
    assert folder.exists()
    past = time.time() - SETTLED - 1
    os.utime(folder, (past, past))
    assert sweep().folders == 1
    assert not folder.exists()
