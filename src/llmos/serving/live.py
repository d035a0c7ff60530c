"""Work on an engine as a stream of what happens: waiting, pieces of text, the end.

A page's view hands the stream to the client; when the client goes the work is cancelled, which
also stops the engine. Runs on the event loop.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
Say = Callable[[str], None]  # a piece of text, as soon as it is there

_TICK = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing was said yet; the engine is loading, or busy with others."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Piece:
    text: str


@dataclass(frozen=True, slots=True)
class Over(Generic[T]):
    result: T


async def happenings(
    work: Callable[[Say], Awaitable[T]],
) -> AsyncIterator[Waiting | Piece | Over[T]]:
    """What happens while `work` runs, its result last. Raises what it raises."""
    said: asyncio.Queue[str | None] = asyncio.Queue()
    begun = time.monotonic()
    running = asyncio.ensure_future(work(said.put_nowait))
    running.add_done_callback(lambda _: said.put_nowait(None))
    silent = True
    try:
        while True:
            try:
                async with asyncio.timeout(_TICK):
                    piece = await said.get()
            except TimeoutError:
                if silent:
                    yield Waiting(time.monotonic() - begun)
                continue
            if piece is None:
                break
            silent = False
            yield Piece(piece + _at_once(said))
        yield Over(await running)
    finally:
        if not running.done():
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def _at_once(said: "asyncio.Queue[str | None]") -> str:
    """What lies ready behind a piece: a slow client gets fewer, longer ones."""
    more = ""
    while not said.empty():
        piece = said.get_nowait()
        if piece is None:
            said.put_nowait(None)
            break
        more += piece
    return more
