"""kill -9 around the moment of publication: others are told of the article, and once."""

import signal
import sqlite3
import time
import urllib.error
import urllib.request
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from huggingface_hub import HfApi
from tests.faults.conftest import MortalHub, kill
from tests.faults.conftest import mortal_hub as mortal_hub

pytestmark = pytest.mark.slow

TOLD = """
    SELECT COUNT(*) FROM django_tasks_database_dbtaskresult
    WHERE task_path = 'llmos.community.blog.tasks.on_thread_opened'
"""
WAITING = "SELECT COUNT(*) FROM blog_article"


def count(hub: MortalHub, question: str) -> int:
    with closing(sqlite3.connect(hub.home / "llmos.sqlite3", timeout=30)) as rows:
        found: int = rows.execute(question).fetchone()[0]
        return found


def wait_for_one(hub: MortalHub, question: str) -> None:
    deadline = time.monotonic() + 60
    while count(hub, question) < 1:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def status(hub: MortalHub, path: str) -> int:
    try:
        with urllib.request.urlopen(f"{hub.url}{path}", timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_a_worker_that_is_killed_when_an_article_is_due_tells_of_it_once(
    mortal_hub: MortalHub,
) -> None:
    hub = mortal_hub
    api = HfApi(endpoint=hub.url, token=hub.token)
    api.create_repo("ada/due")
    at = datetime.now(UTC) + timedelta(seconds=12)
    text = f"---\ntitle: Due\npublish_at: {at.isoformat()}\n---\n\nText.\n"
    api.upload_file(
        path_or_fileobj=text.encode(), path_in_repo="articles/due.md", repo_id="ada/due"
    )
    wait_for_one(hub, WAITING)
    assert datetime.now(UTC) < at
    assert status(hub, "/blog/ada/due") == 404

    for moment in (-0.3, 0.8):
        time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds() + moment))
        kill(hub.pid_of("worker"), signal.SIGKILL)
        time.sleep(1.5)  # the parent starts another one

    wait_for_one(hub, TOLD)
    time.sleep(3)  # in which a second announcement would come
    assert count(hub, TOLD) == 1
    assert status(hub, "/blog/ada/due") == 200
