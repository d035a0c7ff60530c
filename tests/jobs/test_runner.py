"""The runner with real processes: whatever one job does, the queue goes on."""

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest
from tests.jobs.rows import new_member

from llmos.accounts.access import viewer_of_user
from llmos.accounts.models import Token, User
from llmos.hub.actions import create_repository
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository, TokenGrant
from llmos.jobs.actions import cancel, file_job, resume
from llmos.jobs.executors import local as executor
from llmos.jobs.executors.local import FOLDER_VARIABLE, LocalExecutor
from llmos.jobs.folders import RECORD, job_folder, jobs_folder
from llmos.jobs.models import Job
from llmos.jobs.runner import Runner
from llmos.jobs.stages import Stage
from llmos.kit.config import current

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def settings_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Settings of jobs for one test."""

    def put(**values: Any) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"LLMOS_JOBS_{name.upper()}", str(value))
        current.cache_clear()

    yield put
    monkeypatch.undo()
    current.cache_clear()


@pytest.fixture
def member() -> User:
    return new_member()


@pytest.fixture
def new(member: User, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Job]]:
    """Files a job whose process is this Python script."""
    viewer = viewer_of_user(member)
    scripts: dict[str, str] = {}
    data = create_repository(
        viewer=viewer, kind=KINDS["dataset"], namespace=None, name=f"d-{uuid4().hex[:6]}"
    )

    def file(script: str, **more: Any) -> Job:
        job = file_job(
            viewer=viewer,
            namespace=member.username,
            activity="train",
            inputs=[{"role": "data", "kind": "dataset", "repo": data.full_name}],
            output={"kind": "model", "repo": f"{member.username}/m-{uuid4().hex[:6]}"},
            recipe={"task": "translate"},
            **more,
        )
        scripts[job.pk] = script
        return job

    def keep(self: LocalExecutor, job: Job, environment: dict[str, str]) -> None:
        self._keep(job, environment, (sys.executable, "-u", "-c", scripts[job.pk]))

    monkeypatch.setattr(LocalExecutor, "start", keep)
    yield file
    end_all()
    shutil.rmtree(jobs_folder(), ignore_errors=True)


def end_all() -> None:
    """Keepers and what they hold: a keeper that is killed would leave its job running."""
    while left := [process for process in psutil.process_iter() if _is_of(process, jobs_folder())]:
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        time.sleep(0.02)
    for keeper in executor._started:
        keeper.wait()


@pytest.fixture
def runner() -> Runner:
    return Runner("http://127.0.0.1:1")


def look_until(runner: Runner, found: Callable[[], bool], limit: float = 20) -> None:
    deadline = time.monotonic() + limit
    while not found():
        assert time.monotonic() < deadline
        runner.look()
        time.sleep(0.05)


def over(*jobs: Job) -> Callable[[], bool]:
    def found() -> bool:
        for job in jobs:
            job.refresh_from_db()
        return all(job.is_over for job in jobs)

    return found


def keeper_of(job: Job) -> int:
    return int((job_folder(job.pk) / "keeper.lock").read_text())


def started(job: Job) -> Callable[[], bool]:
    """Whether the job's own process has said `up`."""

    def found() -> bool:
        path = job_folder(job.pk) / "stream.jsonl"
        return path.exists() and '"text": "up"' in path.read_text()

    return found


SLEEP = "import time; print('up'); time.sleep(600)"


def test_a_job_that_dies_at_once_says_why_and_the_next_one_runs(
    new: Callable[..., Job], runner: Runner
) -> None:
    jobs = [
        new("import sys; print('oops'); sys.exit(3)"),
        new("import os; os.abort()"),
        new("import os, signal; os.kill(os.getpid(), signal.SIGKILL)"),
        new('raise SystemExit(print(\'\\x1e{"event": "refused", "text": "bad data"}\') or 2)'),
        new('print(\'\\x1e{"event": "cost", "cpu_seconds": 1.5}\')'),
    ]
    look_until(runner, over(*jobs), 30)
    assert [job.stage for job in jobs] == [*[Stage.FAILED] * 4, Stage.SUCCEEDED]
    said = [job.message for job in jobs]
    assert said[0] == "The job broke off (exit status 3). Its last words: oops"
    assert said[1] == "The job broke off (signal 6). It said nothing."
    assert "memory was used up" in said[2]
    assert said[3:] == ["bad data", ""]
    assert jobs[4].cost == {"cpu_seconds": 1.5}
    assert jobs[0].cost is not None
    assert jobs[0].cost["energy_method"].startswith("estimated")


