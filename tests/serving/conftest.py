"""Models on a running hub, and what asks for them."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from huggingface_hub import HfApi
from openai import OpenAI
from tests.conftest import HubServer
from tests.faults.conftest import Answer, send
from tests.serving.models import MAKERS, push

Ask = Callable[..., Answer]


@dataclass(frozen=True)
class Operator:
    """The administrator's view of a hub's engines."""

    url: str
    token: str

    def engines(self) -> dict[str, dict[str, Any]]:
        """What is loaded, by name of the model."""
        answer = send(self.url, "GET", "/api/serving", token=self.token)
        return {one["model"]: one for one in json.loads(answer.body)["engines"]}

    def unload(self, model: str) -> None:
        engine = self.engines().get(model)
        if engine is not None:
            send(self.url, "DELETE", f"/api/serving/{engine['key']}", token=self.token)

    def wait(self, is_so: Callable[[dict[str, dict[str, Any]]], bool]) -> None:
        deadline = time.monotonic() + 20
        while not is_so(self.engines()):
            assert time.monotonic() < deadline, self.engines()
            time.sleep(0.05)


def operator_of(url: str, command: Callable[..., str]) -> Operator:
    """A new administrator: tests of several folders may share a hub, and each asks for one."""
    name = f"olga-{uuid4().hex[:8]}"
    command("users", "create", name, "--admin")
    made = command("tokens", "create", name, "--name", "t", "--role", "write")
    return Operator(url, made.strip())


@pytest.fixture(scope="session")
def operator(hub_server: HubServer) -> Operator:
    return operator_of(hub_server.url, hub_server.command)


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The tiny models' folders, by name of the repository."""
    root = tmp_path_factory.mktemp("models")
    return {name: make(root / name.partition("/")[2]) for name, make in MAKERS.items()}


@pytest.fixture(scope="session")
def served(hub_server: HubServer, folders: dict[str, Path]) -> HubServer:
    """A hub with all the tiny models, in Ada's name."""
    api = HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])
    for name, folder in folders.items():
        push(api, name, folder)
    return hub_server


@pytest.fixture
def client(served: HubServer) -> Iterator[OpenAI]:
    """The official client, as Ada uses it; it does not try again by itself."""
    with OpenAI(base_url=f"{served.url}/v1", api_key=served.tokens["ada"], max_retries=0) as opened:
        yield opened


@pytest.fixture
def ask(served: HubServer) -> Ask:
    """A bare request with a JSON body, as Ada."""

    def asked(path: str, *, user: str = "ada", method: str = "POST", **body: Any) -> Answer:
        return send(
            served.url,
            method,
            path,
            token=served.tokens[user],
            body=json.dumps(body).encode() if method == "POST" else b"",
            headers={"Content-Type": "application/json"},
        )

    return asked


def error_of(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(answer.body)["error"]
    return found
