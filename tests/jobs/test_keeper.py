"""The keeper holds a process to its limits, hears it, and knows how it ended."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import pytest

from llmos.jobs import keeper, limits
from llmos.jobs.keeper import Terms
from llmos.jobs.limits import ControlGroup, Limits, parent_group

MIB = 2**20
ROOMY = Limits(memory=2048 * MIB, processes=64, seconds=60, cores=1)


class Kept:
    """A keeper that runs a Python script in a folder of its own."""

    def __init__(self, folder: Path, script: str, limits: Limits = ROOMY, **terms: Any) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        said = json.dumps(asdict(Terms(terms.pop("attempt", 1), limits, **terms)))
        command = [sys.executable, "-u", "-c", script]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "llmos.jobs.keeper", str(folder), said, *command],
            pass_fds=[terms["lifeline"]] if "lifeline" in terms else [],
            stderr=subprocess.PIPE,
        )

    def over(self) -> dict[str, Any]:
        _, complaints = self.process.communicate(timeout=60)
        assert self.process.returncode == 0, complaints.decode()
        found: dict[str, Any] = json.loads((self.folder / "exit.json").read_text())
        return found

    def events(self) -> list[dict[str, Any]]:
        lines = (self.folder / "stream.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def log(self) -> list[str]:
        return [event["text"] for event in self.events() if event["event"] == "log"]

    def wait_for_log(self, word: str) -> None:
        deadline = time.monotonic() + 20
        while not (self.folder / "stream.jsonl").exists() or word not in self.log():
            assert time.monotonic() < deadline
            time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_lines_become_events_with_their_time(tmp_path: Path) -> None:
    script = r"""
