"""Conversations for programs, against a running hub."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from tests.conftest import HubServer


def caller(hub: HubServer, user: str = "") -> httpx.Client:
    headers = {"Authorization": f"Bearer {hub.tokens[user]}"} if user else {}
    return httpx.Client(base_url=hub.url, headers=headers, timeout=60)


@pytest.fixture(scope="module")
def thread(hub_server: HubServer) -> dict[str, Any]:
    with caller(hub_server, "ada") as ada:
        ada.post("/api/repos/create", json={"name": "talked-about", "private": False})
        opened = ada.post(
            "/api/models/ada/talked-about/discussions",
            json={"title": "Which data?", "description": "I wonder."},
        )
        assert opened.status_code == 200, opened.text
        found = ada.get("/api/threads", params={"repository": "ada/talked-about"}).json()
        assert [one["title"] for one in found] == ["Which data?"]
        return dict(found[0])


def test_a_program_reads_writes_edits_and_reacts(
    hub_server: HubServer, thread: dict[str, Any]
) -> None:
    address = f"/api/threads/{thread['id']}"
    with caller(hub_server, "bob") as bob, caller(hub_server) as anybody:
        written = bob.post(f"{address}/posts", json={"text": "*This* data", "language": "en"})
        assert written.status_code == 201
        post = written.json()
        assert post["html"] == "<p><em>This</em> data</p>\n"
        posts = anybody.get(f"{address}/posts").json()
        assert post["id"] in [one["id"] for one in posts]
        assert anybody.get(f"{address}/posts", params={"after": post["number"]}).json() == []
        one = f"/api/posts/{post['id']}"
        changed = bob.patch(one, json={"text": "That data", "edits": 0})
        assert changed.json()["edits"] == 1
        late = bob.patch(one, json={"text": "Late", "edits": 0})
        assert (late.status_code, late.headers["X-Error-Code"]) == (409, "EditedMeanwhile")
        assert anybody.patch(one, json={"text": "x", "edits": 1}).status_code == 401
        with caller(hub_server, "eve") as eve:
            assert eve.put(f"{one}/reactions/heart").json() == {"reactions": {"heart": 1}}
        assert anybody.get(one).json()["text"] == "That data"
        assert anybody.get(f"{address}/posts", params={"after": "x"}).status_code == 400
        assert anybody.get("/api/threads", params={"before": "nonsense"}).status_code == 400


def test_the_same_post_sent_many_times_at_once_is_written_once(
    hub_server: HubServer, thread: dict[str, Any]
) -> None:
    def send(_turn: int) -> int:
        with caller(hub_server, "ada") as ada:
            answered = ada.post(
                f"/api/threads/{thread['id']}/posts", json={"text": "Once", "key": "the-same"}
            )
            assert answered.status_code == 201, answered.text
            return int(answered.json()["id"])

    with ThreadPoolExecutor(max_workers=8) as pool:
        assert len(set(pool.map(send, range(16)))) == 1


def test_a_private_repository_leaves_no_trace_in_lists(hub_server: HubServer) -> None:
    with caller(hub_server, "ada") as ada, caller(hub_server, "bob") as bob:
        ada.post("/api/repos/create", json={"name": "whispered", "private": True})
        ada.post(
            "/api/models/ada/whispered/discussions", json={"title": "Psst", "description": "x"}
        )
        asked = {"repository": "ada/whispered"}
        [found] = ada.get("/api/threads", params=asked).json()
        assert bob.get("/api/threads", params=asked).json() == []
        for path in ("", "/posts"):
            assert bob.get(f"/api/threads/{found['id']}{path}").status_code == 404
        sent = bob.post(f"/api/threads/{found['id']}/posts", json={"text": "x"})
        assert sent.status_code == 404
