"""What a piece of work cost: processor time, memory at its peak, energy and how that is known."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

# Watts that one busy core of a present-day laptop or server takes, with its share of the rest.
WATTS_PER_CORE = 8.0
WATTS_PER_GPU = 350.0  # of one for computing centres, busy half of the time
SAMPLE_SECONDS = 0.5
RAPL = Path("/sys/class/powercap/intel-rapl:0/energy_uj")


@dataclass(frozen=True, slots=True)
class Cost:
    cpu_seconds: float
    wall_seconds: float
    peak_memory_bytes: int
    energy_wh: float
    energy_method: str
    gpu_seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def sentence(self) -> str:
        """For a terminal: what it cost, on one line."""
        gpu = f", {self.gpu_seconds:.1f} GPU-seconds" if self.gpu_seconds else ""
        return (
            f"Cost: {self.cpu_seconds:.1f} CPU-seconds{gpu}, {self.wall_seconds:.1f} s, "
            f"{self.peak_memory_bytes / 2**20:.0f} MiB at most, "
            f"about {self.energy_wh:.2f} Wh ({self.energy_method})"
        )


class CostMeter:
    """Measures this process and its children from now on."""

    def __init__(self) -> None:
        self._wall, self._cpu, self._energy = time.monotonic(), _cpu_seconds(), _rapl()
        self._peak = 0
        self._ended = threading.Event()

    def cost(self) -> Cost:
        self._look()
        cpu, wall = _cpu_seconds() - self._cpu, time.monotonic() - self._wall
        gpu = wall if _gpu_in_use() else 0.0
        watt_hours, method = self._energy_of(cpu, gpu)
        return Cost(
            cpu_seconds=round(cpu, 2),
            wall_seconds=round(wall, 2),
            peak_memory_bytes=self._peak,
            energy_wh=round(watt_hours, 3),
            energy_method=method,
            gpu_seconds=round(gpu, 2),
        )

    def watch(self) -> None:
        """Look at the memory every half second until `end`."""
        while not self._ended.wait(SAMPLE_SECONDS):
            self._look()

    def end(self) -> None:
        self._ended.set()

    def _look(self) -> None:
        self._peak = max(self._peak, _memory())

    def _energy_of(self, cpu: float, gpu: float) -> tuple[float, str]:
        now = _rapl()
        if now is not None and self._energy is not None and now > self._energy:
            found = (now - self._energy) / 3.6e9
            method = "measured by the processor package (RAPL)"
        else:
            found = cpu * WATTS_PER_CORE / 3600
            method = f"estimated: CPU-seconds × {WATTS_PER_CORE:g} W for a busy core"
        if not gpu:
            return found, method
        return (
            found + gpu * WATTS_PER_GPU / 3600,
            f"{method}, GPU-seconds × {WATTS_PER_GPU:g} W",
        )


@contextmanager
def measured() -> Iterator[CostMeter]:
    meter = CostMeter()
    watcher = threading.Thread(target=meter.watch, daemon=True)
    watcher.start()
    try:
        yield meter
    finally:
        meter.end()
        watcher.join()


def _cpu_seconds() -> float:
    """Of this process, its ended children and those still running."""
    times = os.times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in psutil.Process().children(recursive=True):
        try:
            spent = child.cpu_times()
        except psutil.Error:
            continue
        total += spent.user + spent.system
    return total


def _memory() -> int:
    total = 0
    own = psutil.Process()
    for process in (own, *own.children(recursive=True)):
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total


def _rapl() -> int | None:
    try:
        return int(RAPL.read_text())
    except (OSError, ValueError):
        return None


def _gpu_in_use() -> bool:
    torch = sys.modules.get("torch")
    return bool(torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized())
