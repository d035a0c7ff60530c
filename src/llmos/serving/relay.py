"""Answers that pass through: piece by piece to a client, and to an end as soon as she goes.

Plain ASGI, since pieces are tokens: each costs one read, one write, and no framework.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from llmos.kit.errors import Broken, Refusal
from llmos.serving.sse import event

logger = logging.getLogger(__name__)
T = TypeVar("T")

_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {"RepoNotFound": "model_not_found", "Unauthorized": "invalid_api_key"}
_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Relayed(Response):
    """A stream of events. What was `opened` for it is closed with it, however it ends.

    A refusal in mid-stream becomes a last event, `{"error": …}`, without `[DONE]`.
    """

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        *,
        failure: Callable[[Refusal], dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(media_type="text/event-stream", headers=_HEADERS)
        del self.headers["content-length"]
        self._pieces, self._failure = pieces, failure or (lambda refusal: {"error": told(refusal)})
        self.opened = AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pump = asyncio.ensure_future(self._pump(send))
        gone = asyncio.ensure_future(_gone(receive))
        try:
            await asyncio.wait({pump, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _ended(pump, gone)
            await self.opened.aclose()

    async def _pump(self, send: Send) -> None:
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        try:
            async for piece in self._pieces:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except Exception as error:  # noqa: BLE001 - the door of a stream: logged, and told
            last = event(self._failure(_refusal(error)))
            await send({"type": "http.response.body", "body": last, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _refusal(error: Exception) -> Refusal:
    if isinstance(error, Refusal):
        return error
    logger.error("a stream failed", exc_info=error)
    return Broken("The hub failed in the middle of this answer; its log says why")


def told(refusal: Refusal) -> dict[str, Any]:
    """A refusal as OpenAI's clients read it."""
    kind = _KINDS.get(refusal.status) or (
        "server_error" if refusal.status >= 500 else "invalid_request_error"
    )
    code = _CODES.get(refusal.code, refusal.code)
    return {
        "message": refusal.message,
        "type": kind,
        "param": refusal.data.get("param"),
        "code": code,
    }


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled when the client goes. Raises ClientDisconnect.

    To be called once the body was read.
    """
    doing = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request.receive))
    try:
        await asyncio.wait({doing, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not doing.done():
            raise ClientDisconnect
        return doing.result()
    finally:
        await _ended(doing, gone)


async def together(works: Sequence[Awaitable[T]]) -> list[T]:
    """All results; when one fails, the others end and its refusal is raised."""
    doing = [asyncio.ensure_future(work) for work in works]
    try:
        return list(await asyncio.gather(*doing))
    finally:
        await _ended(*doing)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _ended(*tasks: "asyncio.Future[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
