"""How a job is held to what it may use: by a cgroup where we may make one, else by watching.

Knows no framework: it lives in the keeper, of which there is one for every job.
"""

import ctypes
import os
import signal
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

CGROUPS = Path("/sys/fs/cgroup")
GPU = Path("/dev/nvidiactl")  # there where the driver of a GPU is
PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
ROUNDS = 50  # of killing what is left

# Core dumps help nobody here; and memory that is refused can be told in words by whoever asked
# for it, while a process that is killed says nothing.
_WITH_LIMITS = 'ulimit -c 0; ulimit -d "$1" 2>/dev/null; shift; exec "$@"'
_IN_GROUP = '{ echo $$ > "$0"; } 2>/dev/null; ' + _WITH_LIMITS


@dataclass(frozen=True, slots=True)
class Limits:
    memory: int  # bytes
    processes: int
    seconds: float
    cores: int
    cgroup: str = ""  # folder in which the job gets a group of its own


@dataclass(frozen=True, slots=True)
class Use:
    """What all processes of a job use at this moment; processor time since its start."""

    cpu_seconds: float
    memory: int
    processes: int


class ControlGroup:
    """A cgroup v2 of one job: the kernel keeps its limits, and nothing escapes from it."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        for name, value in (
            ("memory.max", limits.memory),
            ("memory.swap.max", 0),
            ("memory.oom.group", 1),
            ("pids.max", limits.processes),
        ):
            with suppress(OSError):  # a controller that this kernel has not been given
                (folder / name).write_text(str(value))

    def has_run_out_of_memory(self) -> bool:
        with suppress(OSError):
            for line in (self.folder / "memory.events").read_text().splitlines():
                name, _, count = line.partition(" ")
                if name == "oom_kill":
                    return int(count) > 0
        return False

    def remove(self) -> None:
        with suppress(OSError):
            (self.folder / "cgroup.kill").write_text("1")
        for _ in range(ROUNDS):
            try:
                self.folder.rmdir()
            except FileNotFoundError:
                return
            except OSError:  # its last processes are still ending
                time.sleep(0.02)
            else:
                return


def parent_group(configured: str) -> str:
    """The folder in which groups with a memory limit can be made, or ""."""
    folder = Path(configured) if configured else _beside_own_group()
    if folder is None or not os.access(folder, os.W_OK):
        return ""
    try:
        controllers = (folder / "cgroup.subtree_control").read_text().split()
    except OSError:
        return ""
    return str(folder) if "memory" in controllers else ""


def limited(command: list[str], limits: Limits, group: ControlGroup | None) -> list[str]:
    """The command, with its limits set before its first instruction."""
    shell = ["/bin/sh", "-c", _IN_GROUP if group else _WITH_LIMITS]
    place = str(group.folder / "cgroup.procs") if group else "job"
    # A GPU's driver maps far more than it uses: there only the look each second counts.
    data = "unlimited" if GPU.exists() else str(limits.memory // 1024)
    return [*shell, place, data, *command]


def adopt_orphans() -> None:
    """From now on, processes below this one whose parents end become its own children."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def used(main: int) -> Use:
    """By everything below this process; `main` is the child whose end others wait for."""
    times = os.times()
    cpu, private, shared, count = times.children_user + times.children_system, 0, 0, 0
    own = psutil.Process()
    for process in own.children(recursive=True):
        with suppress(psutil.Error):
            if process.status() == psutil.STATUS_ZOMBIE:
                if process.ppid() == own.pid and process.pid != main:
                    os.waitpid(process.pid, os.WNOHANG)
                continue
            spent, memory = process.cpu_times(), process.memory_info()
            cpu += spent.user + spent.system + spent.children_user + spent.children_system
            # Libraries and shared tensors are in memory once, however many have mapped them.
            common = getattr(memory, "shared", 0)
            private += memory.rss - common
            shared = max(shared, common)
            count += 1
    return Use(round(cpu, 2), private + shared, count)


def end_descendants() -> None:
    """End everything below this process; a fork that was under way is met in the next round."""
    for _ in range(ROUNDS):
        left = [p for p in psutil.Process().children(recursive=True) if _is_running(p)]
        if not left:
            return
        for process in left:
            with suppress(psutil.Error):
                process.send_signal(signal.SIGKILL)
        time.sleep(0.02)


def _is_running(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _beside_own_group() -> Path | None:
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            number, _, path = line.partition("::")
            if number == "0" and path.strip("/"):
                return (CGROUPS / path.strip("/")).parent
    return None
