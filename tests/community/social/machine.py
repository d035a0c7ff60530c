"""A member of a running hub who asks by token, and writes by the form that people use."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from tests.conftest import HubServer

PASSWORD = "correct horse 9"


@dataclass(frozen=True)
class Machine:
    hub: HubServer
    name: str
    token: str

    @classmethod
    def member(cls, hub: HubServer, name: str) -> "Machine":
        hub.command("users", "create", name, "--password-stdin", stdin=f"{PASSWORD}\n")
        made = hub.command("tokens", "create", name, "--name", "t", "--role", "write")
        return cls(hub, name, made.strip())

    def ask(self, method: str, path: str, **options: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.token}"}
        with httpx2.Client(timeout=30) as client:
            return client.request(method, f"{self.hub.url}{path}", headers=headers, **options)

    @contextmanager
    def signed_in(self) -> Iterator[httpx2.Client]:
        headers = {"Origin": self.hub.url}
        with httpx2.Client(base_url=self.hub.url, timeout=30, headers=headers) as client:
            fields = {"login": self.name, "password": PASSWORD}
            posted(client, "/accounts/login/", fields, at="/accounts/login/")
            yield client

    def write_note(self, text: str, tags: str = "") -> str:
        """The address of the note."""
        with self.signed_in() as client:
            answer = posted(client, "/notes/new", {"text": text, "tags": tags}, at="/feed")
            assert answer.status_code == 302, answer.text
            return answer.headers["location"]


def posted(
    client: httpx2.Client, action: str, fields: dict[str, str], *, at: str
) -> httpx2.Response:
    """Send a form of the page `at`."""
    page = client.get(at).text
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert found, page
    return client.post(action, data={"csrfmiddlewaretoken": found[1], **fields})


def until(wanted: Callable[[], bool], *, seconds: float = 30) -> None:
    """Wait for what the worker does after a deed."""
    deadline = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)
