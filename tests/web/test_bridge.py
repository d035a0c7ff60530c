"""Django behind the bridge answers as it does under WSGI, and streams."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.test import override_settings
from django.urls import path
from starlette.types import Message
from tests.conftest import in_a_loop

from llmos.web.bridge import FORM_LIMIT_BYTES, Bridge

# A thread of the pool looks at its connection first, if an earlier test left it one.
pytestmark = pytest.mark.django_db


def echo(request: HttpRequest, word: str) -> HttpResponse:
    response = HttpResponse(f"{request.method} {word} {request.GET.get('q', '')} ".encode())
    response.write(request.body[:10] + str(len(request.body)).encode())
    response.set_cookie("a", "1")
    response.set_cookie("b", "2")
    return response


def counted(request: HttpRequest) -> StreamingHttpResponse:
    def numbers() -> Iterator[bytes]:
        for number in range(40):
            yield b"%d " % number

    return StreamingHttpResponse(numbers())


def told(request: HttpRequest) -> StreamingHttpResponse:
    async def events() -> AsyncIterator[bytes]:
        for number in range(3):
            await asyncio.sleep(0)
            yield b"data: %d\n\n" % number

    return StreamingHttpResponse(events(), content_type="text/event-stream")


ended: list[bool] = []


def endless(request: HttpRequest) -> StreamingHttpResponse:
    async def events() -> AsyncIterator[bytes]:
        try:
            while True:
                await asyncio.sleep(0.001)
                yield b"data\n\n"
        finally:
            ended.append(True)

    return StreamingHttpResponse(events(), content_type="text/event-stream")


urlpatterns = [
    path("echo/<str:word>", echo),
    path("counted", counted),
    path("told", told),
    path("endless", endless),
]


def ask(
    method: str, target: str, *body: bytes, leaves_after: int = 1000
) -> tuple[dict[str, Any], bytes]:
    """One request through the bridge: the start message and the whole body.

    The client goes when it has heard so many messages.
    """
    raw_path, _, query = target.partition("?")
    scope = {
        "type": "http",
        "method": method,
        "path": raw_path,
        "raw_path": raw_path.encode(),
        "query_string": query.encode(),
        "http_version": "1.1",
        "scheme": "http",
        "headers": [(b"host", b"localhost"), (b"content-type", b"application/octet-stream")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    pieces = body or (b"",)
    incoming = [
        {"type": "http.request", "body": piece, "more_body": index < len(pieces) - 1}
        for index, piece in enumerate(pieces)
    ]
    sent: list[Message] = []
    staying = asyncio.Event()

    async def receive() -> Message:
        if not incoming:
            await staying.wait()  # as a client does until it has heard everything
        return incoming.pop(0) if incoming else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        if len(sent) > leaves_after:
            staying.set()

    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        in_a_loop(Bridge()(scope, receive, send))
    return dict(sent[0]), b"".join(message.get("body", b"") for message in sent[1:])


def test_a_view_gets_method_path_query_and_body() -> None:
    start, body = ask("POST", "/echo/%E6%A8%A1%E5%9E%8B?q=x%20y", b"hello ", b"world")

    assert start["status"] == 200
    assert body.decode() == "POST 模型 x y hello worl11"


def test_each_cookie_has_a_header_of_its_own() -> None:
    start, _ = ask("GET", "/echo/a")

    assert [name for name, _ in start["headers"]].count(b"set-cookie") == 2


def test_head_has_headers_and_no_body() -> None:
    start, body = ask("HEAD", "/echo/a")

    assert start["status"] == 200
    assert body == b""


def test_a_synchronous_stream_arrives_whole() -> None:
    _, body = ask("GET", "/counted")

    assert body.split() == [b"%d" % number for number in range(40)]


def test_server_sent_events_run_on_the_loop() -> None:
    _, body = ask("GET", "/told")

    assert body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"


def test_a_stream_ends_when_its_client_goes() -> None:
    start, body = ask("GET", "/endless", leaves_after=5)

    assert start["status"] == 200
    assert body.startswith(b"data\n\n")
    assert ended == [True]


def test_a_form_over_the_limit_is_refused_with_the_limit() -> None:
    piece = b"x" * 2**23
    start, body = ask("POST", "/echo/a", *[piece] * (FORM_LIMIT_BYTES // len(piece) + 1))

    assert start["status"] == 413
    assert b"128 MiB" in body


def test_a_client_that_leaves_in_mid_body_costs_no_view() -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        pytest.fail("nobody is there to hear")

    in_a_loop(Bridge()({"type": "http", "method": "POST"}, receive, send))
