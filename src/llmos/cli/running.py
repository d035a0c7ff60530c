"""Whether a hub runs on a home, where it answers, and the lock that lets only one run."""

import errno
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from llmos.kit.errors import Conflict
from llmos.kit.files import written_whole
from llmos.kit.home import Home

# Children of a killed hub end within this many seconds; a new start waits for them.
LEFTOVERS_LIMIT = 20.0


@dataclass(frozen=True, slots=True)
class Address:
    """What `llmos up` writes down for other commands while it runs."""

    url: str
    pid: int
    web_pid: int
    version: str


class AlreadyRunning(Conflict):
    """Another `llmos up` holds this home."""


def address_file(home: Home) -> Path:
    return home.run / "address.json"


def running_at(home: Home) -> Address | None:
    """Where the hub of this home answers, or None when none runs."""
    try:
        found = Address(**json.loads(address_file(home).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None
    return found if _is_alive(found.pid) else None


def write_address(home: Home, address: Address) -> None:
    with written_whole(address_file(home)) as file:
        file.write(json.dumps(asdict(address)).encode())


def near(host: str) -> str:
    """How this machine reaches a listener on `host`: a wildcard address is no destination."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # compared only


def local_url(host: str, port: int) -> str:
    """The address of a listener on `host`, for use on this machine."""
    name = near(host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"


@contextmanager
def held(home: Home) -> Iterator[int]:
    """Hold the home for this process and its children; gives the lock's descriptor.

    Raises AlreadyRunning.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(home.lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _take(descriptor, home)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield descriptor
    finally:
        with suppress(FileNotFoundError):
            if _holder(descriptor) == os.getpid():
                address_file(home).unlink()
        os.close(descriptor)


@contextmanager
def maintenance(home: Home) -> Iterator[None]:
    """One of backup and clean-up at a time, while the hub runs. Raises Conflict."""
    home.run.mkdir(parents=True, exist_ok=True)
    with (home.run / "maintenance.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                "Another backup or clean-up of this home is under way; wait for it to end."
            ) from None
        yield


def _take(descriptor: int, home: Home) -> None:
    deadline = time.monotonic() + LEFTOVERS_LIMIT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise
        else:
            return
        pid = _holder(descriptor)
        if _is_alive(pid) or time.monotonic() > deadline:
            address = running_at(home)
            place = f" at {address.url}" if address else ""
            raise AlreadyRunning(
                f"LLMOS already runs on {home.root}{place} (process {pid}). "
                "Stop it first, or choose another folder with --home."
            )
        time.sleep(0.05)


def _holder(descriptor: int) -> int:
    text = os.pread(descriptor, 32, 0).decode(errors="replace")
    return int(text) if text.isdecimal() else 0


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        # Killed, and only not yet taken note of by its parent.
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
