"""The keeper of one job's process: `python -m llmos.jobs.keeper FOLDER COMMAND …`.

Starts the command in a process group of its own, writes what it says into the stream, holds it
to its limits, and notes how it ended. It outlives the runner, which finds it again, and ends
with the hub. It imports nothing heavy: there is one for every job.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO

import psutil

from llmos.jobs.folders import EXIT, LOCK, STREAM
from llmos.kit.files import written_whole

SEPARATOR = b"\x1e"
LOOK_EVERY = 1.0  # seconds
GRACE = 10.0
NICE = 5  # pages come before jobs
LONGEST_LINE = 64 * 2**10
# A job that writes more than this has run wild; what it says from then on is dropped.
LARGEST_STREAM = 256 * 2**20


@dataclass(slots=True)
class Keeper:
    folder: Path
    memory: int  # bytes
    seconds: float
    ended_by: str = ""  # memory, time, cancel: why we ended it
    _process: subprocess.Popen[bytes] | None = None
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self, command: list[str]) -> int:
        (self.folder / EXIT).unlink(missing_ok=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._end("cancel"))
        with (self.folder / STREAM).open("ab") as stream:
            self._mend(stream)
            self._process = process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                process_group=0,
            )
            watcher = threading.Thread(target=self._watch, daemon=True)
            watcher.start()
            assert process.stdout is not None
            self._pump(process.stdout, stream)
            code = process.wait()
        self._over.set()
        self._kill_group()  # workers that the process left behind
        self._note_end(code)
        return 0

    def _pump(self, source: IO[bytes], stream: BinaryIO) -> None:
        while line := source.readline(LONGEST_LINE):
            if stream.tell() > LARGEST_STREAM:
                continue
            stream.write(_stamped(line))
            stream.flush()

    def _mend(self, stream: BinaryIO) -> None:
        """A line that a power cut left unfinished is closed, so that the next one stands alone."""
        size = stream.tell()
        if size:
            with (self.folder / STREAM).open("rb") as written:
                written.seek(size - 1)
                if written.read(1) != b"\n":
                    stream.write(b"\n")

    def _watch(self) -> None:
        began = time.monotonic()
        while not self._over.wait(LOOK_EVERY):
            if time.monotonic() - began > self.seconds:
                self._end("time")
            elif self._memory() > self.memory:
                self._end("memory")

    def _memory(self) -> int:
        assert self._process is not None
        total = 0
        with suppress(psutil.Error):
            parent = psutil.Process(self._process.pid)
            for process in (parent, *parent.children(recursive=True)):
                with suppress(psutil.Error):
                    total += process.memory_info().rss
        return total

    def _end(self, reason: str) -> None:
        if self.ended_by:
            return
        self.ended_by = reason
        self._signal(signal.SIGTERM)
        timer = threading.Timer(GRACE, self._kill_group)
        timer.daemon = True
        timer.start()

    def _kill_group(self) -> None:
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _note_end(self, code: int) -> None:
        content = {"code": code, "ended_by": self.ended_by, "at": _now()}
        with written_whole(self.folder / EXIT) as file:
            file.write(json.dumps(content).encode())


def _stamped(line: bytes) -> bytes:
    """One line of the job's as one event with its time."""
    event: Any = None
    if line.startswith(SEPARATOR):
        with suppress(ValueError):
            event = json.loads(line[1:])
    if not isinstance(event, dict) or not isinstance(event.get("event"), str):
        event = {"event": "log", "text": line.decode("utf-8", "replace").rstrip("\r\n")}
    return json.dumps({"at": _now(), **event}, ensure_ascii=False).encode() + b"\n"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _end_with_hub(keeper: Keeper, lifeline: int) -> None:
    """The hub holds the other end of a pipe; when it is gone, so is the job, to be resumed."""

    def watch() -> None:
        os.read(lifeline, 1)
        keeper._kill_group()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def main() -> int:
    folder, memory, seconds, lifeline, *command = sys.argv[1:]
    os.nice(NICE)
    (Path(folder) / LOCK).write_text(str(os.getpid()))
    keeper = Keeper(Path(folder), int(memory), float(seconds))
    if int(lifeline) >= 0:
        _end_with_hub(keeper, int(lifeline))
    return keeper.run(command)


if __name__ == "__main__":
    sys.exit(main())
