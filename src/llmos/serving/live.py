"""Work on an engine as a stream of what happens: waiting, pieces of text, the end.

A page's view hands the stream to the client; when the client goes the work is cancelled, which
also stops the engine. Runs on the event loop.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from llmos.kit.errors import Broken, Refusal
from llmos.store.threads import page_text as _

T = TypeVar("T")
Say = Callable[[str], None]  # a piece of text, as soon as it is there

logger = logging.getLogger(__name__)

_TICK = 0.5  # seconds


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing was said for a moment; the engine is loading, thinking, or busy with others."""

    seconds: float
    is_loading: bool
    has_begun: bool = False  # to speak: then this only tells that the line still stands


@dataclass(frozen=True, slots=True)
class Piece:
    text: str


@dataclass(frozen=True, slots=True)
class Over(Generic[T]):
    result: T


async def happenings(
    work: Callable[[Say], Awaitable[T]], *, is_loading: Callable[[], bool]
) -> AsyncIterator[Waiting | Piece | Over[T]]:
    """What happens while `work` runs, its result last. Raises what it raises."""
    said: asyncio.Queue[str | None] = asyncio.Queue()
    begun = time.monotonic()
    running = asyncio.ensure_future(work(said.put_nowait))
    running.add_done_callback(lambda _done: said.put_nowait(None))
    silent = True
    try:
        while True:
            try:
                async with asyncio.timeout(_TICK):
                    piece = await said.get()
            except TimeoutError:
                yield Waiting(time.monotonic() - begun, silent and is_loading(), not silent)
                continue
            if piece is None:
                break
            silent = False
            yield Piece(piece + _at_once(said))
        yield Over(await _in_words(running))
    finally:
        if not running.done():
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


async def _in_words(running: "asyncio.Future[T]") -> T:
    """Raises its refusals, and Broken for what is a fault of ours."""
    try:
        return await running
    except Refusal:
        raise
    except Exception as error:
        logger.exception("work on an engine failed")
        raise Broken(_("The hub failed on this; its log says why")) from error


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
