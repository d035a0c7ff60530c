"""Hubs that may be killed: each test has its own, and knows how to end any of its processes."""

import json
import os
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import psutil
import pytest
from tests import databases
from tests.conftest import HubServer, free_port, start_hub, stop_hub
from tests.desk import Desk
from tests.homes import Homes

# The normal suite tries a moment each; LLMOS_FAULT_ROUNDS=200 tries many.
ROUNDS = int(os.environ.get("LLMOS_FAULT_ROUNDS", "1"))
# Filed by a starting web process before it answers anybody.
CATCHING_UP = """
    SELECT 1 FROM django_tasks_database_dbtaskresult
    WHERE task_path = 'llmos.hub.tasks.catch_up' AND status IN ('READY', 'RUNNING')
"""


@dataclass
class MortalHub:
    """A hub on `home` that can be killed and started again under the same address."""

    home: Path
    port: int = field(default_factory=free_port)
    token: str = ""
    tree: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self.desk = Desk(self.home)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.tree, _ = start_hub(self.home, port=self.port)
        if not self.token:
            self.desk.run("users", "create", "ada")
            made = self.desk.run("tokens", "create", "ada", "--name", "t", "--role", "write")
            self.token = made.strip()

    def stop(self) -> None:
        self.desk.close()
        if self.tree is not None:
            stop_hub(self.tree)
            self.tree = None

    def pid_of(self, name: str) -> int:
        """`web`, `worker` or `runner`."""
        assert self.tree is not None
        module = {
            "web": b"llmos.web.serve",
            "worker": b"llmos.web.work",
            "runner": b"llmos.web.runner",
        }[name]
        return next(pid for pid in descendants(self.tree.pid) if module in command_line(pid))

    def kill(self, name: str) -> None:
        """End one process, or with `all` the whole tree, so that it can do nothing more."""
        assert self.tree is not None
        if name != "all":
            process = psutil.Process(self.pid_of(name))
            process.kill()
            process.wait(10)
            return
        kill_tree(self.tree)
        self.tree = None

    def back(self) -> None:
        """Wait until the hub answers again and has caught up; start it if its tree is gone."""
        if self.tree is None:
            self.start()
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/api/health", timeout=2):
                    if not self._is_catching_up():
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError("the hub did not come back")

    def _is_catching_up(self) -> bool:
        """Whether it still looks for pushes that a killed web process left unrecorded."""
        return bool(databases.rows(self.home, CATCHING_UP))

    def doctor(self) -> str:
        """What `llmos doctor` says; a hub that is not consistent fails the test."""
        return self.desk.run("doctor")

    def client_env(self, folder: Path) -> dict[str, str]:
        server = HubServer(self.url, self.home, {"ada": self.token}, 0, self.desk)
        return server.client_env(folder)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str:
        return self.headers.get("x-error-code", "")

    @property
    def error(self) -> str:
        return str(json.loads(self.body)["error"])


def send(
    url: str,
    method: str,
    path: str,
    *,
    token: str | None = None,
    body: bytes = b"",
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request exactly as given: the path is not normalised or encoded."""
    connection = HTTPConnection(url.removeprefix("http://"), timeout=60)
    try:
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
        connection.request(method, path, body=body or None, headers=sent)
        answer = connection.getresponse()
        named = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(answer.status, named, answer.read())
    finally:
        connection.close()


def kill(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def kill_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process and all below it, so that none of them can do anything more."""
    tree = [process.pid, *descendants(process.pid)]
    for pid in tree:
        kill(pid, signal.SIGSTOP)  # nobody may start or finish anything meanwhile
    for pid in [*tree, *descendants(process.pid)]:
        kill(pid, signal.SIGKILL)
    process.wait()


def descendants(pid: int) -> list[int]:
    found = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += [int(child), *descendants(int(child))]
    except FileNotFoundError:
        pass
    return found


def command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ")
    except FileNotFoundError:
        return b""


def prepared_hub(home: Path, homes: Homes, settings: str = "") -> MortalHub:
    """One that begins with the usual members; a new `MortalHub` begins with nothing."""
    homes.copy_to(home, settings)
    return MortalHub(home, token=homes.tokens["ada"])


@pytest.fixture
def mortal_hub(tmp_path: Path, homes: Homes) -> Iterator[MortalHub]:
    hub = prepared_hub(tmp_path / "home", homes)
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()
