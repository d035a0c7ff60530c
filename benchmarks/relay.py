"""A relay in front of the hub that counts what a client really sends."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

PIECE_BYTES = 1 << 18


@dataclass(slots=True)
class Relay:
    url: str
    sent: int = 0  # bytes from clients to the hub, HTTP heads included


@contextmanager
def relayed(port: int) -> Iterator[Relay]:
    """Listen on a free port and pass everything on to `port` and back."""
    door = socket.create_server(("127.0.0.1", 0), backlog=128)
    relay = Relay(f"http://127.0.0.1:{door.getsockname()[1]}")
    threading.Thread(target=_accept, args=(door, port, relay), daemon=True).start()
    try:
        yield relay
    finally:
        door.close()


def _accept(door: socket.socket, port: int, relay: Relay) -> None:
    with suppress(OSError):
        while True:
            client, _ = door.accept()
            server = socket.create_connection(("127.0.0.1", port))
            threading.Thread(target=_pass, args=(client, server, relay), daemon=True).start()
            threading.Thread(target=_pass, args=(server, client, None), daemon=True).start()


def _pass(source: socket.socket, target: socket.socket, relay: Relay | None) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            if relay is not None:
                relay.sent += len(piece)
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
