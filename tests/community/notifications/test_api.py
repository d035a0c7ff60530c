"""News for machines, on a running hub: a member's own, nobody else's."""

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from huggingface_hub import HfApi
from tests.conftest import HubServer
from tests.faults.conftest import Answer, send


def ask(hub: HubServer, user: str, method: str, path: str, content: Any = None) -> Answer:
    body = json.dumps(content).encode() if content is not None else b""
    return send(hub.url, method, path, token=hub.tokens[user], body=body)


def until(found: Callable[[], Any], limit: float = 30) -> Any:
    deadline = time.monotonic() + limit
    while not (value := found()):
        assert time.monotonic() < deadline, "the worker never told"
        time.sleep(0.2)
    return value


@pytest.fixture
def proposed(hub_server: HubServer) -> str:
    """A change request of Bob's on a repository of Ada's."""
    name = f"ada/told-{uuid4().hex[:8]}"
    HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"]).create_repo(name)
    bob = HfApi(endpoint=hub_server.url, token=hub_server.tokens["bob"])
    bob.create_pull_request(name, "A better card")
    return name


def test_a_proposed_change_is_told_to_who_keeps_the_repository_and_its_end_to_its_author(
    hub_server: HubServer, proposed: str
) -> None:
    def waiting(user: str) -> list[dict[str, Any]]:
        answer = ask(hub_server, user, "GET", "/api/notifications?kind=work")
        assert answer.status == 200, answer
        return [line for line in json.loads(answer.body)["unread"] if proposed in line["url"]]

    (line,) = until(lambda: waiting("ada"))
    assert line["text"] == "bob proposes a change"
    assert line["title"].startswith("A better card")
    assert line["url"] == f"{hub_server.url}/{proposed}/discussions/1"
    assert waiting("eve") == []
    HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"]).change_discussion_status(
        proposed, 1, "closed"
    )
    (ended,) = until(lambda: waiting("bob"))
    assert ended["text"] == "Your change request was closed"

    seen = ask(hub_server, "ada", "POST", "/api/notifications/seen", {"ids": line["ids"]})
    assert json.loads(seen.body) == {"seen": 1}
    assert waiting("ada") == []
    others = ask(hub_server, "eve", "POST", "/api/notifications/seen", {"ids": ended["ids"]})
    assert json.loads(others.body) == {"seen": 0}
    assert waiting("bob") == [ended]


@pytest.mark.parametrize(
    "content", [{}, {"ids": "1"}, {"ids": [True]}, {"ids": ["x"]}, {"upto": True}, {"upto": "9"}]
)
def test_a_wish_that_is_none_is_refused(hub_server: HubServer, content: dict[str, Any]) -> None:
    answer = ask(hub_server, "eve", "POST", "/api/notifications/seen", content)
    assert (answer.status, answer.code) == (400, "BadRequest")


@pytest.mark.parametrize("query", ["kind=none", "before=x", "before=-1"])
def test_a_question_that_is_none_is_refused(hub_server: HubServer, query: str) -> None:
    assert ask(hub_server, "eve", "GET", f"/api/notifications?{query}").status == 400


def test_the_service_worker_stands_on_top_of_the_addresses(hub_server: HubServer) -> None:
    answer = send(hub_server.url, "GET", "/sw.js")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert b"showNotification" in answer.body
