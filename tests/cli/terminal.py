"""A person at a terminal: starts a hub, reads what it prints, ends it."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path


class Terminal:
    """One `llmos up`, with everything it printed so far."""

    def __init__(self, home: Path, *options: str, **environment: str) -> None:
        self.home = home
        self.printed = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "llmos.cli.main", "up", "--home", str(home), *options],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, text: str, *, seconds: float = 30) -> str:
        """Wait until the pattern was printed; gives the match's first group, or all of it."""
        end = time.monotonic() + seconds
        while True:
            found = re.search(text, self.printed)
            if found:
                return found[found.lastindex or 0]
            over = self.process.poll() is not None and not self._reader.is_alive()
            assert not over, f"ended with {self.process.returncode}:\n{self.printed}"
            assert time.monotonic() < end, f"never printed {text!r}:\n{self.printed}"
            time.sleep(0.02)

    def url(self) -> str:
        return self.wait_for(r"Open\s+(http\S+)[\s\S]*Stop")

    def children(self) -> set[int]:
        """Process ids of everything that runs below `llmos up`."""
        path = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(pid) for pid in path.read_text().split()}

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        status = self.process.wait(timeout=30)
        self._reader.join(timeout=5)
        return status

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as out:
            for line in out:
                self.printed += line
