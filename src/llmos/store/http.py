"""How every machine endpoint is shaped: parse, one call, reply; and how a refusal looks.

Rooms write `api.py` with these; only `web` mounts them. Paths are matched on the raw,
still percent-encoded path, since revisions travel as `refs%2Fpr%2F1`: the convertors
`seg` (one segment) and `tail` (the rest) decode after splitting.
"""

import errno
import functools
import logging
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, unquote
from uuid import uuid4

import orjson
from django.conf import settings
from django.db import OperationalError
from django.utils import translation
from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from llmos.kit.config import current
from llmos.kit.errors import Broken, Busy, Invalid, Moved, OutOfSpace, Refusal, TooLarge
from llmos.store.config import ServerSettings
from llmos.store.threads import in_thread, page_language

logger = logging.getLogger(__name__)

JSON_BODY_LIMIT = 16 * 2**20  # bytes; larger bodies are streamed by endpoints made for it

AsyncEndpoint = Callable[[Request], Awaitable[Response]]
SyncEndpoint = Callable[[Request, bytes], Response]


class _Segment(Convertor[str]):
    regex = "[^/]+"

    def convert(self, value: str) -> str:
        return unquote(value)

    def to_string(self, value: str) -> str:
        return quote(value, safe="")


class _Tail(Convertor[str]):
    regex = ".*"

    def convert(self, value: str) -> str:
        return unquote(value)

    def to_string(self, value: str) -> str:
        return quote(value)


register_url_convertor("seg", _Segment())
register_url_convertor("tail", _Tail())


def reply(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON; `orjson.Fragment` passes ready-made JSON through."""
    return Response(orjson.dumps(body), status, dict(headers or {}), media_type="application/json")


def refusal_reply(refusal: Refusal) -> Response:
    """The JSON body and headers from which hub clients choose their exception."""
    one_line = (
        re.sub(r"[\s\x00-\x1f\x7f]+", " ", refusal.message)
        .encode("ascii", "backslashreplace")
        .decode()
    )
    headers = {
        "X-Error-Code": refusal.code,
        "X-Error-Message": one_line[:1000],
        **refusal.headers,
    }
    return reply({"error": refusal.message, **refusal.data}, status=refusal.status, headers=headers)


def endpoint(view: AsyncEndpoint) -> AsyncEndpoint:
    """An endpoint on the event loop: for point reads and streams. Turns refusals into replies."""
    return endpoint_refusing(refusal_reply)(view)


def endpoint_refusing(
    refused: Callable[[Refusal], Response],
) -> Callable[[AsyncEndpoint], AsyncEndpoint]:
    """The same for protocols of other people, whose clients read refusals in their own shape."""

    def decorated(view: AsyncEndpoint) -> AsyncEndpoint:
        @functools.wraps(view)
        async def door(request: Request) -> Response:
            return await _answered(view, request, refused)

        return door

    return decorated


def blocking(view: SyncEndpoint) -> AsyncEndpoint:
    """An endpoint in the kept pool, handed its whole (bounded) body: for everything that writes."""

    @functools.wraps(view)
    async def door(request: Request) -> Response:
        async def call(request: Request) -> Response:
            body = await read_body(request)
            return await in_thread(view, request, body)

        return await _answered(call, request)

    return door


async def _answered(
    view: AsyncEndpoint,
    request: Request,
    refused: Callable[[Refusal], Response] = refusal_reply,
) -> Response:
    request_id = request.headers.get("x-request-id") or f"Root=1-{uuid4().hex}"
    try:
        with _page_language(request):
            response = await view(request)
    except ClientDisconnect:
        response = Response(status_code=499)
    except Moved as moved:
        address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        moved.headers["Location"] = moved.location(address)
        response = refused(moved)
    except Refusal as refusal:
        response = refused(refusal)
    except Exception as error:  # noqa: BLE001 - the door: logged, and answered as a failure
        response = refused(_refusal_for(error, request, request_id))
    response.headers.setdefault("X-Request-Id", request_id)
    return response


@contextmanager
def _page_language(request: Request) -> Iterator[None]:
    """A page's script names its language; clients name none, and get the texts they know."""
    language = request.headers.get("x-page-language", "").lower()
    if not language or language not in dict(settings.LANGUAGES):
        yield
        return
    mark = page_language.set(language)
    try:
        with translation.override(language):
            yield
    finally:
        page_language.reset(mark)


def _refusal_for(error: Exception, request: Request, request_id: str) -> Refusal:
    """What a member is told of a fault: how to mend it if she can, else where its cause lies."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return OutOfSpace("The disk is full: free space, then try again")
    if isinstance(error, OperationalError) and "locked" in str(error):
        return Busy("The database is busy; try again", headers={"Retry-After": "1"})
    logger.error("%s %s failed (%s)", request.method, request.url.path, request_id, exc_info=error)
    return Broken(f"The hub failed on this request; its log says why under {request_id}")


async def read_body(request: Request, limit: int = JSON_BODY_LIMIT) -> bytes:
    """The whole body, refused over `limit` bytes. Raises TooLarge."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        await drain(request)
        raise TooLarge(f"The body is over {limit} bytes")
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size <= limit:
            parts.append(part)
    if size > limit:
        raise TooLarge(f"The body is over {limit} bytes")
    return b"".join(parts)


async def drain(request: Request) -> None:
    """Read what is left of a body before refusing it, else the client sees a broken pipe."""
    with suppress(RuntimeError):  # it was read to its end already
        async for _ in request.stream():
            pass


def json_of(body: bytes) -> dict[str, Any]:
    """A JSON object from a request body. Raises Invalid."""
    try:
        value = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise Invalid(f"The body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise Invalid("The body must be a JSON object")
    return value


def flag(request: Request, name: str, *, default: bool = False) -> bool:
    """A boolean query parameter, spelled `true` or `false`."""
    value = request.query_params.get(name)
    return default if value is None else value.lower() in {"true", "1", "yes"}


def base_url(request: Request) -> str:
    """`scheme://host` under which the client reached us, or the configured public address."""
    settings = current(ServerSettings)
    if settings.public_url:
        return str(settings.public_url).rstrip("/")
    scheme: str = request.scope.get("scheme", "http")
    if settings.trust_proxy:
        scheme = str(request.headers.get("x-forwarded-proto", scheme))
    return f"{scheme}://{request.headers.get('host', 'localhost')}"
