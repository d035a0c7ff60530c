"""What every suite is handed: the hub, the sizes of this run, a folder for files."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.hub import MEMBER, Hub
from benchmarks.load import Call, Seen, play
from benchmarks.processes import measured
from benchmarks.report import Measurement

GIB = 1 << 30
MIB = 1 << 20
ROUNDS = 3


@dataclass(frozen=True, slots=True)
class Bench:
    """One run. Sizes are multiplied by `scale`; `folder` is scratch space on the same disk."""

    hub: Hub
    folder: Path
    scale: float

    def scaled(self, number: int, *, least: int = 1) -> int:
        return max(least, round(number * self.scale))

    def repository(self, name: str) -> str:
        """Create (or find) a repository of the member."""
        full_name = f"{MEMBER}/{name}"
        self.hub.api.create_repo(full_name, exist_ok=True)
        return full_name

    def random_file(self, name: str, size: int) -> Path:
        """A file of `size` random bytes that no server has seen."""
        path = self.folder / name
        with path.open("wb") as file:
            for start in range(0, size, MIB):
                file.write(os.urandom(min(MIB, size - start)))
        return path


Suite = Callable[[Bench], Iterator[Measurement]]


@dataclass(frozen=True, slots=True)
class Load:
    """Medians over rounds of one plan of calls."""

    server_ms: float  # web process CPU per call
    worker_ms: float
    client_ms: float
    latency_ms: float  # median over all calls
    received: int
    wall_s: float
    server_s: float

    def detail(self) -> dict[str, float]:
        return {name: getattr(self, name) for name in self.__slots__}


def loaded(
    hub: Hub, calls: list[Call], *, rounds: int = ROUNDS, warm: int = 50, connections: int = 1
) -> Load:
    """Play the calls in rounds against the hub. Raises when one is not answered with 2xx."""
    play(hub.url, calls[:warm])
    plans = [_one_round(hub, calls, connections) for _ in range(rounds)]
    seen = [plan[0] for plan in plans]
    each = len(calls)
    return Load(
        server_ms=median(cpu["web"] for _, cpu in plans) * 1000 / each,
        worker_ms=median(cpu.get("worker", 0.0) for _, cpu in plans) * 1000 / each,
        client_ms=median(one.cpu_s for one in seen) * 1000 / each,
        latency_ms=median(ms for one in seen for ms in one.latencies_ms),
        received=seen[0].received,
        wall_s=median(one.wall_s for one in seen),
        server_s=median(cpu["web"] for _, cpu in plans),
    )


def _one_round(hub: Hub, calls: list[Call], connections: int) -> tuple[Seen, dict[str, float]]:
    with measured(hub.pids()) as cost:
        seen = play(hub.url, calls, connections=connections)
    refused = {status: count for status, count in seen.statuses.items() if status[0] != "2"}
    if refused:
        raise RuntimeError(f"{calls[0].method} {calls[0].path} … answered {refused}")
    return seen, cost.cpu_s
