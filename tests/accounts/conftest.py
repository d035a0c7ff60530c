"""Members to test with, and background writes made at once, in the test's own transaction."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from llmos.accounts import access
from llmos.accounts.actions import create_user
from llmos.accounts.models import User

PASSWORD = "correct horse 9"


class AtOnce:
    """An executor that runs what it is given before it returns."""

    def submit(self, work: Callable[..., Any], *args: Any) -> None:
        work(*args)


@pytest.fixture(autouse=True)
def no_leftovers(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    # Argon2 is slow on purpose; what is tested here is not its strength.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    monkeypatch.setattr(access, "POOL", AtOnce())
    monkeypatch.setattr(access, "_noted", {})
    cache.clear()  # rate limits live there
    yield
    cache.clear()


@pytest.fixture
def ada(db: None) -> User:
    return create_user(name="ada", password=PASSWORD)


@pytest.fixture
def bob(db: None) -> User:
    return create_user(name="Bob", password=PASSWORD)


@pytest.fixture
def browser() -> Client:
    return Client(HTTP_HOST="hub.test")


@pytest.fixture
def ada_browser(ada: User, browser: Client) -> Client:
    answer = browser.post("/accounts/login/", {"login": "ada", "password": PASSWORD})
    assert answer.status_code == 302
    return browser
