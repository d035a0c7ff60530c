"""Files by name: `resolve`, which every client downloads through, and `raw`.

Runs on the event loop: HEAD reads one row, one reference file and memory. Whatever a member
uploaded is sent so that a browser never runs it with our cookies.
"""

import re
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import Viewer, viewer_of
from llmos.hub.downloads import count_download
from llmos.hub.errors import EntryNotFound, RepoNotFound, RepoNotFoundForAnonymous
from llmos.hub.git import refs, tree
from llmos.hub.git.tree import Entry
from llmos.hub.lfs.content import content, send_content
from llmos.hub.models import LfsObject, Repository
from llmos.hub.routing import PAGE, repository_of
from llmos.store.http import base_url, endpoint
from llmos.store.threads import in_thread

# What a gated repository shows to those who must still ask.
ALWAYS_READABLE = frozenset({"README.md", ".gitattributes"})
SMALL_BLOB = 256 * 2**10  # bytes; read on the loop, a larger one in the pool

# Types that cannot run script in our origin, even without the sandbox below.
_INLINE = {
    **dict.fromkeys(["png", "gif", "webp", "avif", "bmp"], "image/{}"),
    **dict.fromkeys(["mp4", "webm"], "video/{}"),
    **dict.fromkeys(["flac", "ogg", "wav"], "audio/{}"),
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "svg": "image/svg+xml",
    "mp3": "audio/mpeg",
    "json": "application/json",
}
_SANDBOX = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


@endpoint
async def resolve(request: Request) -> Response:
    """A file's bytes; of a large file, the bytes that its pointer stands for."""
    viewer, repository, sha, entry = _found(request)
    if request.method == "GET" or request.headers.get("x-hf-download-counter"):
        count_download(repository.pk, viewer, request.client.host if request.client else "")
    headers = _headers(request, sha, entry, entry.etag)
    if entry.pointer is None:
        return await _send_blob(request, repository, entry, headers)
    headers["X-Linked-Size"] = str(entry.size)
    headers["X-Linked-Etag"] = headers["ETag"]
    xet_hash = _xet_hash(entry.pointer.sha256)
    if xet_hash:
        kind = repository.kind.plural
        token = f"{base_url(request)}/api/{kind}/{repository.full_name}/xet-read-token/{sha}"
        headers["X-Xet-Hash"] = xet_hash
        headers["Link"] = f'<{token}>; rel="xet-auth"'
    if request.method == "HEAD":
        return _only_headers(headers, entry.size)
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return await send_content(request, content(entry.pointer.sha256), headers=headers)


@endpoint
async def raw(request: Request) -> Response:
    """A file as it lies in git: of a large file, the pointer."""
    _, repository, sha, entry = _found(request)
    headers = _headers(request, sha, entry, entry.oid)
    headers["Content-Type"] = "text/plain; charset=utf-8"
    return await _send_blob(request, repository, entry, headers)


@endpoint
async def resolve_nameless(request: Request) -> Response:
    """Old names without a namespace: none exist here, and clients want to hear it this way."""
    raise RepoNotFoundForAnonymous if viewer_of(request).is_anonymous else RepoNotFound


def _found(request: Request) -> tuple[Viewer, Repository, str, Entry]:
    viewer = viewer_of(request)
    path = request.path_params["path"]
    wants = "see" if path in ALWAYS_READABLE else "read"
    repository = repository_of(request, viewer, wants="see" if wants == "see" else "read")
    sha = refs.resolve(repository.pk, request.path_params["rev"])
    entry = tree.entry_at(repository.pk, sha, path)
    if entry.type != "file":
        raise EntryNotFound(path, sha)
    return viewer, repository, sha, entry


def _headers(request: Request, sha: str, entry: Entry, etag: str) -> dict[str, str]:
    name = entry.path.rpartition("/")[2]
    ending = name.rpartition(".")[2].lower()
    plain = "application/octet-stream" if entry.pointer else "text/plain; charset=utf-8"
    shown = _INLINE.get(ending, plain).format(ending)
    attached = "download" in request.query_params or shown == "application/octet-stream"
    return {
        "X-Repo-Commit": sha,
        "ETag": f'"{etag}"',
        "Accept-Ranges": "bytes",
        "Content-Type": shown,
        "Content-Disposition": _disposition(name, attached=attached),
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": _SANDBOX,
        # Who may read can change from one moment to the next; the ETag makes asking cheap.
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie",
    }


def _disposition(name: str, *, attached: bool) -> str:
    """RFC 6266: a plain name for old clients, and the real one."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\;' else "_" for c in name)
    kind = "attachment" if attached else "inline"
    return f"{kind}; filename*=UTF-8''{quote(name, safe='')}; filename=\"{plain}\";"


async def _send_blob(
    request: Request, repository: Repository, entry: Entry, headers: dict[str, str]
) -> Response:
    size = entry.stored_size
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    stretch = _asked_range(request, size, headers["ETag"])
    if stretch is not None and not stretch:
        headers["Content-Range"] = f"bytes */{size}"
        return Response(status_code=416, headers=headers)
    status = 200
    if stretch is not None:
        headers["Content-Range"] = f"bytes {stretch.start}-{stretch.stop - 1}/{size}"
        status = 206
    sent = range(size) if stretch is None else stretch
    if request.method == "HEAD":
        return _only_headers(headers, len(sent), status)
    if size <= SMALL_BLOB:
        blob = tree.read_blob(repository.pk, entry.oid)
    else:
        blob = await in_thread(tree.read_blob, repository.pk, entry.oid)
    return Response(blob[sent.start : sent.stop], status, headers)


def _asked_range(request: Request, size: int, etag: str) -> range | None:
    """The asked bytes, empty when none of them exist, None for the whole file."""
    asked = _RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    if asked is None or request.headers.get("if-range", etag) != etag:
        return None
    first, last = asked.groups()
    if not first and not last:
        return None
    if not first:
        return range(max(size - int(last), 0), size)
    return range(int(first), min(int(last) + 1, size) if last else size)


def _only_headers(headers: dict[str, str], size: int, status: int = 200) -> Response:
    return Response(status_code=status, headers={**headers, "Content-Length": str(size)})


# A Xet hash follows from the bytes, so one that is known stays.
_xet_hashes: dict[str, str] = {}
_KEPT = 50_000


def _xet_hash(sha256: str) -> str:
    known = _xet_hashes.get(sha256)
    if known is None:
        rows = LfsObject.objects.filter(sha256=sha256).values_list("xet_hash", flat=True)
        known = rows.first() or ""
        if known:
            if len(_xet_hashes) >= _KEPT:
                _xet_hashes.clear()
            _xet_hashes[sha256] = known
    return known


_METHODS = ["GET", "HEAD"]
routes = [
    Route(PAGE + "/resolve/{rev:seg}/{path:tail}", resolve, methods=_METHODS),
    Route(PAGE + "/raw/{rev:seg}/{path:tail}", raw, methods=_METHODS),
    Route("/{name:seg}/resolve/{rev:seg}/{path:tail}", resolve_nameless, methods=_METHODS),
]
