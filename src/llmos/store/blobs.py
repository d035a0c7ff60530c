"""Large bytes: bodies on their way into files, files by content hash, answers cut from files.

Nothing here holds more than a few MiB of a body. What a file means, and who may have it,
belongs to others.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar
from uuid import uuid4

from django.db import close_old_connections
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from llmos.kit.errors import Invalid, Refusal, TooLarge
from llmos.kit.home import home_from_environment

P = ParamSpec("P")
T = TypeVar("T")

# Each hop to a thread costs about 60 µs, so bytes travel in large pieces; a client may open
# 64 streams of two pieces each, so not in larger ones.
PIECE = 2**20
_MOST_PARTS = 512  # of one vectored write; the kernel takes 1,024
_DRAINED_AT_MOST = 64 * 2**20  # of a body that is refused anyway

# Apart from the kept pool, so that slow disks and long hashing never hold up a page.
_POOL = ThreadPoolExecutor(max_workers=8, thread_name_prefix="llmos-bytes")


class RangeNotSatisfiable(Refusal):
    status = 416
    code = "RangeNotSatisfiable"

    def __init__(self, size: int) -> None:
        super().__init__(f"The file has {size} bytes", headers={"Content-Range": f"bytes */{size}"})


class Truncated(Invalid):
    """The body ended before the length that its header promised."""


@dataclass(frozen=True, slots=True)
class Received:
    """A body that arrived whole; it lies in the uploads folder until moved away."""

    path: Path
    size: int
    sha256: str  # empty unless asked for


async def off_loop(work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Run work on bytes in threads of its own."""

    def call() -> T:
        close_old_connections()
        return work(*args, **kwargs)

    return await asyncio.get_running_loop().run_in_executor(_POOL, call)


def fanned(folder: Path, name: str) -> Path:
    """`folder/<aa>/<name>`: where a file named by its hash lies."""
    return folder / name[:2] / name


def blob_path(sha256: str) -> Path:
    return fanned(home_from_environment().blobs, sha256)


def upload_path() -> Path:
    """A name in the uploads folder that nobody else has."""
    folder = home_from_environment().uploads
    folder.mkdir(parents=True, exist_ok=True)
    return folder / uuid4().hex


@asynccontextmanager
async def received(
    request: Request, *, limit: int, hashed: bool = False
) -> AsyncIterator[Received]:
    """Stream a body of at most `limit` bytes into a synced file; what is not moved is removed.

    Raises TooLarge, Truncated.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        await drain_some(request)
        raise TooLarge(f"The body is {declared} bytes; at most {limit} are allowed")
    path = upload_path()
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        try:
            size, sha256 = await stream_into(descriptor, request, limit=limit, hashed=hashed)
        finally:
            os.close(descriptor)
        yield Received(path=path, size=size, sha256=sha256)
    finally:
        with suppress(FileNotFoundError):
            path.unlink()


async def stream_into(
    descriptor: int, request: Request, *, limit: int, hashed: bool = False, offset: int = 0
) -> tuple[int, str]:
    """Write a body to an open file from `offset` and sync it: (size, sha256 when asked for).

    Raises TooLarge, Truncated.
    """
    digest = hashlib.sha256() if hashed else None
    parts: list[bytes] = []
    size = waiting = 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        waiting += len(part)
        if size > limit:
            await drain_some(request)
            raise TooLarge(f"The body is over {limit} bytes")
        if waiting >= PIECE or len(parts) >= _MOST_PARTS:
            await off_loop(_write, descriptor, parts, offset + size - waiting, digest)
            parts, waiting = [], 0
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) != size:
        raise Truncated(f"The body has {size} of {declared} bytes")
    await off_loop(_finish, descriptor, parts, offset + size - waiting, digest)
    return size, digest.hexdigest() if digest else ""


async def drain_some(request: Request) -> None:
    """Read what is left of a refused body, so that the client hears why; within bounds."""
    left = _DRAINED_AT_MOST
    async for part in request.stream():
        left -= len(part)
        if left < 0:
            return


def _write(
    descriptor: int, parts: list[bytes], offset: int, digest: "hashlib._Hash | None"
) -> None:
    total = sum(map(len, parts))
    written = os.pwritev(descriptor, parts, offset) if total else 0
    if written < total:  # a signal or a nearly full disk cut it short
        rest = memoryview(b"".join(parts))[written:]
        while rest:
            written = os.pwrite(descriptor, rest, offset + total - len(rest))
            rest = rest[written:]
    if digest:
        for part in parts:
            digest.update(part)


def _finish(
    descriptor: int, parts: list[bytes], offset: int, digest: "hashlib._Hash | None"
) -> None:
    _write(descriptor, parts, offset, digest)
    os.fsync(descriptor)


_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def range_of(request: Request, size: int) -> tuple[int, int] | None:
    """The one byte range a request asks for, end exclusive; None means everything.

    Several ranges or another unit are answered whole, as HTTP allows. Raises RangeNotSatisfiable.
    """
    wanted = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if wanted is None or wanted[0] == "bytes=-":
        return None
    first, last = wanted[1], wanted[2]
    if not first:
        start, end = max(0, size - int(last)), size
        if not int(last):
            raise RangeNotSatisfiable(size)
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= size:
        raise RangeNotSatisfiable(size)
    return start, end


def file_pieces(path: Path, start: int, end: int) -> Iterator[bytearray]:
    """A stretch of a file in pieces; the file is opened now, so it may be unlinked meanwhile."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    return _pieces_of(descriptor, start, end)


def _pieces_of(descriptor: int, start: int, end: int) -> Iterator[bytearray]:
    try:
        while start < end:
            piece = bytearray(min(PIECE, end - start))
            count = os.preadv(descriptor, [piece], start)
            if not count:
                raise OSError("a stored file is shorter than it was")
            del piece[count:]
            start += count
            yield piece
    finally:
        os.close(descriptor)


class PiecesResponse(Response):
    """An answer from an iterator of byte pieces, each made in a thread, one ahead of the client.

    `length` is what the pieces add up to; for HEAD nothing is read.
    """

    def __init__(
        self,
        pieces: Iterator[bytes | bytearray],
        *,
        length: int,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code=status, headers={**(headers or {})})
        self.headers["Content-Length"] = str(length)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _start(self, send)
        gone = asyncio.ensure_future(_until_gone(receive))
        ahead: asyncio.Future[bytes | bytearray | None] | None = None
        try:
            if scope["method"] != "HEAD":
                ahead = asyncio.ensure_future(off_loop(next, self._pieces, None))
            while ahead is not None and not gone.done():
                piece = await ahead
                if piece is None:
                    ahead = None
                    break
                ahead = asyncio.ensure_future(off_loop(next, self._pieces, None))
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            if not gone.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            gone.cancel()
            if ahead is not None:
                await asyncio.wait([ahead])
            close = getattr(self._pieces, "close", None)
            if close is not None:
                close()


async def _start(response: Response, send: Send) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": response.raw_headers,
        }
    )


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
