"""One request to an engine, answered piece by piece as the engine makes it.

h11 on plain streams: less than two thirds of what httpx takes for each piece, and pieces are
tokens (docs/decisions/0010-engines.md).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import h11

from llmos.serving.errors import EngineFailed, EngineSilent

_READ = 2**16  # bytes
_CONNECTING = 5.0  # seconds
_BROKEN = "The engine ended in the middle of its answer; the next request starts another"
Event = Any  # of h11, or its mark that more data is needed


@dataclass(slots=True)
class EngineAnswer:
    """The status is known; the body comes. `seconds` is the time between two pieces."""

    status: int
    _reader: asyncio.StreamReader
    _connection: h11.Connection
    _seconds: float

    async def pieces(self) -> AsyncIterator[bytes]:
        """What arrived together comes as one piece.

        Raises EngineFailed when the engine ends in the middle, EngineSilent when it hangs.
        """
        while True:
            event = await _next_event(self._connection, self._reader, self._seconds)
            parts = []
            while isinstance(event, h11.Data):
                parts.append(bytes(event.data))
                event = _event(self._connection)
            if parts:
                yield b"".join(parts)
            if isinstance(event, h11.EndOfMessage):
                return

    async def whole(self) -> bytes:
        return b"".join([piece async for piece in self.pieces()])


@asynccontextmanager
async def asked(
    base: str, path: str, body: bytes, *, key: str, seconds: float
) -> AsyncIterator[EngineAnswer]:
    """Send a request to `base` + `path`; leaving the block ends it, read to the end or not.

    No redirect is followed: only the configured address hears the key. Raises EngineFailed,
    EngineSilent.
    """
    place = urlsplit(base)
    tls = place.scheme == "https"
    try:
        opening = asyncio.open_connection(
            place.hostname, place.port or (443 if tls else 80), ssl=tls or None
        )
        reader, writer = await asyncio.wait_for(opening, _CONNECTING)
    except (OSError, TimeoutError) as error:
        raise EngineFailed("The engine of this model cannot be reached; try again") from error
    try:
        connection = h11.Connection(h11.CLIENT)
        writer.write(_request(connection, place, path, body, key))
        event = await _next_event(connection, reader, seconds)
        while isinstance(event, h11.InformationalResponse):
            event = await _next_event(connection, reader, seconds)
        if not isinstance(event, h11.Response):
            raise EngineFailed("The engine ended before its answer")
        yield EngineAnswer(event.status_code, reader, connection, seconds)
    finally:
        # Closed at once, so that an engine whose answer nobody wants stops making it.
        writer.transport.abort()


def _request(
    connection: h11.Connection, place: SplitResult, path: str, body: bytes, key: str
) -> bytes:
    headers = [
        ("Host", place.netloc.rpartition("@")[2]),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(body))),
        ("Connection", "close"),
    ]
    if key:
        headers.append(("Authorization", f"Bearer {key}"))
    target = f"{place.path.rstrip('/')}{path}"
    head = h11.Request(method="POST", target=target, headers=headers)
    parts = (head, h11.Data(body), h11.EndOfMessage())
    return b"".join(connection.send(part) or b"" for part in parts)


async def _next_event(
    connection: h11.Connection, reader: asyncio.StreamReader, seconds: float
) -> Event:
    while True:
        event = _event(connection)
        if event is not h11.NEED_DATA:
            return event
        try:
            async with asyncio.timeout(seconds):
                received = await reader.read(_READ)
        except TimeoutError as error:
            raise EngineSilent(f"The engine said nothing for {seconds:.0f} seconds") from error
        except OSError as error:
            raise EngineFailed(_BROKEN) from error
        try:
            connection.receive_data(received)
        except h11.RemoteProtocolError as error:
            raise EngineFailed(_BROKEN) from error


def _event(connection: h11.Connection) -> Event:
    try:
        event = connection.next_event()
    except h11.RemoteProtocolError as error:
        raise EngineFailed(_BROKEN) from error
    if isinstance(event, h11.ConnectionClosed):
        raise EngineFailed(_BROKEN)
    return event
