"""Static files under addresses that contain their content's hash, so that they never go stale.

The style sheet is one file, joined from the small ones at start; everything is sent by
the server from disk (`http.response.pathsend`).
"""

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from starlette.types import Receive, Scope, Send

STATIC_PREFIX = "/static/"
FOLDER = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
A_MOMENT = "public, max-age=60"


@cache
def digest_of(path: str) -> str:
    """First 12 hex digits of a static file's SHA-256; empty when there is no such file."""
    file = FOLDER / path
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else ""


def static_url(path: str) -> str:
    """`css/main.css` → `/static/css/main.css?v=0123456789ab`."""
    digest = digest_of(path)
    return f"{STATIC_PREFIX}{path}?v={digest}" if digest else f"{STATIC_PREFIX}{path}"


async def send_static(path: str, scope: Scope, receive: Receive, send: Send) -> None:
    relative = path.removeprefix(STATIC_PREFIX)
    file = (FOLDER / relative).resolve()
    if not file.is_relative_to(FOLDER.resolve()) or not file.is_file():
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind.endswith("javascript"):
        kind += "; charset=utf-8"
    version = scope["query_string"].decode("latin-1").removeprefix("v=")
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(file.stat().st_size).encode()),
        (b"cache-control", (FOREVER if version == digest_of(relative) else A_MOMENT).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["method"] == "HEAD":
        await send({"type": "http.response.body", "body": b""})
    else:
        await send({"type": "http.response.pathsend", "path": str(file)})
