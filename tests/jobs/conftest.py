"""Small real jobs: a data set of numerals, a recipe of a few steps, and how to wait for one."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from huggingface_hub import HfApi
from tests.conftest import HubServer
from tests.faults.conftest import Answer, send

RECIPE: dict[str, Any] = {
    "task": "translate",
    "data": {"source": "zh", "target": "en", "rows": 60, "longest": 32},
    "tokeniser": {"vocabulary": 300},
    "model": {
        "d_model": 16,
        "heads": 2,
        "encoder_layers": 1,
        "decoder_layers": 1,
        "feed_forward": 32,
        "max_positions": 64,
    },
    "batch": {"tokens": 128},
    "look": {"times": 1, "rows": 4, "samples": 1},
    "budget": {"steps": 4},
    "workers": 1,  # each further one loads torch, too
}


def new_data(api: HfApi, *, private: bool = False) -> str:
    """A data set repository of a few dozen generated pairs."""
    repo = f"{api.whoami()['name']}/data-{uuid4().hex[:8]}"
    api.create_repo(repo, repo_type="dataset", private=private)
    lines = "".join(
        f'{{"zh": "{number}号", "en": "number {number}"}}\n' for number in range(100, 180)
    )
    api.upload_file(
        path_or_fileobj=lines.encode(),
        path_in_repo="train.jsonl",
        repo_id=repo,
        repo_type="dataset",
    )
    return repo


def wish(data: str, output: str, **more: Any) -> dict[str, Any]:
    """What is sent to file a training job; `recipe` is laid over the small one."""
    recipe = {**RECIPE, **more.pop("recipe", {})}
    return {
        "activity": "train",
        "inputs": [{"role": "data", "kind": "dataset", "repo": data}],
        "output": {"kind": "model", "repo": output},
        "recipe": recipe,
        **more,
    }


class Jobs:
    """Our own calls about jobs, which no client has."""

    def __init__(self, url: str, token: str | None, namespace: str) -> None:
        self.url, self.token, self.namespace = url, token, namespace
        self.api = HfApi(endpoint=url, token=token or False)

    def ask(self, method: str, path: str = "", body: bytes = b"") -> Answer:
        path = f"/api/jobs/{self.namespace}{path}"
        return send(self.url, method, path, token=self.token, body=body)

    def file(self, content: dict[str, Any]) -> str:
        answer = self.ask("POST", body=json.dumps(content).encode())
        assert answer.status == 201, answer
        return str(json.loads(answer.body)["id"])

    def shown(self, job_id: str) -> dict[str, Any]:
        answer = self.ask("GET", f"/{job_id}")
        assert answer.status == 200, answer
        found: dict[str, Any] = json.loads(answer.body)
        return found

    def wait(
        self, job_id: str, until: Callable[[dict[str, Any]], bool] | None = None, limit: float = 90
    ) -> dict[str, Any]:
        """Until the job is over, or looks as asked."""
        deadline = time.monotonic() + limit
        while True:
            found = self.shown(job_id)
            over = found["status"]["stage"] in {"COMPLETED", "ERROR", "CANCELED"}
            if over if until is None else until(found):
                return found
            assert not over, found
            assert time.monotonic() < deadline, found
            time.sleep(0.2)


@pytest.fixture
def ada(hub_server: HubServer) -> Jobs:
    return Jobs(hub_server.url, hub_server.tokens["ada"], "ada")


@pytest.fixture
def eve(hub_server: HubServer) -> Jobs:
    return Jobs(hub_server.url, hub_server.tokens["eve"], "eve")


@pytest.fixture
def anonymous(hub_server: HubServer) -> Jobs:
    return Jobs(hub_server.url, None, "ada")


@pytest.fixture(scope="session")
def data(hub_server: HubServer) -> str:
    """Ada's public data set."""
    return new_data(HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"]))


@pytest.fixture
def output() -> str:
    return f"ada/model-{uuid4().hex[:8]}"


def folder_of(hub: HubServer, job_id: str) -> Path:
    return hub.home / "jobs" / job_id
