"""git over HTTP: clone, fetch and push, with and without `.git` in the address.

A refusal is plain text, which git shows to whoever pushes; a missing sign-in answers 401
with a challenge, since git sends its credentials only then.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from llmos.accounts.access import Viewer, viewer_of
from llmos.hub.access import repo_for, rights_of
from llmos.hub.actions import record_push
from llmos.hub.git import refs
from llmos.hub.git.config import GitSettings
from llmos.hub.git.large import missing_content
from llmos.hub.git.receive import RefChange, Rules
from llmos.hub.git.transfer import (
    CHUNK,
    LONGEST_ASKING,
    Push,
    Service,
    advertise,
    end,
    feed,
    protocol_of,
    start_fetch,
)
from llmos.hub.kinds import Kind
from llmos.hub.models import ChangeRequest, Repository
from llmos.hub.routing import PAGE
from llmos.kit.config import current
from llmos.kit.errors import Busy, Forbidden, Invalid, Refusal, Unauthenticated
from llmos.store.blobs import drain_some
from llmos.store.http import endpoint
from llmos.store.threads import in_thread
from llmos.wire import pktline

_PATIENCE = 20.0  # seconds to wait for a free place
_NO_CACHE = {"Cache-Control": "no-cache, max-age=0, must-revalidate"}

View = Callable[[Request], Awaitable[Response]]


def spoken(view: View) -> View:
    """Turn refusals into what git shows; the rest is for the ordinary door."""

    @functools.wraps(view)
    async def door(request: Request) -> Response:
        try:
            return await view(request)
        except Refusal as refusal:
            if refusal.status // 100 == 3:
                raise
            await drain_some(request)
            return _told(refusal)

    return endpoint(door)


def _told(refusal: Refusal) -> Response:
    headers = {"X-Error-Code": refusal.code, **refusal.headers}
    if isinstance(refusal, Unauthenticated):
        headers["WWW-Authenticate"] = 'Basic realm="llmos"'
    return Response(refusal.message + "\n", refusal.status, headers, media_type="text/plain")


@spoken
async def info_refs(request: Request) -> Response:
    service = _service(request.query_params.get("service", "").removeprefix("git-"))
    repository, _ = _opened(request, service)
    protocol = protocol_of(request.headers.get("git-protocol", ""))
    async with _place():
        advertised = await advertise(repository.pk, service, protocol)
    if "version=2" not in protocol or service == "receive-pack":
        advertised = pktline.encode(f"# service=git-{service}\n") + pktline.FLUSH + advertised
    kind = f"application/x-git-{service}-advertisement"
    return Response(advertised, 200, {**_NO_CACHE, "Content-Type": kind})


@spoken
async def fetch(request: Request) -> Response:
    repository, _ = _opened(request, "upload-pack")
    return _Fetch(request, repository)


@spoken
async def push(request: Request) -> Response:
    repository, viewer = _opened(request, "receive-pack")
    return _Push(request, repository, viewer)


class _Exchange(Response):
    """A body that is relayed both ways at once, which needs the bare ASGI channel."""

    service: Service

    def __init__(self, request: Request, repository: Repository) -> None:
        kind = f"application/x-git-{self.service}-result"
        super().__init__(headers={**_NO_CACHE, "Content-Type": kind})
        del self.headers["content-length"]
        self.request = request
        self.repository = repository
        self.gzipped = request.headers.get("content-encoding", "") in {"gzip", "x-gzip"}
        self.protocol = protocol_of(request.headers.get("git-protocol", ""))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            async with _place():
                await self.relay(receive, send)
        except Refusal as refusal:
            await _told(refusal)(scope, receive, send)

    async def relay(self, receive: Receive, send: Send) -> None:
        raise NotImplementedError

    async def send_output(self, process: asyncio.subprocess.Process, send: Send) -> None:
        assert process.stdout is not None
        part = await process.stdout.read(CHUNK)
        # Before a large push git asks with an empty request, and is answered with nothing.
        if not part and await process.wait() != 0:
            raise Invalid("git cannot read this request")
        start = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
        await send(start)
        while part:
            await send({"type": "http.response.body", "body": part, "more_body": True})
            part = await process.stdout.read(CHUNK)


class _Fetch(_Exchange):
    service: Service = "upload-pack"

    async def relay(self, receive: Receive, send: Send) -> None:
        process = await start_fetch(self.repository.pk, self.protocol)

        async def listen() -> None:
            await feed(process, _body(receive), gzipped=self.gzipped, limit=LONGEST_ASKING)
            await _gone(receive)
            await end(process)  # nobody reads on

        listening = asyncio.create_task(listen())
        try:
            async with asyncio.timeout(current(GitSettings).transfer_seconds):
                await self.send_output(process, send)
                await send({"type": "http.response.body", "body": b""})
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
            await end(process)


class _Push(_Exchange):
    service: Service = "receive-pack"

    def __init__(self, request: Request, repository: Repository, viewer: Viewer) -> None:
        super().__init__(request, repository)
        self.viewer = viewer

    async def relay(self, receive: Receive, send: Send) -> None:
        rules = await in_thread(_rules, self.viewer, self.repository)
        running = Push(self.repository.pk, rules)
        await running.start(self.protocol)
        feeding = asyncio.create_task(
            feed(running.process, _body(receive), gzipped=self.gzipped, limit=None)
        )
        try:
            async with asyncio.timeout(current(GitSettings).transfer_seconds):
                await self.send_output(running.process, send)
        finally:
            # git may have moved references for a client that is gone: that, too, is recorded.
            await asyncio.shield(self._conclude(running, feeding))
        await send({"type": "http.response.body", "body": b""})

    async def _conclude(self, running: Push, feeding: "asyncio.Task[None]") -> None:
        feeding.cancel()
        await asyncio.gather(feeding, return_exceptions=True)
        if running.process.stdin is not None:
            running.process.stdin.close()
        await end(running.process, patience=10)
        changes = await running.changes()
        await in_thread(_record, self.repository, changes, self.viewer.user_id)


def _opened(request: Request, service: Service) -> tuple[Repository, Viewer]:
    """The repository, if the viewer may fetch from it or push anything to it."""
    viewer = viewer_of(request)
    kind: Kind = request.path_params["kind"]
    name = f"{request.path_params['ns']}/{request.path_params['name'].removesuffix('.git')}"
    if service == "upload-pack":
        return repo_for(viewer, kind, name, wants="read"), viewer
    repository = repo_for(viewer, kind, name, wants="contribute")
    if not rights_of(viewer, repository).write and not _own_changes(viewer, repository):
        repo_for(viewer, kind, name, wants="write")
    return repository, viewer


def _rules(viewer: Viewer, repository: Repository) -> Rules:
    may_write = rights_of(viewer, repository).write
    return Rules(
        may_write=may_write,
        own_changes=frozenset() if may_write else _own_changes(viewer, repository),
        protected=frozenset(repository.protected_branches),
        sign_off=repository.sign_off,
        missing=functools.partial(missing_content, repository.pk),
    )


def _own_changes(viewer: Viewer, repository: Repository) -> frozenset[int]:
    own = ChangeRequest.objects.filter(repository=repository, author_id=viewer.user_id)
    return frozenset(own.values_list("number", flat=True))


def _record(repository: Repository, changes: list[RefChange], user_id: int | None) -> None:
    for change in changes:
        there = refs.read_ref(repository.pk, change.ref) or refs.NOTHING
        if there == change.new:
            record_push(
                repository=repository,
                ref=change.ref,
                old=change.old,
                new=change.new,
                user_id=user_id,
            )


def _service(name: str) -> Service:
    if name == "upload-pack":
        return "upload-pack"
    if name == "receive-pack":
        return "receive-pack"
    raise Forbidden("This hub speaks git's smart HTTP protocol only; use git 1.6.6 or later")


class _place:  # noqa: N801 - reads as a function: `async with _place():`
    """One of the places for transfers; waits a while for a free one. Raises Busy."""

    _places: "asyncio.Semaphore | None" = None

    async def __aenter__(self) -> None:
        if _place._places is None:
            _place._places = asyncio.Semaphore(current(GitSettings).transfers_at_once)
        try:
            async with asyncio.timeout(_PATIENCE):
                await _place._places.acquire()
        except TimeoutError:
            raise Busy(
                "Too many clones and pushes at once; try again", headers={"Retry-After": "30"}
            ) from None

    async def __aexit__(self, *_: object) -> None:
        assert _place._places is not None
        _place._places.release()


async def _body(receive: Receive) -> AsyncIterator[bytes]:
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        if message.get("body"):
            yield message["body"]
        if not message.get("more_body", False):
            return


async def _gone(receive: Receive) -> None:
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            return


routes = [
    Route(PAGE + "/info/refs", info_refs),
    Route(PAGE + "/git-upload-pack", fetch, methods=["POST"]),
    Route(PAGE + "/git-receive-pack", push, methods=["POST"]),
]
