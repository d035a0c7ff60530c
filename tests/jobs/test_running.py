"""A job from the queue to its repository, as its member sees it."""

import json

import pytest
from tests.conftest import HubServer
from tests.jobs.conftest import Jobs, folder_of, wish

pytestmark = pytest.mark.slow


def test_a_job_makes_its_repository_and_leaves_a_record_only(
    ada: Jobs, data: str, output: str, hub_server: HubServer
) -> None:
    job = ada.file(wish(data, output))
    done = ada.wait(job)

    assert done["status"] == {"stage": "COMPLETED", "message": None}
    told = done["llmos"]
    assert told["output"]["repo"] == output
    assert ada.api.repo_info(output).sha == told["output"]["commit"]
    assert {"model.safetensors", "config.json", "README.md"} <= set(ada.api.list_repo_files(output))
    assert told["cost"]["cpu_seconds"] > 0
    assert told["progress"]["step"]["step"] == 4
    left = {path.name for path in folder_of(hub_server, job).iterdir()}
    assert left <= {"stream.jsonl", "spec.json", "exit.json", "usage.json", "keeper.lock"}
    assert json.loads((folder_of(hub_server, job) / "exit.json").read_text())["code"] == 0
