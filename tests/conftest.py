"""What every test may ask for: an empty home, a database, a running hub, clients' environment."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import django
import pytest
from tests import databases
from tests.desk import Desk
from tests.homes import Homes

T = TypeVar("T")

# Run in the background, a shell lets us and all our children ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Django reads the home when it is set up, so each test process gets one before that.
_PROCESS_HOME = Path(tempfile.mkdtemp(prefix="llmos-test-"))
os.environ["LLMOS_HOME"] = str(_PROCESS_HOME)
os.environ.setdefault("XDG_RUNTIME_DIR", str(_PROCESS_HOME))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmos.web.settings")
if _url := databases.url_of(_PROCESS_HOME):
    os.environ["LLMOS_DATABASE_URL"] = _url
django.setup(set_prefix=False)
databases.keep_in_a_file(_PROCESS_HOME)
for _name in ("HF_TOKEN", "HF_ENDPOINT", "HF_HOME"):
    os.environ.pop(_name, None)
# Clients inside the test process keep their caches to themselves and call nobody else.
os.environ["HF_HOME"] = str(_PROCESS_HOME / "hf")
for _name in ("UPDATE_CHECK", "TELEMETRY", "PROGRESS_BARS"):
    os.environ[f"HF_HUB_DISABLE_{_name}"] = "1"


def pytest_configure(config: pytest.Config) -> None:
    if _url:
        # A kept thread may still be connected; the server goes with all that it holds.
        config.addinivalue_line("filterwarnings", "ignore:Error when trying to teardown")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Several processes begin with the slow files, so that none is left with one at the end."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session", autouse=True)
def _no_views_are_written_into_another_test() -> None:
    """Pages asked in this process count their views; hubs of their own write them as ever."""
    from llmos.community.threads import views

    views.WRITTEN_AFTER = 3600.0


def pytest_sessionfinish() -> None:
    databases.stop()
    shutil.rmtree(_PROCESS_HOME, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def in_a_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own: a browser's loop may hold this one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, coroutine).result()


@dataclass(frozen=True)
class HubServer:
    """A running hub with its own home; `tokens` are write tokens of its first members."""

    url: str
    home: Path
    tokens: dict[str, str]
    web_pid: int
    desk: Desk

    def client_env(self, folder: Path, user: str = "ada") -> dict[str, str]:
        """Environment for an unmodified client with its own caches in `folder`."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "HF_HOME": str(folder / "hf"),
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": self.tokens[user],
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
        }

    def command(self, *arguments: str, stdin: str = "") -> str:
        """Run `llmos …` on this hub's home; returns its standard output."""
        return self.desk.run(*arguments, stdin=stdin)


def run_llmos(home: Path, *arguments: str, stdin: str = "") -> str:
    done = subprocess.run(
        [sys.executable, "-m", "llmos.cli.main", *arguments],
        env=databases.env_of(home),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def start_hub(
    home: Path, *options: str, port: int | None = None
) -> tuple[subprocess.Popen[bytes], str]:
    """Start `llmos up` on a free (or the given) port and wait until it answers."""
    port = port or free_port()
    url = f"http://127.0.0.1:{port}"
    log = home.parent / f"{home.name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "llmos.cli.main",
                "up",
                "--no-demo",
                "--port",
                str(port),
                *options,
            ],
            env=databases.env_of(home),
            stdout=output,
            stderr=output,
        )
    deadline = time.monotonic() + 60
    while not _answers(home, url, process):
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            raise AssertionError(log.read_text())
        time.sleep(0.05)
    return process, url


def _answers(home: Path, url: str, process: subprocess.Popen[bytes]) -> bool:
    """Whether it is well, and has written down where it is."""
    try:
        with urllib.request.urlopen(f"{url}/api/health", timeout=2):
            noted = json.loads((home / "run" / "address.json").read_text())
            return bool(noted["pid"] == process.pid)
    except OSError:
        return False


def stop_hub(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Homes:
    return Homes(tmp_path_factory)


@contextmanager
def running_hub(home: Path, homes: Homes) -> Iterator[HubServer]:
    """A hub that begins with the prepared home, until the block is left."""
    # Tests write faster than members do.
    homes.copy_to(home, "[community]\npace = 0\n")
    process, url = start_hub(home)
    desk = Desk(home)
    try:
        pid = json.loads((home / "run" / "address.json").read_text())["web_pid"]
        yield HubServer(url=url, home=home, tokens=homes.tokens, web_pid=pid, desk=desk)
    finally:
        desk.close()
        stop_hub(process)


@pytest.fixture(scope="session")
def hub_server(tmp_path_factory: pytest.TempPathFactory, homes: Homes) -> Iterator[HubServer]:
    """One hub for the whole test process; tests tell their repositories apart by name."""
    with running_hub(tmp_path_factory.mktemp("hub") / "home", homes) as hub:
        yield hub


@pytest.fixture
def client_env(hub_server: HubServer, tmp_path: Path) -> dict[str, str]:
    """Ada's environment for unmodified clients, with caches of its own."""
    return hub_server.client_env(tmp_path)
