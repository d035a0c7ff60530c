"""Content storage as Xet clients call it: blocks in, file lists in, where to fetch what out.

Every route under `/cas/g<generation>` needs a Xet token except block bytes, whose address
carries its own signature. Unknown routes answer 404, on which clients fall back.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from llmos.accounts.access import viewer_of
from llmos.hub.access import Wants, repo_for
from llmos.hub.kinds import BY_PLURAL
from llmos.hub.models import Repository
from llmos.hub.xet import addresses, blocks, dedup, tokens
from llmos.hub.xet.actions import Progress, register_shard
from llmos.hub.xet.addresses import RangeNotGranted, granted_ranges
from llmos.hub.xet.generation import generation
from llmos.hub.xet.queries import cut, file_in, runs_of, wanted_range
from llmos.kit.errors import NotFound, Refusal
from llmos.store.blobs import (
    PiecesResponse,
    drain_some,
    file_pieces,
    off_loop,
    received,
)
from llmos.store.http import base_url, blocking, endpoint, flag, logger, reply
from llmos.store.threads import in_thread
from llmos.wire.xet.hashing import from_text
from llmos.wire.xet.shard import LARGEST_SHARD
from llmos.wire.xet.xorb import LARGEST_XORB

# Bodies on their way in, and registrations at work, at one time; the rest wait unread.
_XORB_BODIES = asyncio.Semaphore(8)
_VERIFICATIONS = asyncio.Semaphore(os.cpu_count() or 2)
_SHARDS = asyncio.Semaphore(4)
_HEARTBEAT = 10.0  # seconds; clients give up on a silent answer after about a minute


def _xet_token(request: Request, body: bytes) -> Response:
    path = request.path_params
    kind, scope = BY_PLURAL.get(path["plural"]), path["scope"]
    if kind is None or scope not in {"read", "write"}:
        raise NotFound("No such endpoint")
    viewer = viewer_of(request)
    for_change_request = flag(request, "create_pr") or path["rev"].startswith("refs/pr/")
    wants: Wants = "read" if scope == "read" else "contribute" if for_change_request else "write"
    repository = repo_for(viewer, kind, f"{path['ns']}/{path['name']}", wants=wants)
    token = tokens.issue_token(tokens.Grant(scope, repository.pk, viewer.user_id, viewer.token_id))
    url = f"{base_url(request)}/cas/g{generation()}"
    return reply(
        {"accessToken": token.text, "exp": token.expires, "casUrl": url},
        headers={
            "X-Xet-Access-Token": token.text,
            "X-Xet-Token-Expiration": str(token.expires),
            "X-Xet-Cas-Url": url,
            "Cache-Control": "no-store",
        },
    )


async def _post_xorb(request: Request) -> Response:
    name = request.path_params["xorb"]
    await _admitted(request)
    from_text(name)
    if await in_thread(blocks.is_stored, name):
        await drain_some(request)
        return reply({"was_inserted": False})
    async with _XORB_BODIES, received(request, limit=LARGEST_XORB) as body:
        async with _VERIFICATIONS:
            index = await off_loop(blocks.verify_file, body.path, name)
        is_new = await in_thread(blocks.store_xorb, body.path, name, index)
    return reply({"was_inserted": is_new})


async def _post_shard(request: Request) -> Response:
    """Version 1: the answer comes when all is verified."""
    repository = await _admitted(request)
    async with _SHARDS, received(request, limit=LARGEST_SHARD) as body:
        is_new = await in_thread(_register, repository.pk, body.path, Progress())
    return reply({"result": int(is_new)})


async def _stream_shard(request: Request) -> Response:
    """Version 2: lines of JSON tell the waiting client that verification goes on."""
    repository = await _admitted(request)
    async with received(request, limit=LARGEST_SHARD) as body:
        kept = body.path.with_name(uuid4().hex)
        os.replace(body.path, kept)  # the answer outlives this function
    return StreamingResponse(_registration(repository, kept), media_type="application/x-ndjson")


async def _registration(repository: Repository, path: Path) -> AsyncIterator[bytes]:
    progress = Progress()
    try:
        async with _SHARDS:
            work = asyncio.ensure_future(in_thread(_register, repository.pk, path, progress))
            while not (await asyncio.wait([work], timeout=_HEARTBEAT))[0]:
                yield _line(type="validating", verified=progress.verified, total=progress.total)
            yield _outcome(work)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(path)  # noqa: PTH108  # at once: a client that is gone cancels any wait


def _outcome(work: "asyncio.Future[bool]") -> bytes:
    failure = work.exception()
    if isinstance(failure, Refusal):
        return _line(type="error", message=failure.message, retryable=failure.status >= 500)
    if failure is not None:
        logger.error("a shard was not registered", exc_info=failure)
        return _line(type="error", message="The hub failed on this upload", retryable=True)
    return _line(type="result", result=int(work.result()))


def _line(**fields: Any) -> bytes:
    return orjson.dumps(fields) + b"\n"


def _register(repository_id: int, path: Path, progress: Progress) -> bool:
    return register_shard(repository_id=repository_id, content=path.read_bytes(), progress=progress)


def _reconstruction(request: Request, body: bytes) -> Response:
    path = request.path_params
    repository = _repository(request, "read")
    from_text(path["file"])
    file = file_in(repository.pk, path["file"])
    start, end = wanted_range(request.headers.get("range", ""), file.size)
    part = cut(runs_of(file.hash), start, end)
    base = f"{base_url(request)}/cas/g{path['generation']}"
    fetch = addresses.fetch_list(part.runs, base)
    answer: dict[str, Any] = {
        "offset_into_first_range": part.offset,
        "terms": [
            {
                "hash": run.xorb,
                "unpacked_length": run.size,
                "range": {"start": run.first, "end": run.end},
            }
            for run in part.runs
        ],
    }
    if path["version"] == "v2":
        answer["xorbs"] = fetch
    else:
        answer["fetch_info"] = {
            xorb: [
                {"url": entry["url"], "range": span["chunks"], "url_range": span["bytes"]}
                for entry in entries
                for span in entry["ranges"]
            ]
            for xorb, entries in fetch.items()
        }
    return reply(answer)


def _chunk(request: Request, body: bytes) -> Response:
    repository = _repository(request, "write")
    from_text(request.path_params["chunk"])
    answer = dedup.answer_for(repository, request.path_params["chunk"])
    if answer is None:
        raise NotFound("No such chunk")
    return Response(answer, media_type="application/octet-stream")


async def _xorb_bytes(request: Request) -> Response:
    name = request.path_params["xorb"]
    from_text(name)
    granted = granted_ranges(name, request.query_params.get("s", ""))
    wanted = _wanted_ranges(request.headers.get("range", ""))
    for start, end in wanted:
        if not any(first <= start and end <= last for first, last in granted):
            raise RangeNotGranted
    path = blocks.xorb_path(name)
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise NotFound("This block is no longer here") from None
    if len(wanted) > 1:
        return _multipart(path, wanted, size)
    start, end = wanted[0]
    headers = {
        "Content-Range": f"bytes {start}-{end - 1}/{size}",
        "Content-Type": "application/octet-stream",
    }
    pieces = file_pieces(path, start, end)
    return PiecesResponse(pieces, length=end - start, status=206, headers=headers)


def _wanted_ranges(header: str) -> list[tuple[int, int]]:
    """Byte ranges with both ends given; anything else is not granted. Ends exclusive."""
    unit, _, spans = header.partition("=")
    found = []
    for span in spans.split(","):
        first, _, last = span.strip().partition("-")
        if unit.strip() != "bytes" or not (first.isdecimal() and last.isdecimal()):
            raise RangeNotGranted
        if int(first) > int(last):
            raise RangeNotGranted
        found.append((int(first), int(last) + 1))
    return found


def _multipart(path: Path, ranges: list[tuple[int, int]], size: int) -> Response:
    boundary = uuid4().hex
    heads = [
        f"\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\n"
        f"Content-Range: bytes {start}-{end - 1}/{size}\r\n\r\n".encode()
        for start, end in ranges
    ]
    tail = f"\r\n--{boundary}--\r\n".encode()

    def pieces() -> Iterator[bytes | bytearray]:
        for head, (start, end) in zip(heads, ranges, strict=True):
            yield head
            yield from file_pieces(path, start, end)
        yield tail

    length = sum(map(len, heads)) + sum(end - start for start, end in ranges) + len(tail)
    return PiecesResponse(
        pieces(),
        length=length,
        status=206,
        headers={"Content-Type": f"multipart/byteranges; boundary={boundary}"},
    )


async def _telemetry(request: Request) -> Response:
    await drain_some(request)
    return reply({})


async def _unknown(request: Request) -> Response:
    await drain_some(request)
    raise NotFound("No such content storage endpoint")


async def _admitted(request: Request) -> Repository:
    """The repository that this upload is for; a refused body is read to its end first."""
    try:
        return await in_thread(_repository, request, "write")
    except Refusal:
        await drain_some(request)
        raise


def _repository(request: Request, scope: tokens.Scope) -> Repository:
    return tokens.repository_for(request.headers.get("authorization", ""), scope)


_CAS = "/cas/g{generation:int}"
_ANY = ["GET", "HEAD", "POST", "PUT", "DELETE"]

routes = [
    Route(_CAS + "/xorb-data/{xorb:seg}", endpoint(_xorb_bytes)),
    Route(_CAS + "/{version:seg}/reconstructions/{file:seg}", blocking(_reconstruction)),
    Route(_CAS + "/v1/xorbs/{prefix:seg}/{xorb:seg}", endpoint(_post_xorb), methods=["POST"]),
    Route(_CAS + "/v1/chunks/{prefix:seg}/{chunk:seg}", blocking(_chunk)),
    Route(_CAS + "/v2/shards", endpoint(_stream_shard), methods=["POST"]),
    Route(_CAS + "/v1/shards", endpoint(_post_shard), methods=["POST"]),
    Route(_CAS + "/v1/telemetry", endpoint(_telemetry), methods=["POST"]),
    # where clients really send it, whatever the storage address says
    Route("/v1/telemetry", endpoint(_telemetry), methods=["POST"]),
    Route("/cas/{rest:tail}", endpoint(_unknown), methods=_ANY),
    Route(
        "/api/{plural:seg}/{ns:seg}/{name:seg}/xet-{scope:seg}-token/{rev:seg}",
        blocking(_xet_token),
    ),
]