def test_one_job_a_core_the_first_first(
    new: Callable[..., Job], runner: Runner, settings_of: Callable[..., None]
) -> None:
    settings_of(cores=2)
    jobs = [new(SLEEP), new(SLEEP, cores=2), new(SLEEP, priority=-1)]
    runner.look()
    stages = [Job.objects.get(pk=job.pk).stage for job in jobs]
    # The second is wider than what is left, and nobody slips past it for ever.
    assert stages == [Stage.RUNNING, Stage.QUEUED, Stage.QUEUED]
    cancel(jobs[0])
    cancel(jobs[1])
    look_until(runner, started(jobs[2]))


def test_a_namespace_gets_no_more_than_its_share(
    new: Callable[..., Job], runner: Runner, settings_of: Callable[..., None]
) -> None:
    settings_of(cores=8, at_once=1)
    jobs = [new(SLEEP), new(SLEEP)]
    runner.look()
    assert Job.objects.filter(stage=Stage.RUNNING).count() == 1
    cancel(jobs[0])
    look_until(runner, started(jobs[1]))


def test_a_runner_that_was_killed_finds_its_jobs_again_and_starts_none_twice(
    new: Callable[..., Job], runner: Runner
) -> None:
    script = (
        "import pathlib, time\n"
        'print(\'\\x1e{"event": "step", "step": 7}\')\n'
        "print('up')\n"
        "while not pathlib.Path('go').exists(): time.sleep(0.05)\n"
        'print(\'\\x1e{"event": "made", "recipe": {}}\')'
    )
    job = new(script)
    look_until(runner, started(job))
    keeper = keeper_of(job)
    LocalExecutor().start(job, {})  # as one that was killed just after it started the job
    second = Runner("http://127.0.0.1:1")
    second.look()
    assert keeper_of(job) == keeper
    (job_folder(job.pk) / "go").touch()
    look_until(second, over(job))
    assert (job.stage, job.attempt) == (Stage.SUCCEEDED, 1)
    assert job.progress["step"]["step"] == 7
    assert job.made == {"recipe": {}}


def test_a_runner_that_was_killed_before_it_started_a_claimed_job_is_made_good(
    new: Callable[..., Job], runner: Runner
) -> None:
    """The folder holds the end of an earlier attempt, which must not count for this one."""
    job = new("import sys; sys.exit(1)")
    look_until(runner, over(job))
    assert job.stage == Stage.FAILED
    resume(job)
    Job.objects.filter(pk=job.pk).update(stage=Stage.RUNNING, attempt=2)
    Runner("http://127.0.0.1:1").look()
    job.refresh_from_db()
    assert (job.stage, job.attempt, job.losses) == (Stage.RUNNING, 3, 0)


def test_when_a_keeper_is_killed_its_job_is_ended_and_goes_on_in_a_new_attempt(
    new: Callable[..., Job], runner: Runner
) -> None:
    script = (
        "import os, pathlib, signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "with open('pids', 'a') as file: file.write(f'{os.getpid()} {child.pid}\\n')\n"
        "print('up')\n"
        "time.sleep(0 if pathlib.Path('pids').read_text().count('\\n') > 1 else 600)"
    )
    job = new(script)
    look_until(runner, started(job))
    os.kill(keeper_of(job), signal.SIGKILL)
    look_until(runner, over(job))
    assert (job.stage, job.attempt, job.losses) == (Stage.SUCCEEDED, 2, 1)
    assert not any(_is_of(process, job_folder(job.pk)) for process in psutil.process_iter())


def test_a_keeper_that_is_killed_again_and_again_loses_the_job(
    new: Callable[..., Job], runner: Runner, settings_of: Callable[..., None]
) -> None:
    settings_of(attempts=2)
    job = new("import os, pathlib; pathlib.Path(f'up-{os.getppid()}').touch(); " + SLEEP)
    seen: set[int] = set()

    def killed() -> bool:
        for path in job_folder(job.pk).glob("up-*"):
            pid = int(path.name[3:])
            if pid not in seen:
                seen.add(pid)
                os.kill(pid, signal.SIGKILL)
        return over(job)()

    look_until(runner, killed)
    assert job.stage == Stage.LOST
    assert len(seen) == 2
    left = [one for one in psutil.process_iter() if _is_of(one, job_folder(job.pk))]
    assert not any("up-" in " ".join(process.cmdline()) for process in left)


