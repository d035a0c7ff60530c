"""A signed-in browser asks from our own pages without a token; other sites cannot in her name."""

from collections.abc import Iterator

import httpx
import pytest
from tests.conftest import HubServer
from tests.serving.member import signed_in
from tests.serving.models import WRITER


@pytest.fixture(scope="module")
def session(served: HubServer) -> Iterator[httpx.Client]:
    """Bob's cookies, in a client that adds no headers of its own."""
    with (
        signed_in(served.url, "bob") as bob,
        httpx.Client(base_url=served.url, cookies=bob.web.cookies, timeout=60) as client,
    ):
        yield client


def status(session: httpx.Client, **headers: str) -> int:
    asked = {"model": WRITER, "prompt": "the", "max_tokens": 2}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return session.post("/v1/completions", json=asked, headers=named).status_code


def test_our_pages_may_ask_in_the_name_of_whoever_is_signed_in(
    served: HubServer, session: httpx.Client
) -> None:
    assert status(session, Sec_Fetch_Site="same-origin") == 200
    assert status(session, Origin=served.url) == 200


def test_other_sites_and_forged_forms_may_not(session: httpx.Client) -> None:
    assert status(session, Sec_Fetch_Site="cross-site") == 401
    assert status(session, Origin="https://elsewhere.example") == 401
    assert status(session) == 401
