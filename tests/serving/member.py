"""A member who uses the hub's pages without a browser: the same forms, the same events."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import orjson
from tests.serving.models import SLOW, WRITER

PASSWORD = "correct horse 9"
EVENTS = {"Accept": "application/x-ndjson"}


@dataclass(frozen=True)
class Member:
    """Signed in by the same forms as a browser."""

    web: httpx.Client

    def send(self, address: str, **fields: str) -> httpx.Response:
        """A form without script."""
        return self.web.post(address, data=self.form(fields), follow_redirects=True)

    def events(self, address: str, **fields: str) -> Iterator[dict[str, Any]]:
        """The same form with script."""
        form = self.form(fields)
        with self.web.stream("POST", address, data=form, headers=EVENTS) as response:
            assert response.status_code == 200, response.read()
            for line in response.iter_lines():
                yield orjson.loads(line)

    def turn(self, address: str, number: int) -> str:
        response = self.web.get(f"{address}/turns/{number}")
        assert response.status_code == 200
        return response.text

    def turns(self, address: str) -> list[dict[str, Any]]:
        """All turns of a conversation, as saved."""
        return list(self.web.get(f"{address}/export.json").json()["turns"])

    def state_once_over(self, address: str, number: int, *, seconds: float = 30) -> str:
        deadline = time.monotonic() + seconds
        while (state := state_of(self.turn(address, number))) == "writing":
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return state

    def form(self, fields: dict[str, str]) -> dict[str, str]:
        return {"csrfmiddlewaretoken": self.web.cookies["llmos_csrf"], **fields}


@contextmanager
def signed_in(url: str, name: str) -> Iterator[Member]:
    with httpx.Client(base_url=url, headers={"Origin": url}, timeout=120) as web:
        web.get("/accounts/login/")
        member = Member(web)
        member.send("/accounts/login/", login=name, password=PASSWORD)
        assert web.get("/chat").status_code == 200
        yield member


def wish(model: str = WRITER, **more: str) -> dict[str, str]:
    """What the form of a conversation says beside the message."""
    return {
        "model": model,
        "system": "",
        "temperature": "0.7",
        "top_p": "0.95",
        "max_tokens": "12",
        "seed": "3",
        **more,
    }


# Greedy nonsense goes round in circles, so this answer lasts until it is cut.
ENDLESS = wish(SLOW, temperature="0", top_p="1", max_tokens="4000")


def state_of(html: str) -> str:
    found = re.search(r'data-state="(\w+)"', html)
    assert found, html
    return found[1]


def text_of(html: str) -> str:
    found = re.search(r'data-text="([^"]*)"', html)
    assert found, html
    return found[1]