def _is_of(process: psutil.Process, folder: Path) -> bool:
    """Whether it belongs to the job of this folder, or to any job below it."""
    try:
        own = process.environ().get(FOLDER_VARIABLE)
    except (psutil.Error, OSError):
        return False
    return own is not None and Path(own).is_relative_to(folder)


def test_a_running_job_is_cancelled_and_resumed(new: Callable[..., Job], runner: Runner) -> None:
    script = (
        "import pathlib, time\n"
        "if pathlib.Path('checkpoint').exists(): raise SystemExit(0)\n"
        "pathlib.Path('checkpoint').touch(); print('up'); time.sleep(600)"
    )
    job = new(script)
    look_until(runner, started(job))
    cancel(job)
    look_until(runner, over(job))
    assert (job.stage, job.message) == (Stage.CANCELLED, "")
    resume(job)
    look_until(runner, over(job))
    assert job.stage == Stage.SUCCEEDED
    assert not (job_folder(job.pk) / "checkpoint").exists()


def test_whoever_hears_that_a_job_is_over_finds_its_record_only(
    new: Callable[..., Job], runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    import llmos.jobs.runner as module

    told = module.end
    left: set[str] = set()

    def end(job: Job, stage: Stage, **how: Any) -> bool:
        left.update(path.name for path in job_folder(job.pk).iterdir())
        return told(job, stage, **how)

    monkeypatch.setattr(module, "end", end)
    job = new("import os; os.makedirs('cache/model'); open('checkpoint', 'w').close()")
    look_until(runner, over(job))
    assert job.stage == Stage.SUCCEEDED
    assert "stream.jsonl" in left
    assert left <= RECORD


def test_the_token_opens_what_the_job_was_given_and_dies_with_it(
    new: Callable[..., Job], runner: Runner
) -> None:
    job = new(SLEEP)
    look_until(runner, started(job))
    token = Token.objects.get(user=job.user)
    assert (token.scoped, token.role) == (True, "write")
    assert token.expires_at is not None
    grants = {
        grant.repository.full_name: grant.may_write
        for grant in TokenGrant.objects.filter(token=token).select_related("repository")
    }
    assert grants == {
        job.spec["inputs"][0]["repo"]: False,
        job.spec["output"]["repo"]: True,
    }
    cancel(job)
    look_until(runner, over(job))
    assert not Token.objects.filter(user=job.user).exists()


def test_a_job_whose_input_was_closed_meanwhile_says_so(
    new: Callable[..., Job], runner: Runner
) -> None:
    job = new(SLEEP)
    Repository.objects.filter(full_name=job.spec["inputs"][0]["repo"]).delete()
    runner.look()
    job.refresh_from_db()
    assert (job.stage, job.message) == (Stage.FAILED, "Repository not found")


def test_a_job_that_lies_about_its_commit_fails(new: Callable[..., Job], runner: Runner) -> None:
    said = {"event": "output", "kind": "model", "repo": "x/y", "commit": "a" * 40, "files": {}}
    job = new(f"print('\\x1e' + {json.dumps(json.dumps(said))})")
    look_until(runner, over(job))
    assert job.stage == Stage.FAILED
    assert "not its own" in job.message


def test_trouble_with_one_job_does_not_hold_up_the_others(
    new: Callable[..., Job], runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    import llmos.jobs.runner as module

    bad, good = new("print('up')"), new("print('up')")
    honest = module.read_exit

    def broken(job_id: str, attempt: int) -> Any:
        if job_id == bad.pk:
            raise ValueError("a bug")
        return honest(job_id, attempt)

    monkeypatch.setattr(module, "read_exit", broken)
    look_until(runner, over(bad, good))
    assert good.stage == Stage.SUCCEEDED
    assert bad.stage == Stage.FAILED
    assert "a bug" in bad.message


def test_a_disk_that_is_full_at_the_start_is_told(
    new: Callable[..., Job], runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    import llmos.jobs.runner as module

    def full(target: Path) -> Any:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "written_whole", full)
    job = new(SLEEP)
    runner.look()
    job.refresh_from_db()
    assert job.stage == Stage.FAILED
    assert "No space left" in job.message
