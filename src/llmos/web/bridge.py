"""The bridge: Django's synchronous handler inside the ASGI process, one thread hop a request.

Django's own ASGI handler costs nine times as much a request and holds file bodies in
memory; here a kept thread runs the same middleware and views as under WSGI. Bodies are
spooled to a temporary file above 1 MiB; async iterators of streaming responses are
consumed on the loop, so server-sent events work.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries
from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from starlette.types import Message, Receive, Scope, Send

from llmos.store.threads import in_thread

SPOOL_BYTES = 2**20
FORM_LIMIT_BYTES = 128 * 2**20  # pages take forms; larger files go through the upload endpoint
PIECES_A_HOP = 16  # pieces of a sync stream fetched for each trip to the pool

# Connections live as long as their thread; each hop checks them, so Django need not.
request_started.disconnect(close_old_connections)
request_started.disconnect(reset_queries)
request_finished.disconnect(close_old_connections)


class BodyTooLarge(Exception):
    """The form is over the limit."""


class Bridge:
    """An ASGI application that answers with Django."""

    def __init__(self) -> None:
        self._handler = WSGIHandler()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES) as body:
            try:
                size = await _spool(receive, body)
            except BodyTooLarge:
                limit = FORM_LIMIT_BYTES // 2**20
                await _send(HttpResponse(f"A form may hold {limit} MiB", status=413), scope, send)
                return
            except ConnectionResetError:
                return
            response = await in_thread(self._respond, _environ(scope, body, size))
            try:
                sending = _send(response, scope, send)
                if getattr(response, "is_async", False):
                    sending = _unless_gone(sending, receive)
                await sending
            finally:
                await in_thread(response.close)

    def _respond(self, environ: dict[str, Any]) -> HttpResponseBase:
        request_started.send(sender=type(self), environ=environ)
        response: HttpResponseBase = self._handler.get_response(WSGIRequest(environ))
        if not response.streaming and isinstance(response, HttpResponse):
            response.content  # noqa: B018 - renders lazily built content here, not on the loop
        return response


async def _spool(receive: Receive, body: IO[bytes]) -> int:
    size = 0
    too_large = False
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        piece = message.get("body", b"")
        size += len(piece)
        too_large = too_large or size > FORM_LIMIT_BYTES
        if not too_large:
            body.write(piece)
        if not message.get("more_body", False):
            break
    if too_large:
        raise BodyTooLarge
    body.seek(0)
    return size


def _environ(scope: Scope, body: IO[bytes], size: int) -> dict[str, Any]:
    """The WSGI environment of an ASGI scope (PEP 3333)."""
    server = scope.get("server") or ("localhost", 80)
    client = scope.get("client") or ("127.0.0.1", 0)
    raw_path = scope.get("raw_path") or scope["path"].encode()
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(raw_path.split(b"?")[0]).decode("latin-1"),
        "RAW_PATH": raw_path.decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": str(server[0]),
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": str(client[0]),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").upper().replace("-", "_")
        value = raw_value.decode("latin-1")
        key = name if name == "CONTENT_TYPE" else f"HTTP_{name}"
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    environ["CONTENT_LENGTH"] = str(size)
    return environ


async def _send(response: HttpResponseBase, scope: Scope, send: Send) -> None:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.items()
    ]
    headers += [
        (b"set-cookie", morsel.OutputString().encode("latin-1"))
        for morsel in response.cookies.values()
    ]
    if isinstance(response, HttpResponse) and not response.has_header("Content-Length"):
        headers.append((b"content-length", str(len(response.content)).encode()))
    await send({"type": "http.response.start", "status": response.status_code, "headers": headers})
    if scope["method"] == "HEAD":
        await send(_piece(b"", more=False))
        return
    if isinstance(response, StreamingHttpResponse):
        async for piece in _pieces(response):
            await send(_piece(piece, more=True))
        await send(_piece(b"", more=False))
    else:
        await send(_piece(response.content, more=False))  # type: ignore[attr-defined]  # not streaming


async def _unless_gone(sending: Coroutine[Any, Any, None], receive: Receive) -> None:
    """Send until done or until the client goes: work that nobody waits for is cancelled."""
    sent = asyncio.ensure_future(sending)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({sent, gone}, return_when=asyncio.FIRST_COMPLETED)
        if sent.done():
            await sent
    finally:
        for task in (sent, gone):
            task.cancel()
        await asyncio.gather(sent, gone, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}


async def _pieces(response: StreamingHttpResponse) -> AsyncIterator[bytes]:
    if response.is_async:
        async for piece in response:
            yield bytes(piece)
        return
    iterator = iter(response)
    take: Callable[[], list[bytes]] = lambda: _take(iterator)  # noqa: E731 - one hop, named
    while batch := await in_thread(take):
        for piece in batch:
            yield piece
        await asyncio.sleep(0)


def _take(iterator: Iterable[Any]) -> list[bytes]:
    batch: list[bytes] = []
    for piece in iterator:
        batch.append(bytes(piece))
        if len(batch) == PIECES_A_HOP:
            break
    return batch
