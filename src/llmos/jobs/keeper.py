"""The keeper of one job's process: `python -m llmos.jobs.keeper FOLDER TERMS COMMAND …`.

Starts the command in a process group of its own, writes what it says into the stream, holds it
to its limits, and notes how it ended. It outlives the runner, which finds it again by the lock
that it holds, and ends with the hub. It imports nothing heavy: there is one for every job.
"""

import errno
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
from io import FileIO
from pathlib import Path
from typing import IO, Any

from llmos.jobs.folders import EXIT, LOCK, SPOKEN, STREAM, USAGE
from llmos.jobs.limits import (
    ControlGroup,
    Limits,
    Use,
    adopt_orphans,
    end_descendants,
    limited,
    used,
)
from llmos.kit.files import written_whole

SEPARATOR = b"\x1e"
LOOK_EVERY = 1.0  # seconds
GRACE = 10.0
NICE = 5  # pages come before jobs
LONGEST_LINE = 2**20
# A job that prints more than this has run wild: its log ends here, its events go on.
LARGEST_LOG = 16 * 2**20
LARGEST_STREAM = 64 * 2**20
# Room on the disk for last words when there is no other.
RESERVE, RESERVED = "reserve", 256 * 2**10


@dataclass(frozen=True, slots=True)
class Terms:
    """What the executor says of one attempt. `lifeline` is a pipe that ends with the hub.

    An attempt that is not new has spoken before, to a keeper that is gone.
    """

    attempt: int
    limits: Limits
    lifeline: int = -1
    is_new: bool = True


@dataclass(slots=True)
class Keeper:
    folder: Path
    terms: Terms
    ended_by: str = ""  # memory, processes, time, cancel: why we ended it
    _process: subprocess.Popen[bytes] | None = None
    _group: ControlGroup | None = None
    _began: float = field(default_factory=time.monotonic)
    _last: tuple[float, float] = (0.0, 0.0)  # when we looked, and the processor time until then
    _peak: int = 0

    def run(self, command: list[str]) -> None:
        (self.folder / EXIT).unlink(missing_ok=True)
        _reserve(self.folder / RESERVE)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._end("cancel"))
        adopt_orphans()
        with (self.folder / STREAM).open("ab", buffering=0) as file:
            stream = Stream(file, self.folder / RESERVE)
            stream.mend()
            if self.terms.is_new:
                stream.begin(self.terms.attempt)
            code = self._hold(command, stream)
        if self.ended_by != "hub":
            self._note_end(code)
        (self.folder / RESERVE).unlink(missing_ok=True)

    def _hold(self, command: list[str], stream: "Stream") -> int:
        """Start the command, and wait for its end."""
        limits = self.terms.limits
        if limits.cgroup:
            self._group = ControlGroup(Path(limits.cgroup) / f"llmos-{self.folder.name}", limits)
        self._process = process = subprocess.Popen(
            limited(command, limits, self._group),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            process_group=0,
        )
        if self.ended_by:  # cancelled while it was being started
            self._signal(signal.SIGKILL)
        if self.terms.lifeline >= 0:
            threading.Thread(target=self._end_with_hub, daemon=True).start()
        assert process.stdout is not None
        pump = threading.Thread(target=stream.pump, args=(process.stdout,))
        pump.start()
        while True:
            with suppress(subprocess.TimeoutExpired):
                code = process.wait(LOOK_EVERY)
                break
            self._look(used(process.pid))
        self._end_the_rest()  # workers that it left behind hold our pipe open
        pump.join()
        self._note_use(used(process.pid))
        return code

    def _look(self, use: Use) -> None:
        limits = self.terms.limits
        self._note_use(use)
        if time.monotonic() - self._began > limits.seconds:
            self._end("time")
        elif use.memory > limits.memory:
            self._end("memory", now=True)
        elif use.processes > limits.processes:
            self._end("processes", now=True)

    def _end(self, reason: str, *, now: bool = False) -> None:
        """Ask the job to end, and after a while make it; `now` when it harms others."""
        if self.ended_by:
            return
        self.ended_by = reason
        if now:
            end_descendants()
            return
        self._signal(signal.SIGTERM)
        timer = threading.Timer(GRACE, end_descendants)
        timer.daemon = True
        timer.start()

    def _end_the_rest(self) -> None:
        end_descendants()
        if self._group is not None:
            if self._group.has_run_out_of_memory():
                self.ended_by = self.ended_by or "memory"
            self._group.remove()

    def _end_with_hub(self) -> None:
        """The hub holds the other end of a pipe; when it is gone, so is the job, to be resumed."""
        os.read(self.terms.lifeline, 1)
        self.ended_by = "hub"  # which is no end of the job: nothing is noted
        end_descendants()
        os._exit(1)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    def _note_use(self, use: Use) -> None:
        """For whoever wants to know how it fares; no promise that it survives a power cut."""
        wall = time.monotonic() - self._began
        since, before = self._last
        share = max(0.0, use.cpu_seconds - before) / max(0.1, wall - since)
        self._last, self._peak = (wall, use.cpu_seconds), max(self._peak, use.memory)
        content = {
            "attempt": self.terms.attempt,
            "at": _now(),
            "cpu_seconds": use.cpu_seconds,
            "wall_seconds": round(wall, 2),
            "cores_used": round(share, 3),
            "cores": self.terms.limits.cores,
            "memory_bytes": use.memory,
            "peak_memory_bytes": self._peak,
            "memory_limit_bytes": self.terms.limits.memory,
            "processes": use.processes,
        }
        temporary = self.folder / f".{USAGE}"
        with suppress(OSError):  # a full disk: nobody misses one look
            temporary.write_text(json.dumps(content))
            os.replace(temporary, self.folder / USAGE)

    def _note_end(self, code: int) -> None:
        content = {
            "attempt": self.terms.attempt,
            "code": code,
            "ended_by": self.ended_by,
            "at": _now(),
        }
        try:
            self._write_end(content)
        except OSError:
            (self.folder / RESERVE).unlink(missing_ok=True)
            self._write_end(content)

    def _write_end(self, content: dict[str, Any]) -> None:
        with written_whole(self.folder / EXIT) as file:
            file.write(json.dumps(content).encode())


