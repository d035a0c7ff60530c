"""The small task before a sign-up."""

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from altcha import Challenge, Payload, solve_challenge
from django.test import Client

from llmos.accounts import captcha
from llmos.accounts.models import SpentChallenge, User
from llmos.accounts.tasks import tidy
from llmos.kit.config import current

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def wanted(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("LLMOS_ACCOUNTS_CAPTCHA", "true")
    current.cache_clear()
    yield
    monkeypatch.undo()
    current.cache_clear()


def _solved(browser: Client) -> str:
    task = Challenge.from_dict(browser.get("/accounts/task").json())
    solution = solve_challenge(task)
    assert solution is not None
    return Payload(task, solution).to_base64()


def _sign_up(browser: Client, name: str, task: str) -> int:
    told = {"username": name, "password1": "a long and lonely road 7", "task": task}
    return browser.post("/accounts/signup/", told).status_code


def test_a_solved_task_lets_one_member_in_and_not_a_second(browser: Client) -> None:
    answer = _solved(browser)
    assert _sign_up(browser, "carol", answer) == 302
    assert _sign_up(Client(HTTP_HOST="hub.test"), "dave", answer) == 200
    assert [user.username for user in User.objects.all()] == ["carol"]


def test_the_page_has_the_task_and_words_for_browsers_without_script(browser: Client) -> None:
    page = browser.get("/accounts/signup/").content.decode()
    assert "<altcha-widget" in page
    assert "<noscript>" in page
    assert "altcha.min.js" in page


def test_an_expired_task_is_refused(browser: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(captcha, "TASK_LIFE", timedelta(seconds=-1))
    assert _sign_up(browser, "carol", _solved(browser)) == 200


@pytest.mark.parametrize("change", ["none", "garbage", "counter", "cost", "expiry"])
def test_what_was_not_solved_here_is_refused(browser: Client, change: str) -> None:
    told: Any = json.loads(base64.b64decode(_solved(browser)))
    if change == "counter":
        told["solution"] = {"counter": 1, "derivedKey": "00" * 32}
    elif change == "cost":
        told["challenge"]["parameters"]["cost"] = 1
    elif change == "expiry":
        told["challenge"]["parameters"]["expiresAt"] += 1000
    bent = base64.b64encode(json.dumps(told).encode()).decode()
    answer = {"none": "", "garbage": "bm9uc2Vuc2U="}.get(change, bent)
    assert _sign_up(browser, "carol", answer) == 200
    assert not User.objects.exists()
    assert not SpentChallenge.objects.exists()


def test_spent_tasks_are_forgotten_once_they_would_have_expired(browser: Client) -> None:
    assert _sign_up(browser, "carol", _solved(browser)) == 302
    assert SpentChallenge.objects.count() == 1
    SpentChallenge.objects.update(expires_at="2026-01-01T00:00:00Z")
    tidy.call()
    assert not SpentChallenge.objects.exists()
