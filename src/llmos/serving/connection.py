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
from django.utils.translation import gettext_noop

from llmos.serving.errors import EngineFailed, EngineSilent
from llmos.store.threads import page_text as _

_READ = 2**16  # bytes
_CONNECTING = 5.0  # seconds
_BROKEN = gettext_noop(
    "The engine ended in the middle of its answer; the next request starts another"
)
Event = Any  # of h11, or its mark that more data is needed


@dataclass(slots=True)
class EngineAnswer:
    """The status is known; the body comes."""

    status: int
    _line: "_Line"

    async def pieces(self) -> AsyncIterator[bytes]:
        """What arrived together comes as one piece.

        Raises EngineFailed when the engine ends in the middle, EngineSilent when it hangs.
        """
        while True:
            event = await self._line.next_event()
            parts = []
            while isinstance(event, h11.Data):
                parts.append(bytes(event.data))
                event = self._line.event_at_hand()
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
        raise EngineFailed(_("The engine of this model cannot be reached; try again")) from error
    line = _Line(reader, writer.transport, seconds)
    try:
        writer.write(_request(line.connection, place, path, body, key))
        event = await line.next_event()
        while isinstance(event, h11.InformationalResponse):
            event = await line.next_event()
        if not isinstance(event, h11.Response):
            raise EngineFailed(_("The engine ended before its answer"))
        yield EngineAnswer(event.status_code, line)
    finally:
        line.close()


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


class _Line:
    """An open connection, and the patience of whoever waits for the next piece.

    One timer for all pieces: a timeout around each read takes as long as the read.
    """

    def __init__(
        self, reader: asyncio.StreamReader, transport: asyncio.WriteTransport, seconds: float
    ) -> None:
        self.connection = h11.Connection(h11.CLIENT)
        self._reader, self._transport, self._seconds = reader, transport, seconds
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._loop.time()
        self._is_late = False
        self._timer = self._loop.call_later(seconds, self._look)

    async def next_event(self) -> Event:
        """Raises EngineSilent, EngineFailed."""
        while True:
            event = self.event_at_hand()
            if event is not h11.NEED_DATA:
                return event
            try:
                received = await self._reader.read(_READ)
                self._heard_at = self._loop.time()
                if self._is_late:
                    raise EngineSilent(
                        _("The engine said nothing for %(n)d seconds") % {"n": self._seconds}
                    )
                self.connection.receive_data(received)
            except (OSError, h11.RemoteProtocolError) as error:
                raise EngineFailed(_(_BROKEN)) from error

    def event_at_hand(self) -> Event:
        """What was received already, or NEED_DATA. Raises EngineFailed."""
        try:
            event = self.connection.next_event()
        except h11.RemoteProtocolError as error:
            raise EngineFailed(_(_BROKEN)) from error
        if isinstance(event, h11.ConnectionClosed):
            raise EngineFailed(_(_BROKEN))
        return event

    def close(self) -> None:
        """At once, so that an engine whose answer nobody wants stops making it."""
        self._timer.cancel()
        self._transport.abort()

    def _look(self) -> None:
        left = self._heard_at + self._seconds - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
            return
        self._is_late = True
        self._transport.abort()  # ends the read that waits
