"""kill -9 while a crowd is told: each member hears of each post once, and all do."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests import databases
from tests.faults.conftest import ROUNDS, MortalHub
from tests.faults.conftest import mortal_hub as mortal_hub

pytestmark = pytest.mark.slow

CROWD = 2000
CROWD_SCRIPT = Path(__file__).with_name("crowd.py")
VICTIMS = ("worker", "all")


def told(home: Path) -> tuple[int, int]:
    """How many rows of news there are, and how many pairs of a member and a post."""
    (found,) = databases.rows(
        home,
        "SELECT COUNT(*), (SELECT COUNT(*) FROM "
        "(SELECT DISTINCT user_id, post_id FROM notifications_notification) pairs) "
        "FROM notifications_notification",
    )
    return found[0], found[1]


def test_a_killed_hub_tells_everybody_once(mortal_hub: MortalHub) -> None:
    hub = mortal_hub
    chance = random.Random(os.environ.get("LLMOS_FAULT_SEED", time.time_ns()))
    for number in range(2 * ROUNDS):
        done = subprocess.run(
            [sys.executable, CROWD_SCRIPT, str(CROWD)],
            env={**databases.env_of(hub.home), "LLMOS_COMMUNITY_PACE": "0"},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert float(done.stdout) < 100  # milliseconds of CPU, the writer's own share

        before, moment = number * CROWD, chance.randint(0, CROWD - 1)
        deadline = time.monotonic() + 90
        while told(hub.home)[0] <= before + moment:
            assert time.monotonic() < deadline, told(hub.home)
            time.sleep(0.01)
        hub.kill(VICTIMS[number % len(VICTIMS)])
        hub.back()
        while told(hub.home)[0] < before + CROWD:
            assert time.monotonic() < deadline, told(hub.home)
            time.sleep(0.05)
        assert told(hub.home) == (before + CROWD, before + CROWD)
