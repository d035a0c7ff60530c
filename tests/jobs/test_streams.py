"""Streams of a job: all that it says, from any place, until it ends."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from tests.conftest import HubServer
from tests.jobs.conftest import Jobs, wish

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def job(hub_server: HubServer, data: str) -> str:
    ada = Jobs(hub_server.url, hub_server.tokens["ada"], "ada")
    filed = ada.file(wish(data, "ada/streamed"))
    ada.wait(filed)
    return filed


def read(ada: Jobs, path: str, **headers: str) -> Iterator[dict[str, Any]]:
    """Server-sent events as `{id, event, data}`."""
    sent = {"Authorization": f"Bearer {ada.token}", **headers}
    with httpx2.stream("GET", f"{ada.url}/api/jobs/ada/{path}", headers=sent, timeout=30) as got:
        assert got.status_code == 200
        assert got.headers["content-type"].startswith("text/event-stream")
        found: dict[str, Any] = {}
        for line in got.iter_lines():
            if not line:
                if found:
                    yield found
                found = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(": ")
                found[name] = json.loads(value) if name == "data" else value


def test_a_stream_goes_on_from_any_offset(ada: Jobs, job: str) -> None:
    whole = list(read(ada, f"{job}/events"))
    assert whole[-1] == {"event": "end", "data": {}}
    kinds = [one["data"]["event"] for one in whole[:-1]]
    assert kinds[0] == "attempt"
    assert {"status", "step", "evaluation", "made", "output", "cost"} <= set(kinds)
    for place in (0, 3, len(whole) - 2):
        rest = list(read(ada, f"{job}/events?after={whole[place]['id']}"))
        assert rest == whole[place + 1 :]
        again = list(read(ada, f"{job}/events", **{"Last-Event-ID": whole[place]["id"]}))
        assert again == rest


def test_an_offset_in_the_middle_of_a_line_loses_that_line_only(ada: Jobs, job: str) -> None:
    whole = list(read(ada, f"{job}/events"))
    rest = list(read(ada, f"{job}/events?after={int(whole[0]['id']) + 5}"))
    assert rest == whole[2:]


@pytest.mark.parametrize("query", ["logs?tail=x", "logs?tail=-1", "events?after=1e3"])
def test_bad_offsets_are_refused(ada: Jobs, job: str, query: str) -> None:
    assert ada.ask("GET", f"/{job}/{query}").status == 400
