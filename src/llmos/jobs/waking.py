"""A datagram that wakes the runner, so that a filed job starts at once."""

import socket
from contextlib import suppress
from pathlib import Path

from llmos.kit.home import home_from_environment


def wake_path() -> Path:
    return home_from_environment().run / "runner.sock"


def wake_runner() -> None:
    """Without a runner nothing happens; it looks by itself when it starts."""
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as wire:
        wire.setblocking(False)
        wire.sendto(b"\0", str(wake_path()))
