"""Starting, watching and ending a hub."""

import json
import os
import signal
import socket
import time
import urllib.request
from pathlib import Path

import psutil
import pytest
from tests.cli.terminal import Terminal


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/api/health", timeout=30) as answer:
            return bool(json.load(answer)["status"] == "ok")
    except OSError:
        return False


def _wait_until(holds: object, *, seconds: float = 60) -> None:
    assert callable(holds)
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def _is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_the_first_start_prints_address_sign_in_link_and_endpoint(first_up: Terminal) -> None:
    url = first_up.url()

    assert _healthy(url)
    assert f"export HF_ENDPOINT={url}\n" in first_up.printed
    assert first_up.wait_for(r"Sign in\s+(\S+)").startswith(f"{url}/accounts/link/")
    assert "Traceback" not in first_up.printed


def test_a_usual_start_prints_the_link_until_an_administrator_can_sign_in(
    first_up: Terminal, terminals: list[Terminal]
) -> None:
    first_up.end()
    again = Terminal(first_up.home, "--no-demo", "--port", "0")
    terminals.append(again)

    again.url()

    assert "Sign in" in again.printed


def test_a_second_start_on_the_same_home_is_refused_with_the_address(up: Terminal) -> None:
    second = Terminal(up.home, "--port", "0")

    assert second.process.wait(timeout=20) == 1
    second.wait_for(rf"already runs on .* at {up.url()} \(process {up.process.pid}\)")
    assert "Traceback" not in second.printed


def test_a_start_takes_over_from_a_hub_that_was_killed_and_not_yet_reaped(
    up: Terminal, terminals: list[Terminal]
) -> None:
    up.process.kill()
    while psutil.Process(up.process.pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    again = Terminal(up.home, "--no-demo", "--port", "0")
    terminals.append(again)

    again.url()


def test_a_taken_port_is_refused_by_name(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = Terminal(tmp_path / "home", "--port", str(port))

        assert refused.process.wait(timeout=20) == 1
    refused.wait_for(f"Cannot listen on 127.0.0.1:{port}")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_process(up: Terminal, number: signal.Signals) -> None:
    _wait_until(lambda: len(up.children()) == 3)
    children = up.children()

    assert up.end(number) == 0

    assert all(_is_gone(pid) for pid in children)
    assert not (up.home / "run" / "address.json").exists()
    assert "Traceback" not in up.printed


def test_children_end_when_the_parent_is_killed_and_the_next_start_waits_for_them(
    up: Terminal, terminals: list[Terminal]
) -> None:
    _wait_until(lambda: len(up.children()) == 3)
    children = up.children()

    up.end(signal.SIGKILL)
    again = Terminal(up.home, "--no-demo", "--port", "0")
    terminals.append(again)
    again.url()

    assert all(_is_gone(pid) for pid in children)


def test_a_killed_web_process_is_started_again(up: Terminal) -> None:
    url = up.url()
    first = json.loads((up.home / "run" / "address.json").read_text())["web_pid"]

    os.kill(first, signal.SIGKILL)
    up.wait_for(r"web ended with status -9; starting it again")

    _wait_until(lambda: _healthy(url))
    assert json.loads((up.home / "run" / "address.json").read_text())["web_pid"] != first


def test_a_killed_worker_is_started_again(up: Terminal) -> None:
    _wait_until(lambda: len(up.children()) == 3)
    web = json.loads((up.home / "run" / "address.json").read_text())["web_pid"]
    killed = min(up.children() - {web})

    os.kill(killed, signal.SIGKILL)
    up.wait_for(r"(worker|runner) ended with status -9; starting it again")

    _wait_until(lambda: len(up.children()) == 3)


@pytest.mark.parametrize("after", [0.3, 0.6, 0.9])
def test_a_first_start_that_was_killed_is_completed_by_the_next(
    tmp_path: Path, terminals: list[Terminal], after: float
) -> None:
    killed = Terminal(tmp_path / "home", "--no-demo", "--port", "0")
    time.sleep(after)
    killed.end(signal.SIGKILL)

    again = Terminal(tmp_path / "home", "--no-demo", "--port", "0")
    terminals.append(again)

    assert _healthy(again.url())
    assert "Sign in" in again.printed


def test_a_misspelt_section_is_refused_before_anything_starts(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "llmos.toml").write_text("[sever]\nport = 1\n")

    refused = Terminal(home)

    assert refused.process.wait(timeout=20) == 1
    refused.wait_for(r"there is no section \[sever\]")
