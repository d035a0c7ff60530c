"""kill -9 around the moment of publication: others are told of the article, and once."""

import os
import random
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime, timedelta

import pytest
from huggingface_hub import HfApi
from tests import databases
from tests.faults.conftest import ROUNDS, MortalHub
from tests.faults.conftest import mortal_hub as mortal_hub

pytestmark = pytest.mark.slow

VICTIMS = ("worker", "all", "web")
TOLD = """
    SELECT COUNT(*) FROM django_tasks_database_dbtaskresult
    WHERE task_path = 'llmos.community.blog.tasks.on_thread_opened'
"""
WAITING = "SELECT COUNT(*) FROM blog_article"


def wait_for(hub: MortalHub, number: int, question: str) -> None:
    deadline = time.monotonic() + 60
    while databases.rows(hub.home, question)[0][0] < number:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def status(hub: MortalHub, path: str) -> int:
    try:
        with urllib.request.urlopen(f"{hub.url}{path}", timeout=60) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_hub_that_is_killed_when_an_article_is_due_tells_of_it_once(
    mortal_hub: MortalHub,
) -> None:
    hub = mortal_hub
    chance = random.Random(os.environ.get("LLMOS_FAULT_SEED", time.time_ns()))
    api = HfApi(endpoint=hub.url, token=hub.token)
    api.create_repo("ada/due")
    for number in range(2 * ROUNDS):
        at = datetime.now(UTC) + timedelta(seconds=6)
        text = f"---\ntitle: Due {number}\npublish_at: {at.isoformat()}\n---\n\nText.\n"
        path = f"articles/due-{number}.md"
        api.upload_file(path_or_fileobj=text.encode(), path_in_repo=path, repo_id="ada/due")
        wait_for(hub, number + 1, WAITING)
        if datetime.now(UTC) < at:
            assert status(hub, f"/blog/ada/due-{number}") == 404

        moment = chance.uniform(-0.5, 2.5)  # the worker looks every two seconds
        time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds() + moment))
        hub.kill(VICTIMS[number % len(VICTIMS)])
        hub.back()
        wait_for(hub, number + 1, TOLD)
        assert status(hub, f"/blog/ada/due-{number}") == 200
    time.sleep(3)  # in which a second announcement would come
    assert databases.rows(hub.home, TOLD) == [(2 * ROUNDS,)]
