"""What a process costs: CPU seconds and memory, read from /proc."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import sysconf
from pathlib import Path

TICKS_A_SECOND = sysconf("SC_CLK_TCK")
SAMPLING_SECONDS = 0.02


@dataclass(slots=True)
class Cost:
    """Filled in when the measured block ends; CPU seconds by name of process."""

    wall_s: float = 0.0
    cpu_s: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class Peak:
    """Memory of one process over a block, in MB (10^6 bytes)."""

    before_mb: float = 0.0
    peak_mb: float = 0.0
    peak_private_mb: float = 0.0  # without mapped files, sampled


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and of its ended children (git)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / TICKS_A_SECOND


def memory_mb(pid: int, entry: str = "VmRSS") -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{entry}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise LookupError(entry)


def descendants(pid: int) -> Iterator[int]:
    """The living processes below one process."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield int(child)
            yield from descendants(int(child))


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


@contextmanager
def measured(pids: Mapping[str, int]) -> Iterator[Cost]:
    """Wall time of a block, and the CPU time that each named process spent in it."""
    cost = Cost()
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    start = time.perf_counter()
    yield cost
    cost.wall_s = time.perf_counter() - start
    cost.cpu_s = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}


@contextmanager
def watched(pid: int) -> Iterator[Peak]:
    """The highest memory of a process during a block, as the kernel counted it."""
    peak = Peak(before_mb=memory_mb(pid))
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # forget the peak so far
    ended = threading.Event()

    def sample() -> None:
        while not ended.wait(SAMPLING_SECONDS):
            peak.peak_private_mb = max(peak.peak_private_mb, memory_mb(pid, "RssAnon"))

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield peak
    finally:
        ended.set()
        sampler.join()
        peak.peak_mb = memory_mb(pid, "VmHWM")
