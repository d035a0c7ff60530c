"""The way to an engine, against servers that behave badly on purpose."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import pytest
from tests.conftest import in_a_loop

from llmos.serving.connection import asked
from llmos.serving.errors import EngineFailed, EngineSilent

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def pieces_from(serve: Serve, *, seconds: float = 5) -> list[bytes]:
    """What a client hears of an engine that answers by `serve`."""

    over = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            await serve(reader, writer)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        over.set()

    async def talk() -> list[bytes]:
        async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            base = f"http://127.0.0.1:{port}/v1"
            try:
                async with asked(base, "/x", b"{}", key="k", seconds=seconds) as answer:
                    assert answer.status == 200
                    return [piece async for piece in answer.pieces()]
            finally:
                await over.wait()

    return in_a_loop(talk())


def test_pieces_come_whole_however_they_were_cut() -> None:
    async def in_bits(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for bit in (HEAD[:20], HEAD[20:] + b"5\r\nhel", b"lo\r\n6\r\n world\r\n0\r\n\r\n"):
            writer.write(bit)
            await asyncio.sleep(0.02)

    assert b"".join(pieces_from(in_bits)) == b"hello world"


def test_an_engine_that_hangs_is_given_up() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"5\r\nhello\r\n")
        await reader.read(-1)

    with pytest.raises(EngineSilent):
        pieces_from(silent, seconds=0.2)


def test_an_engine_that_ends_too_early_is_not_taken_for_a_whole_answer() -> None:
    async def short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"5\r\nhel")
        await writer.drain()

    with pytest.raises(EngineFailed):
        pieces_from(short)


def test_what_is_no_http_is_refused() -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello, I am a mail server\r\n\r\n")
        await writer.drain()

    with pytest.raises(EngineFailed):
        pieces_from(babble)


def test_nobody_listening_is_told_at_once() -> None:
    async def talk() -> None:
        async with asked("http://127.0.0.1:9/v1", "/x", b"{}", key="", seconds=5):
            pass

    with pytest.raises(EngineFailed, match="cannot be reached"):
        in_a_loop(talk())