import sys
print("a word of 中文")
print('\x1e{"event": "step", "step": 1}')
print('\x1e{"event": "refused"}')
print('\x1ebroken')
sys.stdout.buffer.write(b"\xff no utf-8\n")
print("the last line has no end", end="")
"""
    kept = Kept(tmp_path, script)
    assert kept.over() | {"at": ""} == {"attempt": 1, "code": 0, "ended_by": "", "at": ""}
    first, *said = kept.events()
    assert (first["event"], first["number"]) == ("attempt", 1)
    assert [event["event"] for event in said] == ["log", "step", "log", "log", "log", "log"]
    assert said[0]["text"] == "a word of 中文"
    assert said[-1]["text"] == "the last line has no end"
    assert all(event["at"].endswith("Z") for event in said)


def test_a_job_that_uses_too_much_memory_is_ended_and_says_so(tmp_path: Path) -> None:
    # Several workers, each within the limit of a process, are over it together.
    script = (
        "import subprocess, sys, time\n"
        "one = 'x = b\"x\" * 60_000_000; import time; time.sleep(60)'\n"
        "[subprocess.Popen([sys.executable, '-c', one]) for _ in range(4)]\ntime.sleep(60)"
    )
    kept = Kept(tmp_path, script, Limits(150 * MIB, 64, 60, 1))
    assert kept.over()["ended_by"] == "memory"


def test_an_allocation_over_the_limit_fails_in_the_job_which_can_say_so(tmp_path: Path) -> None:
    script = "try:\n    bytes(900_000_000)\nexcept MemoryError:\n    print('no memory')"
    kept = Kept(tmp_path, script, Limits(500 * MIB, 64, 60, 1))
    assert kept.over()["code"] == 0
    assert kept.log() == ["no memory"]


def test_a_job_that_starts_too_many_processes_is_ended_with_all_of_them(tmp_path: Path) -> None:
    script = (
        "import os, time\n"
        "for _ in range(60):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid()\n"
        "        time.sleep(600)\n"
        "        os._exit(0)\n"
        "print('forked'); time.sleep(600)"
    )
    kept = Kept(tmp_path, script, Limits(2048 * MIB, 20, 60, 1))
    kept.wait_for_log("forked")
    children = psutil.Process(kept.process.pid).children(recursive=True)
    assert kept.over()["ended_by"] == "processes"
    assert not any(is_alive(child.pid) for child in children)


def test_a_job_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    kept = Kept(tmp_path, "import time; time.sleep(60)", Limits(512 * MIB, 8, 0.5, 1))
    assert kept.over()["ended_by"] == "time"


def test_cancel_ends_a_job_that_ignores_it_and_a_daemon_it_left(tmp_path: Path) -> None:
    script = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork(): os._exit(0)\n"
        "    print('daemon', os.getpid()); time.sleep(600)\n"
        "time.sleep(0.5); print('ready'); time.sleep(600)"
    )
    kept = Kept(tmp_path, script)
    kept.wait_for_log("ready")
    daemon = int(next(line for line in kept.log() if "daemon" in line).split()[1])
    asked = time.monotonic()
    kept.process.send_signal(signal.SIGTERM)
    assert kept.over()["ended_by"] == "cancel"
    assert time.monotonic() - asked < keeper.GRACE + 5
    assert not is_alive(daemon)


def test_what_a_job_leaves_running_ends_with_it(tmp_path: Path) -> None:
    script = (
        "import subprocess, sys\n"
        "left = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(left.pid)"
    )
    kept = Kept(tmp_path, script)
    assert kept.over()["code"] == 0
    assert not is_alive(int(kept.log()[0]))


def test_a_flood_of_lines_is_cut_and_events_still_come_through(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "line = 'x' * 99_999 + '\\n'\n"
        f"for _ in range({keeper.LARGEST_LOG // 100_000 + 50}): sys.stdout.write(line)\n"
        'print(\'\\x1e{"event": "output", "files": {}}\')'
    )
    kept = Kept(tmp_path, script)
    assert kept.over()["code"] == 0
    assert (tmp_path / "stream.jsonl").stat().st_size < keeper.LARGEST_LOG * 1.1
    assert "what follows of it is not kept" in kept.log()[-1]
    assert kept.events()[-1]["event"] == "output"


def test_the_end_of_the_hub_ends_the_job_and_notes_no_end(tmp_path: Path) -> None:
    lifeline, hub = os.pipe()
    kept = Kept(tmp_path, "import time; print('up'); time.sleep(600)", lifeline=lifeline)
    os.close(lifeline)
    kept.wait_for_log("up")
    child = psutil.Process(kept.process.pid).children(recursive=True)[-1]
    os.close(hub)
    kept.process.communicate(timeout=20)
    assert not is_alive(child.pid)
    assert not (tmp_path / "exit.json").exists()


def test_the_last_words_find_room_on_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    mounted = subprocess.run(mount, capture_output=True)
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a small file system: {mounted.stderr.decode()}")
    try:
        script = (
            "import sys\n"
            "try:\n"
            "    with open('checkpoint', 'wb', buffering=0) as file:\n"
            "        while True: file.write(bytes(4096))\n"
            "except OSError as error:\n"
            '    print(\'\\x1e{"event": "refused", "code": "x", "text": "disk full"}\')\n'
            "    sys.exit(2)"
        )
        kept = Kept(disk / "job", script)
        assert kept.over()["code"] == 2
        assert kept.events()[-1]["text"] == "disk full"
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_usage_is_told_while_the_job_runs(tmp_path: Path) -> None:
    kept = Kept(
        tmp_path, "import time; print('up', flush=True)\nwhile time.process_time() < 2.5: pass"
    )
    kept.over()
    use = json.loads((tmp_path / "usage.json").read_text())
    assert use["cpu_seconds"] > 0.5
    assert use["peak_memory_bytes"] > MIB
    assert use["attempt"] == 1


def test_a_line_that_a_power_cut_left_is_closed(tmp_path: Path) -> None:
    (tmp_path / "stream.jsonl").write_text('{"event": "log", "te')
    kept = Kept(tmp_path, "print('again')", attempt=2)
    kept.over()
    lines = (tmp_path / "stream.jsonl").read_text().splitlines()
    assert lines[0] == '{"event": "log", "te'
    assert [json.loads(line)["event"] for line in lines[1:]] == ["attempt", "log"]


def test_a_control_group_gets_the_limits_and_the_job(tmp_path: Path) -> None:
    """On a folder that stands for the kernel's: this machine need not have handed us one."""
    (tmp_path / "cgroup.subtree_control").write_text("cpu memory pids\n")
    assert parent_group(str(tmp_path)) == str(tmp_path)
    folder = tmp_path / "parent"
    folder.mkdir()
    held = Limits(100 * MIB, 16, 60, 1, cgroup=str(folder))
    group = ControlGroup(folder / "llmos-x", held)
    assert (group.folder / "memory.max").read_text() == str(100 * MIB)
    assert (group.folder / "pids.max").read_text() == "16"
    done = subprocess.run(
        limits.limited([sys.executable, "-c", "import os; print(os.getpid())"], held, group),
        capture_output=True,
        text=True,
    )
    assert (group.folder / "cgroup.procs").read_text() == done.stdout
    assert not group.has_run_out_of_memory()
    (group.folder / "memory.events").write_text("low 0\noom 1\noom_kill 1\n")
    assert group.has_run_out_of_memory()


def test_without_a_delegated_group_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "cgroup.subtree_control").write_text("cpu pids\n")
    assert parent_group(str(tmp_path)) == ""
    assert parent_group(str(tmp_path / "none")) == ""
