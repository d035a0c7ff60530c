"""Repositories on the running hub, and bare HTTP to it."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx2
import pytest
from tests.conftest import HubServer


@pytest.fixture(scope="session")
def http() -> Iterator[httpx2.Client]:
    with httpx2.Client(timeout=60) as client:
        yield client


@pytest.fixture
def new_repo(hub_server: HubServer, http: httpx2.Client) -> Callable[..., str]:
    """Makes a model: `new_repo(owner="ada", private=False)` gives its full name."""

    def make(*, owner: str = "ada", private: bool = False) -> str:
        name = f"x-{uuid4().hex[:10]}"
        visibility = "private" if private else "public"
        answer = http.post(
            f"{hub_server.url}/api/repos/create",
            headers={"Authorization": f"Bearer {hub_server.tokens[owner]}"},
            json={"name": name, "visibility": visibility},
        )
        assert answer.status_code == 200, answer.text
        return f"{owner}/{name}"

    return make
