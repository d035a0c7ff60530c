"""kill -9 of whatever carries a job: it goes on, or is taken up again, and makes the same bytes."""

import json
import os
import random
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

import psutil
import pytest
from huggingface_hub import HfApi
from tests.faults.conftest import ROUNDS, MortalHub, kill
from tests.jobs.conftest import RECIPE, Jobs, new_data, wish

pytestmark = pytest.mark.slow

VICTIMS = ("runner", "keeper", "work", "all")
STEPS = 240
# Every look leaves a checkpoint.
LONG = {
    **RECIPE,
    "workers": 2,
    "budget": {"steps": STEPS},
    "look": {"times": 12, "rows": 2, "samples": 1},
}


def keeper_of(hub: MortalHub, job: str) -> psutil.Process:
    return psutil.Process(int((hub.home / "jobs" / job / "keeper.lock").read_text()))


def strike(hub: MortalHub, job: str, victim: str) -> None:
    if victim in {"keeper", "work"}:
        keeper = keeper_of(hub, job)
        process = keeper if victim == "keeper" else keeper.children()[0]
        kill(process.pid, signal.SIGKILL)
    else:
        hub.kill(victim)


def at_work(folder: Path) -> list[int]:
    """Processes that carry out the job of this folder, without its workers and its keeper."""
    found = []
    for process in psutil.process_iter():
        try:
            arguments = process.cmdline()
            is_ours = process.environ().get("LLMOS_JOB_FOLDER") == str(folder)
        except psutil.Error:
            continue
        if is_ours and arguments[1:3] == ["-m", "llmos.lab.work"]:
            found.append(process.pid)
    return found


def has_reached(step: int, found: dict[str, Any]) -> bool:
    progress = found["llmos"]["progress"]
    return bool(progress.get("step", {"step": 0})["step"] >= step)


def finished(jobs: Jobs, job: str, folder: Path) -> dict[str, Any]:
    """Wait for the end, resume where it failed, and see that it never runs twice."""
    deadline = time.monotonic() + 120
    while True:
        assert time.monotonic() < deadline
        assert len(at_work(folder)) <= 1
        found = jobs.shown(job)
        stage = found["status"]["stage"]
        if stage == "COMPLETED":
            return found
        if stage == "ERROR":
            assert "killed from outside" in found["status"]["message"]
            assert jobs.ask("POST", f"/{job}/resume").status == 200
        time.sleep(0.3)


def test_a_job_killed_anywhere_ends_with_the_bytes_of_one_that_was_not(
    mortal_hub: MortalHub,
) -> None:
    hub = mortal_hub
    chance = random.Random(os.environ.get("LLMOS_FAULT_SEED", time.time_ns()))
    jobs = Jobs(hub.url, hub.token, "ada")
    data = new_data(HfApi(endpoint=hub.url, token=hub.token))
    whole = jobs.wait(jobs.file(wish(data, "ada/whole", recipe=LONG)))
    for number in range(len(VICTIMS) * ROUNDS):
        victim = VICTIMS[number % len(VICTIMS)]
        job = jobs.file(wish(data, f"ada/killed-{number}", recipe=LONG))
        folder = hub.home / "jobs" / job
        moment = chance.randint(1, STEPS * 3 // 4)
        jobs.wait(job, partial(has_reached, moment))
        strike(hub, job, victim)
        hub.back()
        done = finished(jobs, job, folder)
        told = (victim, moment, done)
        assert done["llmos"]["output"]["files"] == whole["llmos"]["output"]["files"], told
        assert done["llmos"]["attempt"] == (1 if victim == "runner" else 2), told
        assert curve(folder) == curve(hub.home / "jobs" / whole["id"]), told
        assert jobs.api.repo_info(f"ada/killed-{number}").sha == done["llmos"]["output"]["commit"]
    hub.doctor()


def curve(folder: Path) -> dict[int, float]:
    """Step to loss, the newest word on each."""
    lines = (folder / "stream.jsonl").read_text().splitlines()
    events = [event for event in map(json.loads, lines) if event["event"] == "step"]
    return {event["step"]: event["loss"] for event in events}


def test_jobs_that_wait_survive_a_killed_hub_and_run_in_their_order(mortal_hub: MortalHub) -> None:
    hub = mortal_hub
    jobs = Jobs(hub.url, hub.token, "ada")
    data = new_data(HfApi(endpoint=hub.url, token=hub.token))
    filed = [
        jobs.file(wish(data, f"ada/waits-{n}", cores=256, recipe={"workers": 1})) for n in range(3)
    ]
    hub.kill("all")
    hub.back()
    done = [jobs.wait(job) for job in filed]
    assert [one["status"]["stage"] for one in done] == ["COMPLETED"] * 3
    starts = [one["startedAt"] for one in done]
    assert starts == sorted(starts)
