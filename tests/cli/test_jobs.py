"""`llmos jobs …`, and what doctor, gc, backup and restore know of jobs."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from tests.conftest import HubServer, run_llmos
from tests.jobs.conftest import RECIPE, Jobs, new_data, wish

pytestmark = pytest.mark.slow

SPOIL = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "llmos.web.settings"
import django
django.setup(set_prefix=False)
from django.utils import timezone
from llmos.accounts.models import Token
from llmos.jobs.models import Job
job = Job.objects.get(pk=sys.argv[1])
job.token = Token.objects.create(user=job.user, name=f"job {job.pk}", fingerprint=job.pk)
job.ended_at = timezone.now() - timezone.timedelta(days=60)
job.save()
"""


@pytest.fixture(scope="module")
def jobs(hub_server: HubServer) -> Jobs:
    return Jobs(hub_server.url, hub_server.tokens["ada"], "ada")


@pytest.fixture(scope="module")
def failed(jobs: Jobs) -> str:
    """A job that was cancelled after its first checkpoint."""
    recipe = {**RECIPE, "budget": {"steps": 4000}, "look": {"times": 400, "rows": 1, "samples": 0}}
    job = jobs.file(wish(new_data(jobs.api), f"ada/c-{uuid4().hex[:8]}", recipe=recipe))
    jobs.wait(job, lambda found: "metrics" in found["llmos"]["progress"])
    jobs.api.cancel_job(job_id=job)
    jobs.wait(job)
    return job


def test_jobs_are_listed_shown_and_their_log_is_printed(hub_server: HubServer, failed: str) -> None:
    assert failed not in hub_server.command("jobs", "list")
    line = next(
        line
        for line in hub_server.command("jobs", "list", "--all", "--namespace", "Ada").splitlines()
        if failed in line
    )
    assert "cancelled" in line
    shown = json.loads(hub_server.command("jobs", "show", failed))
    assert (shown["stage"], shown["member"]) == ("cancelled", "ada")
    whole = hub_server.command("jobs", "logs", failed).splitlines()
    assert "Reading the data" in whole
    assert (
        hub_server.command("jobs", "logs", "-f", "--tail", "1", failed).splitlines() == whole[-1:]
    )


def test_a_job_is_resumed_and_cancelled_from_the_command_line(
    hub_server: HubServer, jobs: Jobs, failed: str
) -> None:
    assert "queued" in hub_server.command("jobs", "resume", failed)
    jobs.wait(failed, lambda found: found["status"]["stage"] == "RUNNING")
    hub_server.command("jobs", "cancel", failed)
    assert jobs.wait(failed)["status"]["stage"] == "CANCELED"
    for command in ("cancel", "show"):
        done = subprocess.run(
            [sys.executable, "-m", "llmos.cli.main", "jobs", command, failed[:-1] + "x"],
            env={"LLMOS_HOME": str(hub_server.home), "PATH": ""},
            capture_output=True,
            text=True,
        )
        assert (done.returncode, done.stderr) == (1, "Error: Job not found\n")


def test_a_backup_holds_the_record_of_each_job_and_not_its_checkpoints(
    hub_server: HubServer, failed: str, tmp_path: Path
) -> None:
    hub_server.command("backup", str(tmp_path / "backup"))
    run_llmos(tmp_path / "home", "restore", str(tmp_path / "backup"))
    kept = {path.name for path in (tmp_path / "home" / "jobs" / failed).iterdir()}
    assert kept == {"stream.jsonl", "spec.json", "exit.json"}
    log = run_llmos(tmp_path / "home", "jobs", "logs", failed)
    assert log == hub_server.command("jobs", "logs", failed)


def test_the_doctor_mends_what_a_job_left_and_gc_clears_old_checkpoints(
    hub_server: HubServer, failed: str
) -> None:
    folder = hub_server.home / "jobs" / failed
    assert (folder / "checkpoints").is_dir()
    subprocess.run(
        [sys.executable, "-c", SPOIL, failed],
        env={"LLMOS_HOME": str(hub_server.home), "PATH": ""},
        check=True,
    )
    assert "its token is not (mended)" in hub_server.command("doctor", "--quick", "--repair")
    assert "MiB that 1 jobs had left" in hub_server.command("gc")
    assert not (folder / "checkpoints").exists()
    assert (folder / "stream.jsonl").exists()
