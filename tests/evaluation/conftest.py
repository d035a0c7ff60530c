"""A tiny model, a tiny benchmark, and a way to ask a running hub."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import pytest
from huggingface_hub import HfApi
from tests.conftest import HubServer
from tests.lab.tiny_models import tiny_translator

T = TypeVar("T")
ROWS = [
    {"zh": f"the cat sat on mat {number}", "en": f"a dog ran in park {number}"}
    for number in range(12)
]
DEFINITION = """name: Cats and dogs
version: "{version}"
task: translation
columns: {{source: zh, target: en}}
metrics: [chrf, sacrebleu]
decoding: {{beam: 1, max_new: 12}}
"""


def rows_file(rows: list[dict[str, str]] = ROWS) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


@dataclass(frozen=True)
class Asked:
    """A hub asked by one of its members, or by nobody."""

    hub: HubServer
    user: str | None = "ada"

    @property
    def api(self) -> HfApi:
        return HfApi(
            endpoint=self.hub.url, token=self.hub.tokens[self.user] if self.user else False
        )

    def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.hub.tokens[self.user]}"} if self.user else {}
        with httpx2.Client(timeout=60) as client:
            return client.request(method, f"{self.hub.url}{path}", headers=headers, **options)

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def push(self, name: str, files: dict[str, bytes], *, kind: str, private: bool = False) -> str:
        """Push files to a repository, made if need be; returns the commit."""
        self.api.create_repo(name, repo_type=kind, private=private, exist_ok=True)
        for path, content in files.items():
            made = self.api.upload_file(
                path_or_fileobj=content, path_in_repo=path, repo_id=name, repo_type=kind
            )
        return str(made.oid)

    def push_model(self, name: str, folder: Path, *, private: bool = False) -> str:
        self.api.create_repo(name, private=private)
        return str(self.api.upload_folder(folder_path=folder, repo_id=name).oid)

    def push_benchmark(self, name: str, *, version: str = "1.0", private: bool = False) -> None:
        files = {"eval.yaml": DEFINITION.format(version=version).encode()}
        self.push(name, {"test.jsonl": rows_file(), **files}, kind="dataset", private=private)
        self.board(name, version)

    def board(self, name: str, version: str) -> dict[str, Any]:
        """The board of a benchmark once it is that of a version."""

        def look() -> dict[str, Any] | None:
            answer = self.ask("GET", f"/api/benchmarks/{name}")
            content: dict[str, Any] = answer.json()
            fits = answer.status_code == 200 and content["version"] == version
            return content if fits and content["current"] else None

        return eventually(look)

    def evaluate(self, **wish: Any) -> str:
        """File an evaluation, wait for its result; returns the id of both."""
        answer = self.ask("POST", "/api/evaluations", json=wish)
        assert answer.status_code == 201, answer.text
        job, namespace = answer.json()["job"], answer.json()["namespace"]

        def ended() -> bool:
            if self.ask("GET", f"/api/results/{job}").status_code == 200:
                return True
            state = self.get(f"/api/jobs/{namespace}/{job}")["status"]
            assert state["stage"] not in {"ERROR", "CANCELED"}, state
            return False

        eventually(ended, seconds=180)
        return str(job)


def eventually(look: Callable[[], T | None], *, seconds: float = 30) -> T:
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return found


@pytest.fixture(scope="session")
def asked(hub_server: HubServer) -> Asked:
    return Asked(hub_server)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_translator(tmp_path_factory.mktemp("tiny"))


@dataclass(frozen=True)
class Measured:
    """A model that was measured on a benchmark."""

    model: str
    benchmark: str
    result: str


@pytest.fixture(scope="session")
def measured(asked: Asked, tiny: Path) -> Measured:
    asked.push_model("ada/measured", tiny)
    asked.push_benchmark("ada/cats")
    result = asked.evaluate(model="ada/measured", benchmark="ada/cats")
    return Measured("ada/measured", "ada/cats", result)
