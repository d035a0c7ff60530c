"""The process tree of one hub: starts children, watches them, ends them together.

A child that dies is started again, later each time it dies soon; one that keeps dying
ends the tree. Children hold one end of a pipe and the home's lock, so they end with
this process even when it is killed, and no second tree starts before they are gone.
"""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

LIFELINE_VARIABLE = "LLMOS_LIFELINE"
GATE_VARIABLE = "LLMOS_GATE"

# Seconds: how long a child may take to end, and how long it must live to count as healthy.
GRACE = 15.0
HEALTHY_AFTER = 60.0
DEATHS_IN_A_ROW = 5


@dataclass(frozen=True, slots=True)
class Service:
    """A child process: a module and its arguments. An errand runs once and may fail."""

    name: str
    arguments: Sequence[str]
    preload: str = ""  # a module to import while the gate is still shut
    errand: bool = False


class ServiceFailed(Exception):
    """A service ended where the tree cannot go on without it."""


@dataclass(slots=True)
class _Child:
    service: Service
    process: subprocess.Popen[bytes]
    started: float
    deaths: int = 0
    gate: int | None = None  # writing end; the child runs once a byte came through


@dataclass(slots=True)
class Supervisor:
    """Owns the children; `say` prints one line for the person who started the hub.

    `restarted` hears the name and the new process id of a service that was started again.
    """

    held_descriptor: int
    say: Callable[[str], None]
    restarted: Callable[[str, int], None]
    _children: dict[str, _Child] = field(default_factory=dict)
    _due: dict[str, tuple[float, Service, int]] = field(default_factory=dict)
    _stop_signal: int | None = None
    _lifeline: tuple[int, int] = (-1, -1)
    _wake: socket.socket | None = None

    def __enter__(self) -> "Supervisor":
        self._lifeline = os.pipe()
        self._wake, wake_end = socket.socketpair()
        self._wake.setblocking(False)
        wake_end.setblocking(False)
        signal.set_wakeup_fd(wake_end.detach())
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_stop)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)  # only to wake `_wait`
        return self

    def __exit__(self, *exception: object) -> None:
        self._end_all()

    @property
    def stopping(self) -> bool:
        return self._stop_signal is not None

    def start(self, service: Service, *, gated: bool = False, deaths: int = 0) -> int:
        """Start a child; a gated one only loads its code until `open_gate`. Returns its pid."""
        reading, _ = self._lifeline
        passed, gate, writing = [reading, self.held_descriptor], -1, None
        if gated:
            gate, writing = os.pipe()
            passed.append(gate)
        process = subprocess.Popen(
            [sys.executable, "-m", "llmos.web.child", service.preload, *service.arguments],
            stdin=subprocess.DEVNULL,
            env={**os.environ, LIFELINE_VARIABLE: str(reading), GATE_VARIABLE: str(gate)},
            pass_fds=passed,
            process_group=0,  # Ctrl-C in a terminal reaches us alone; we end the children in order
        )
        if gated:
            os.close(gate)
        self._children[service.name] = _Child(service, process, time.monotonic(), deaths, writing)
        return process.pid

    def open_gate(self, name: str) -> None:
        gate, self._children[name].gate = self._children[name].gate, None
        if gate is not None:
            with suppress(BrokenPipeError):  # it died meanwhile: whoever waits for it will see
                os.write(gate, b"g")
            os.close(gate)

    def wait_for(self, is_ready: Callable[[], bool], *, among: Sequence[str], limit: float) -> bool:
        """Wait until `is_ready`; false when told to stop meanwhile.

        Raises ServiceFailed when a service named in `among` ends with an error, or after
        `limit` seconds.
        """
        end = time.monotonic() + limit
        while not self.stopping:
            if is_ready():
                return True
            for name in among:
                if self._status(name) is not None:
                    raise ServiceFailed(f"{name} ended with status {self._status(name)}")
            if time.monotonic() > end:
                raise ServiceFailed(f"not ready after {limit:.0f} seconds")
            self._wait(0.02)
        return False

    def finish(self, errand: Service, *, limit: float) -> bool:
        """Run an errand to its end; false when told to stop. Raises ServiceFailed."""
        self.start(errand)
        return self.wait_for(lambda: self.ended_well(errand.name), among=[errand.name], limit=limit)

    def ended_well(self, name: str) -> bool:
        return self._status(name) == 0

    def watch(self) -> None:
        """Keep the services running until told to stop. Raises ServiceFailed."""
        while not self.stopping:
            self._bury()
            self._restart_due()
            next_start = min((when for when, _, _ in self._due.values()), default=None)
            pause = 5.0 if next_start is None else max(0.0, next_start - time.monotonic())
            self._wait(pause)

    def _status(self, name: str) -> int | None:
        child = self._children.get(name)
        return child.process.poll() if child else None

    def _bury(self) -> None:
        for name, child in list(self._children.items()):
            status = child.process.poll()
            if status is None:
                continue
            del self._children[name]
            if child.service.errand:
                if status:
                    self.say(f"{name} ended with status {status}; the hub runs on without it")
                continue
            lived = time.monotonic() - child.started
            deaths = 1 if lived > HEALTHY_AFTER else child.deaths + 1
            if deaths > DEATHS_IN_A_ROW:
                raise ServiceFailed(f"{name} keeps ending (status {status}), {deaths} times now")
            pause = 0.5 * 2 ** (deaths - 1)
            self.say(f"{name} ended with status {status}; starting it again in {pause:g} s")
            self._due[name] = (time.monotonic() + pause, child.service, deaths)

    def _restart_due(self) -> None:
        for name, (when, service, deaths) in list(self._due.items()):
            if time.monotonic() >= when:
                del self._due[name]
                self.restarted(name, self.start(service, deaths=deaths))

    def _wait(self, seconds: float) -> None:
        """Sleep, but wake at once when a child ends or somebody tells us to stop."""
        if self._wake and select.select([self._wake], [], [], seconds)[0]:
            with suppress(BlockingIOError):
                self._wake.recv(64)

    def _on_stop(self, number: int, frame: object) -> None:
        if self.stopping:  # asked twice: somebody is in a hurry
            for child in self._children.values():
                child.process.kill()
        self._stop_signal = number

    def _end_all(self) -> None:
        self._stop_signal = self._stop_signal or signal.SIGTERM
        for child in self._children.values():
            child.process.terminate()
        end = time.monotonic() + GRACE
        for name, child in self._children.items():
            try:
                child.process.wait(max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.say(f"{name} did not end within {GRACE:.0f} s; killing it")
                child.process.kill()
                child.process.wait()
        for descriptor in self._lifeline:
            os.close(descriptor)
