"""kill -9 while a member writes: each post is there once or not at all, also after a retry."""

import json
import os
import random
import threading
import time

import pytest
from huggingface_hub import HfApi
from tests.faults.conftest import ROUNDS, MortalHub, send

pytestmark = pytest.mark.slow


class Writer:
    """Somebody who answers without rest, each text under a key of its own."""

    def __init__(self, hub: MortalHub, token: str, thread: int, name: str) -> None:
        self._hub, self._token, self._thread, self._name = hub, token, thread, name
        self.sent: list[str] = []
        self.told: dict[str, int] = {}  # acknowledged: text → id
        self._stop = threading.Event()
        self._running = threading.Thread(target=self._write)
        self._running.start()

    def send(self, text: str) -> int | None:
        """The post's id, or None where no answer came."""
        body = json.dumps({"text": text, "key": text}).encode()
        path = f"/api/threads/{self._thread}/posts"
        try:
            answer = send(self._hub.url, "POST", path, token=self._token, body=body)
        except OSError:
            return None
        return int(json.loads(answer.body)["id"]) if answer.status == 201 else None

    def end(self) -> None:
        self._stop.set()
        self._running.join(30)

    def _write(self) -> None:
        number = 0
        while not self._stop.is_set():
            text = f"{self._name}-{number}"
            self.sent.append(text)
            post = self.send(text)
            if post is not None:
                self.told[text] = post
            number += 1


def texts_of(hub: MortalHub, token: str, thread: int) -> list[str]:
    found: list[str] = []
    after = 0
    while True:
        path = f"/api/threads/{thread}/posts?after={after}"
        rows = json.loads(send(hub.url, "GET", path, token=token).body)
        if not rows:
            return found
        found += [row["text"] for row in rows]
        after = rows[-1]["number"]


def test_a_killed_hub_has_each_post_once_or_not_at_all(mortal_hub: MortalHub) -> None:
    hub = mortal_hub
    chance = random.Random(os.environ.get("LLMOS_FAULT_SEED", time.time_ns()))
    hub.desk.run("users", "create", "boss", "--admin")  # nobody limits her pace
    token = hub.desk.run("tokens", "create", "boss", "--name", "t", "--role", "write")
    token = token.strip()
    api = HfApi(endpoint=hub.url, token=token)
    repo = api.create_repo("boss/talked-about").repo_id
    api.create_discussion(repo, title="What do you think?")
    threads = json.loads(send(hub.url, "GET", "/api/threads", token=token).body)
    thread = int(threads[0]["id"])
    for number in range(2 * ROUNDS):
        writer = Writer(hub, token, thread, f"round-{number}")
        while not writer.told:
            time.sleep(0.02)
        time.sleep(chance.uniform(0, 1.0))
        hub.kill(("web", "worker", "all")[number % 3])
        writer.end()
        hub.back()

        found = texts_of(hub, token, thread)
        mine = [text for text in found if text.startswith(f"round-{number}-")]
        assert set(writer.told) <= set(mine)
        assert len(mine) == len(set(mine))
        for text in writer.sent[-3:]:  # again, as a client does that was cut off
            post = writer.send(text)
            assert post is not None
            assert writer.told.get(text, post) == post
        found = texts_of(hub, token, thread)
        assert all(found.count(text) == 1 for text in writer.sent[-3:])
        hub.doctor()
