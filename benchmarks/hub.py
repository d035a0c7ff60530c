"""The hub under measurement: a fresh home, one process tree, one member with a token."""

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

from huggingface_hub import HfApi

from benchmarks.processes import command_line, cpu_seconds, descendants

MEMBER = "bench"
START_SECONDS = 120


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Hub:
    """`llmos up` on `home`; `token` is a write token of its only member."""

    home: Path
    port: int = field(default_factory=free_port)
    token: str = ""
    _tree: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    @property
    def api(self) -> HfApi:
        return HfApi(endpoint=self.url, token=self.token)

    def start(self) -> float:
        """Start the tree; returns seconds until the first answer."""
        log = (self.home.parent / "hub.log").open("ab")
        start = time.perf_counter()
        self._tree = subprocess.Popen(
            [sys.executable, "-m", "llmos.cli.main", "up", "--no-demo", "--port", str(self.port)],
            env=self._environment(),
            stdout=log,
            stderr=log,
        )
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}/api/health", timeout=5):  # noqa: S310
                    break
            except OSError:
                if self._tree.poll() is not None or time.perf_counter() - start > START_SECONDS:
                    raise RuntimeError(Path(log.name).read_text()[-2000:]) from None
                time.sleep(0.01)
        seconds = time.perf_counter() - start
        if not self.token:
            self._make_member()
        return seconds

    def stop(self) -> None:
        if self._tree is not None:
            self._tree.terminate()
            self._tree.wait(60)
            self._tree = None

    def pids(self) -> dict[str, int]:
        """Web and worker process by name."""
        assert self._tree is not None
        found = {}
        for pid in descendants(self._tree.pid):
            line = command_line(pid)
            for name, module in (("web", "llmos.web.serve"), ("worker", "llmos.web.work")):
                if module in line:
                    found[name] = pid
        return found

    def wait_for_worker(self, *, calm_seconds: float = 2.0) -> None:
        """Wait until the worker has nothing to do, so that it disturbs no measurement."""
        while "worker" not in self.pids():
            time.sleep(0.1)
        worker = self.pids()["worker"]
        calm_since, last = time.monotonic(), cpu_seconds(worker)
        while time.monotonic() - calm_since < calm_seconds:
            time.sleep(0.2)
            now = cpu_seconds(worker)
            if now - last > 0.02:
                calm_since = time.monotonic()
            last = now

    def command(self, *arguments: str, stdin: str = "") -> str:
        """Run `llmos …` on this home; returns its standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "llmos.cli.main", *arguments],
            env=self._environment(),
            input=stdin,
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    def client_environment(self, folder: Path) -> dict[str, str]:
        """An unmodified client's environment with empty caches of its own in `folder`."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "HF_HOME": str(folder / "hf"),
            "HF_ENDPOINT": self.url,
            "HF_TOKEN": self.token,
            "HF_HUB_DISABLE_UPDATE_CHECK": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        }

    def _make_member(self) -> None:
        password = secrets.token_urlsafe(12)
        self.command("users", "create", MEMBER, "--password-stdin", stdin=f"{password}\n")
        made = self.command("tokens", "create", MEMBER, "--name", "bench", "--role", "write")
        self.token = made.split()[-1]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "LLMOS_HOME": str(self.home)}
