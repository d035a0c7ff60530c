"""`hf jobs …` and the client's calls about jobs, unmodified, against a job of ours."""

import json
from collections.abc import Callable

import pytest
from huggingface_hub import HfApi, JobStage
from tests.clients.conftest import hf
from tests.conftest import HubServer
from tests.jobs.conftest import Jobs, new_data, wish

pytestmark = pytest.mark.slow

LONG = {"budget": {"steps": 100_000}, "look": {"times": 0}}


@pytest.fixture(scope="module")
def jobs(hub_server: HubServer) -> Jobs:
    return Jobs(hub_server.url, hub_server.tokens["ada"], "ada")


@pytest.fixture(scope="module")
def job(jobs: Jobs) -> str:
    """A job that has ended well."""
    filed = jobs.file(wish(new_data(jobs.api), "ada/by-client", labels={"name": "first"}))
    jobs.wait(filed)
    return filed


@pytest.fixture
def running(jobs: Jobs, new_name: Callable[..., str]) -> str:
    filed = jobs.file(wish(new_data(jobs.api), new_name(), recipe=LONG))
    jobs.wait(filed, lambda found: "step" in found["llmos"]["progress"])
    return filed


def test_jobs_are_listed_inspected_and_waited_for(ada: HfApi, job: str) -> None:
    found = ada.inspect_job(job_id=job)
    assert found.status.stage == JobStage.COMPLETED
    assert (found.owner.name, found.owner.type) == ("ada", "user")
    assert found.initiator is not None
    assert found.initiator.name == "ada"
    assert found.created_at <= found.started_at <= found.finished_at  # type: ignore[operator]
    assert found.durations is not None
    assert found.durations.running_secs is not None
    assert found.labels == {"name": "first"}
    assert ada.wait_for_job(job, timeout=5).id == job
    ids = {one.id for one in ada.list_jobs(namespace="ada", status=JobStage.COMPLETED)}
    assert job in ids
    assert [one.id for one in ada.list_jobs(namespace="ada", labels={"name": "first"})] == [job]
    assert list(ada.list_jobs(namespace="ada", labels={"name": "second"})) == []
    assert job not in {
        one.id for one in ada.list_jobs(namespace="ada", status=["RUNNING", "SCHEDULING"])
    }


def test_logs_come_whole_and_by_their_tail(ada: HfApi, job: str) -> None:
    whole = list(ada.fetch_job_logs(job_id=job, follow=True))
    assert "Reading the data" in whole
    assert "Pushing the model" in whole
    assert list(ada.fetch_job_logs(job_id=job)) == whole
    assert list(ada.fetch_job_logs(job_id=job, tail=2)) == whole[-2:]
    assert list(ada.fetch_job_metrics(job_id=job, follow=True)) == []


def test_labels_are_changed_and_a_job_is_run_again(ada: HfApi, jobs: Jobs, job: str) -> None:
    again = ada.rerun_job(job_id=job)
    assert again.id != job
    changed = ada.update_job_labels(job_id=again.id, labels={"team": "x"})
    assert changed.labels == {"team": "x"}
    assert jobs.wait(again.id)["status"]["stage"] == "COMPLETED"


@pytest.fixture
def told(client_env: dict[str, str]) -> Callable[..., str]:
    """What `hf jobs …` says."""
    return lambda *arguments: hf("jobs", *arguments, env=client_env)


def test_the_command_line_reads_jobs(told: Callable[..., str], job: str) -> None:
    listed = {one["id"]: one for one in json.loads(told("ps", "-a", "--json"))}
    assert listed[job]["status"] == "COMPLETED"
    inspected = json.loads(told("inspect", job, "--json"))
    assert inspected[0]["id"] == job
    assert "Pushing the model" in told("logs", job)
    hardware = json.loads(told("hardware", "--json"))
    assert hardware[0]["name"] == "cpu-basic"
    assert told("scheduled", "ps", "--json").strip() == "[]"


def test_the_command_line_watches_and_cancels_a_job(
    told: Callable[..., str], jobs: Jobs, running: str
) -> None:
    assert running in {one["id"] for one in json.loads(told("ps", "--json"))}
    assert "Learning" in told("logs", "ada/" + running)
    stats = json.loads(told("stats", running, "--json"))
    assert stats[0]["memory_used_bytes"] > 10_000_000
    assert stats[0]["cpu_millicores"] > 0
    told("cancel", running)
    assert jobs.wait(running)["status"]["stage"] == "CANCELED"


def test_a_running_job_is_followed_to_its_end(ada: HfApi, jobs: Jobs, running: str) -> None:
    use = next(iter(ada.fetch_job_metrics(job_id=running, follow=True)))
    assert use["memory_total_bytes"] > use["memory_used_bytes"] > 0
    followed = iter(ada.fetch_job_logs(job_id=running, follow=True))
    first = next(followed)
    ada.cancel_job(job_id=running)
    assert "Reading the data" in [first, *followed]
    assert jobs.shown(running)["status"]["stage"] == "CANCELED"


def test_containers_are_refused_in_words(client_env: dict[str, str]) -> None:
    with pytest.raises(AssertionError, match="its own recipes, not containers or commands"):
        hf("jobs", "run", "--detach", "python:3.12", "echo", "hello", env=client_env)
