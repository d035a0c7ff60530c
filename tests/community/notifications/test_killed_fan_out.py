"""kill -9 of the worker while a crowd is told: each member hears of it once, and all do."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from tests.faults.conftest import MortalHub, kill
from tests.faults.conftest import mortal_hub as mortal_hub

pytestmark = pytest.mark.slow

CROWD = 4000
CROWD_SCRIPT = Path(__file__).with_name("crowd.py")


def told(home: Path) -> tuple[int, int]:
    """How many rows of news there are, and for how many members."""
    with closing(sqlite3.connect(home / "llmos.sqlite3", timeout=30)) as rows:
        found = rows.execute(
            "SELECT COUNT(*), COUNT(DISTINCT user_id) FROM notifications_notification"
        ).fetchone()
        return found[0], found[1]


def test_a_killed_worker_tells_everybody_once(mortal_hub: MortalHub) -> None:
    hub = mortal_hub
    done = subprocess.run(
        [sys.executable, CROWD_SCRIPT, str(CROWD)],
        env={**os.environ, "LLMOS_HOME": str(hub.home)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 100  # milliseconds of CPU, the writer's own share

    kills, deadline = 0, time.monotonic() + 90
    while told(hub.home)[0] < CROWD:
        assert time.monotonic() < deadline, told(hub.home)
        if kills < 2 and told(hub.home)[0] > kills * 1000:
            kill(hub.pid_of("worker"), signal.SIGKILL)
            kills += 1
            time.sleep(1)
        time.sleep(0.01)

    assert kills == 2
    assert told(hub.home) == (CROWD, CROWD)
