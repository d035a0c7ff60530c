"""Static files under addresses that contain their content's hash, so that they never go stale.

The style sheet is one file, joined from the small ones at start; everything is sent by
the server from disk (`http.response.pathsend`).
"""

import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path

import allauth
from starlette.types import Receive, Scope, Send

from llmos.web.bundles import bundle

STATIC_PREFIX = "/static/"
FOLDER = Path(__file__).parent / "static"
# Scripts that django-allauth's pages name, from where its package keeps them.
PACKAGED = {
    "account/": Path(allauth.__file__).parent / "account" / "static",
    "mfa/": Path(allauth.__file__).parent / "mfa" / "static",
}
FOREVER = "public, max-age=31536000, immutable"
A_MOMENT = "public, max-age=60"


@cache
def digest_of(path: str) -> str:
    """First 12 hex digits of a static file's SHA-256; empty when there is no such file."""
    file = _folder_of(path) / path
    body = bundle(path) or (file.read_bytes() if file.is_file() else b"")
    return hashlib.sha256(body).hexdigest()[:12] if body else ""


def static_url(path: str) -> str:
    """`css/main.css` → `/static/css/main.css?v=0123456789ab`."""
    digest = digest_of(path)
    return f"{STATIC_PREFIX}{path}?v={digest}" if digest else f"{STATIC_PREFIX}{path}"


async def send_static(path: str, scope: Scope, receive: Receive, send: Send) -> None:
    relative = path.removeprefix(STATIC_PREFIX)
    folder = _folder_of(relative).resolve()
    file = (folder / relative).resolve()
    joined = bundle(relative)
    if joined is None and not (file.is_relative_to(folder) and file.is_file()):
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind.endswith("javascript"):
        kind += "; charset=utf-8"
    version = scope["query_string"].decode("latin-1").removeprefix("v=")
    packed = "charset" in kind or kind.endswith("+xml")
    if packed and _takes_gzip(scope):
        joined = _squeezed(relative, digest_of(relative))
    headers = [
        (b"content-type", kind.encode()),
        *([(b"vary", b"accept-encoding")] if packed else []),
        *([(b"content-encoding", b"gzip")] if packed and _takes_gzip(scope) else []),
        (b"content-length", str(file.stat().st_size if joined is None else len(joined)).encode()),
        (b"cache-control", (FOREVER if version == digest_of(relative) else A_MOMENT).encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    if scope["method"] == "HEAD" or joined is not None:
        body = b"" if scope["method"] == "HEAD" else joined
        await send({"type": "http.response.body", "body": body})
    else:
        await send({"type": "http.response.pathsend", "path": str(file)})


def _takes_gzip(scope: Scope) -> bool:
    return any(key == b"accept-encoding" and b"gzip" in value for key, value in scope["headers"])


@cache
def _squeezed(path: str, digest: str) -> bytes:
    """A text of ours, compressed once as well as can be; its digest tells versions apart."""
    return gzip.compress(bundle(path) or (_folder_of(path) / path).read_bytes(), 9, mtime=0)


def _folder_of(path: str) -> Path:
    return next((PACKAGED[top] for top in PACKAGED if path.startswith(top)), FOLDER)