class Stream:
    """The file of events: what a job says, line by line, each with the time when it came."""

    def __init__(self, file: FileIO, reserve: Path) -> None:
        self._file, self._reserve = file, reserve
        self._logged = 0
        self._is_cut = False

    def mend(self) -> None:
        """Close a line that a power cut left unfinished, so that the next one stands alone."""
        if self._file.tell():
            with Path(str(self._file.name)).open("rb") as written:
                written.seek(-1, os.SEEK_END)
                if written.read(1) != b"\n":
                    self._write(b"\n")
        self._logged = self._file.tell()

    def begin(self, attempt: int) -> None:
        self._tell({"event": "attempt", "number": attempt})

    def pump(self, source: IO[bytes]) -> None:
        """Take in lines until the last process that holds the other end has closed it."""
        while line := source.readline(LONGEST_LINE):
            event = _event_in(line)
            if event["event"] == "log":
                self._logged += len(line)
                if self._logged > LARGEST_LOG:
                    self._cut()
                    continue
            elif self._file.tell() > LARGEST_STREAM:
                continue
            self._tell(event)

    def _cut(self) -> None:
        if not self._is_cut:
            self._is_cut = True
            text = f"The log is over {LARGEST_LOG >> 20} MiB: what follows of it is not kept"
            self._tell({"event": "log", "text": text})

    def _tell(self, event: dict[str, Any]) -> None:
        self._write(json.dumps({"at": _now(), **event}, ensure_ascii=False).encode() + b"\n")

    def _write(self, line: bytes) -> None:
        """On a full disk lines are lost, but for the last ones: those get the reserve."""
        start = self._file.tell()
        try:
            self._append(line)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
            os.truncate(self._file.fileno(), start)
            self._reserve.unlink(missing_ok=True)
            with suppress(OSError):
                self._append(line)

    def _append(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            rest = rest[self._file.write(rest) :]


def _event_in(line: bytes) -> dict[str, Any]:
    """A line of the job's as an event: one of its own, or a line of its log."""
    if line.startswith(SEPARATOR):
        with suppress(ValueError):
            event = json.loads(line[1:])
            named = isinstance(event, dict) and isinstance(event.get("event"), str)
            if named and (event["event"] not in SPOKEN or isinstance(event.get("text"), str)):
                return dict(event)
    return {"event": "log", "text": line.decode("utf-8", "replace").rstrip("\r\n")}


def _reserve(path: Path) -> None:
    with suppress(OSError), path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, RESERVED)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def main() -> int:
    folder, terms, *command = sys.argv[1:]
    given = json.loads(terms)
    os.nice(NICE)
    (Path(folder) / LOCK).write_text(str(os.getpid()))
    limits = Limits(**given.pop("limits"))
    Keeper(Path(folder), Terms(limits=limits, **given)).run(command)
    return 0


if __name__ == "__main__":
    sys.exit(main())
