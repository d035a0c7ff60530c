"""The front door: one ASGI application for one port.

Machine paths (hub API, LFS, Xet, git, `resolve`) are Starlette routes matched on the raw
path; static files are sent by the server itself; everything else is Django's.
"""

import logging
import os

import django
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmos.web.settings")
django.setup(set_prefix=False)

# Django must be set up before rooms are imported.
from llmos.community.threads.views import write_views  # noqa: E402
from llmos.hub.downloads import write_counts  # noqa: E402
from llmos.store.http import reply  # noqa: E402
from llmos.web.bridge import Bridge  # noqa: E402
from llmos.web.machines import machine_routes  # noqa: E402
from llmos.web.static import STATIC_PREFIX, send_static  # noqa: E402


async def health(request: Request) -> Response:
    return reply({"status": "ok"})


async def unknown_api(request: Request) -> Response:
    return reply(
        {"error": f"No such endpoint: {request.method} {request.url.path}"},
        status=404,
        headers={"X-Error-Code": "NotFound", "X-Error-Message": "No such endpoint"},
    )


logger = logging.getLogger(__name__)


SERVICE_WORKER = "/sw.js"  # it works for the addresses below its own, so it stands on top


class FrontDoor:
    """Chooses between static files, machine routes and pages by path alone."""

    def __init__(self) -> None:
        pages: ASGIApp = Bridge()
        routes = [
            *machine_routes(),
            Route("/api/health", health),
            Route("/api/{rest:tail}", unknown_api, methods=_ALL_METHODS),
        ]
        self._router = Router(routes, redirect_slashes=False, default=pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        path = raw_path.split(b"?")[0].decode("latin-1")
        if path == SERVICE_WORKER:
            path = f"{STATIC_PREFIX}js{path}"
        if path.startswith(STATIC_PREFIX):
            await send_static(path, scope, receive, send)
            return
        try:
            await self._router({**scope, "path": path, "root_path": ""}, receive, send)
        except Exception as error:
            # The server below answers 500 without a word; a client that went is no error.
            if not isinstance(error, ConnectionError):
                logger.exception("%s %s", scope["method"], path)
            raise


_ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def settle() -> None:
    """What the process still owes when it is told to stop."""
    write_counts()
    write_views()


app = FrontDoor()
