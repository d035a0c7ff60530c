"""The OpenAI shape in front of an engine that has no server of its own; on loopback only.

Beside completions, chat and embeddings there are two calls that OpenAI does not know: `translate`
and `answer`. Only `serving` calls this, with the key it made up for the process.
"""

import asyncio
import hmac
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import orjson
from granian.constants import Interfaces
from granian.server.embed import Server
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.kit.errors import Refusal
from llmos.lab.engines import Engine
from llmos.serving.engine_answers import Answers, Asked, Gone
from llmos.serving.relay import Relayed, unless_gone
from llmos.serving.sse import DONE, event

Call = Callable[[Asked, threading.Event], Any]


async def serve(engine: Engine, *, key: str, name: str, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM; `ready` hears the address once somebody may call it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(
        application(engine, key=key, name=name),
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGI,
        log_access=False,
        log_enabled=False,
        websockets=False,
    )
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, server.stop)
    serving = asyncio.ensure_future(server.serve())
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        ready(f"http://127.0.0.1:{port}")
        break
    await serving


def application(engine: Engine, *, key: str, name: str) -> Starlette:
    """The routes of one engine."""
    answers = Answers(engine, name)
    calls: dict[str, Call] = {
        "/v1/completions": answers.completion,
        "/v1/chat/completions": answers.chat,
        "/v1/embeddings": answers.embedding,
        "/v1/translate": answers.translation,
        "/v1/answer": answers.answer,
    }
    return Starlette(
        routes=[Route(path, _door(call, key), methods=["POST"]) for path, call in calls.items()]
    )


def _door(call: Call, key: str) -> Callable[[Request], Any]:
    async def view(request: Request) -> Response:
        sent = request.headers.get("authorization", "")
        if not hmac.compare_digest(sent.encode(), f"Bearer {key}".encode()):
            return Response(status_code=401)
        asked, gone = orjson.loads(await request.body()), threading.Event()
        try:
            found = await unless_gone(request, _in_pool(partial(call, asked, gone)))
        except (ClientDisconnect, Gone):
            gone.set()
            return Response(status_code=499)
        except Refusal as refusal:
            return _refused(refusal)
        if not isinstance(found, Iterator):
            return Response(orjson.dumps(found), media_type="application/json")
        response = Relayed(_events(found))
        response.opened.callback(gone.set)
        return response

    return view


_POOL = ThreadPoolExecutor(max_workers=32, thread_name_prefix="engine")


async def _in_pool(work: Callable[[], Any]) -> Any:
    return await asyncio.get_running_loop().run_in_executor(_POOL, work)


async def _events(found: Iterator[Asked]) -> AsyncIterator[bytes]:
    """Server-sent events, made in a thread."""
    while (one := await _in_pool(lambda: next(found, None))) is not None:
        yield event(one)
    yield DONE


def _refused(refusal: Refusal) -> Response:
    error = {"message": refusal.message, "type": "invalid_request_error", "code": refusal.code}
    return Response(orjson.dumps({"error": error}), refusal.status, media_type="application/json")
