"""The git-lfs protocol, uploads from the browser, and the list of a repository's large files.

The batch call says per object where its bytes go or come from; those addresses are signed,
since clients call them without credentials.
Spec: https://github.com/git-lfs/git-lfs/tree/main/docs/api
"""

import functools
import os
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from llmos.accounts.access import Viewer, viewer_of
from llmos.hub.access import Wants, repo_for
from llmos.hub.kinds import BY_PLURAL, KINDS, Kind, kind_named
from llmos.hub.lfs import multipart
from llmos.hub.lfs.access import usable_in
from llmos.hub.lfs.actions import keep_blob
from llmos.hub.lfs.content import (
    ContentMissing,
    content,
    is_linked,
    link_content,
    linked_sizes,
    send_content,
)
from llmos.hub.lfs.transfer import (
    SMALLEST_PART,
    Transfer,
    Way,
    part_size,
    part_sizes,
    signature,
    transfer_of,
)
from llmos.hub.models import LfsLink, Repository
from llmos.kit.errors import Invalid, NotFound, Refusal, Unprocessable
from llmos.kit.time import iso
from llmos.store.blobs import drain_some, received, stream_into
from llmos.store.http import (
    SyncEndpoint,
    base_url,
    blocking,
    endpoint,
    json_of,
    read_body,
    reply,
)
from llmos.store.threads import in_thread
from llmos.wire.lfs import SHA256

_JSON = {"Content-Type": "application/vnd.git-lfs+json"}
_LARGEST = 2**50  # bytes in one file: a petabyte is a mistake
_MOST_OBJECTS = 1000
_PAGE = 1000


def _spoken(view: SyncEndpoint) -> SyncEndpoint:
    """Refusals as git-lfs reads them: `message`, and a challenge with every 401."""

    @functools.wraps(view)
    def door(request: Request, body: bytes) -> Response:
        try:
            return view(request, body)
        except Refusal as refusal:
            refusal.data.setdefault("message", refusal.message)
            if refusal.status == 401:
                refusal.headers.setdefault("WWW-Authenticate", 'Basic realm="llmos"')
                refusal.headers.setdefault("LFS-Authenticate", 'Basic realm="llmos"')
            raise

    return door


@_spoken
def _batch(request: Request, body: bytes) -> Response:
    asked = json_of(body)
    uploads = asked.get("operation") == "upload"
    objects = asked.get("objects")
    if not isinstance(objects, list) or len(objects) > _MOST_OBJECTS:
        raise Invalid(f"A batch names at most {_MOST_OBJECTS} objects")
    if asked.get("hash_algo", "sha256") != "sha256":
        raise Invalid("Only sha256 is spoken here")
    viewer = viewer_of(request)
    repository = _repository(request, viewer, "contribute" if uploads else "read")
    transfers = asked.get("transfers") or ["basic"]
    in_parts = uploads and "multipart" in transfers
    answer = _Answer(request, repository, viewer, in_parts=in_parts)
    answered = [answer.upload(o) if uploads else answer.download(o) for o in map(_named, objects)]
    some_in_parts = any("chunk_size" in a for a in map(_upload_header, answered))
    return reply(
        {
            "transfer": "multipart" if some_in_parts else "basic",
            "objects": answered,
            "hash_algo": "sha256",
        },
        headers=_JSON,
    )


def _upload_header(answered: dict[str, Any]) -> dict[str, str]:
    header: dict[str, str] = answered.get("actions", {}).get("upload", {}).get("header", {})
    return header


def _named(value: Any) -> tuple[str, int]:
    """An object's sha256 and size. Raises Unprocessable."""
    oid, size = (value.get("oid"), value.get("size")) if isinstance(value, dict) else (None, None)
    if not isinstance(oid, str) or not SHA256.fullmatch(oid):
        raise Unprocessable("An object is named by 64 lower-case hex digits of SHA-256")
    if type(size) is not int or not 0 <= size <= _LARGEST:
        raise Unprocessable(f"Object {oid}: its size is a number of bytes")
    return oid, size


class _Answer:
    """What the batch says of each object."""

    def __init__(
        self, request: Request, repository: Repository, viewer: Viewer, *, in_parts: bool
    ) -> None:
        self._base = base_url(request)
        self._request = request
        self._repository = repository
        self._viewer = viewer
        self._in_parts = in_parts

    def download(self, named: tuple[str, int]) -> dict[str, Any]:
        sha256, size = named
        if linked_sizes(self._repository.pk, [sha256]).get(sha256) != size:
            error = {"code": 404, "message": "This repository has no such object"}
            return {"oid": sha256, "size": size, "error": error}
        return self._with(sha256, size, {"download": self._action("down", sha256, size)})

    def upload(self, named: tuple[str, int]) -> dict[str, Any]:
        sha256, size = named
        if self._is_there(sha256, size):
            return {"oid": sha256, "size": size}
        verify = f"{self._base}{_lfs_address(self._repository)}/objects/verify"
        in_parts = self._in_parts and size > SMALLEST_PART
        upload = self._parts(sha256, size) if in_parts else self._action("up", sha256, size)
        return self._with(sha256, size, {"upload": upload, "verify": {"href": verify}})

    def _is_there(self, sha256: str, size: int) -> bool:
        repository, viewer = self._repository, self._viewer
        if not usable_in(repository=repository, viewer=viewer, sha256=sha256):
            return False
        try:
            link_content(repository_id=repository.pk, sha256=sha256, size=size)
        except ContentMissing:
            return False
        return True

    def _parts(self, sha256: str, size: int) -> dict[str, Any]:
        upload = multipart.start_upload(size)
        signed = signature(Transfer("part", self._repository.pk, sha256, size, upload))
        address = f"{self._base}/lfs/parts/{sha256}"
        header = {"chunk_size": str(part_size(size))}
        for number in range(1, len(part_sizes(size)) + 1):
            header[f"{number:05d}"] = f"{address}/{number}?s={signed}"
        return {"href": f"{address}?s={signed}", "header": header}

    def _action(self, way: Way, sha256: str, size: int) -> dict[str, Any]:
        signed = signature(Transfer(way, self._repository.pk, sha256, size))
        return {"href": f"{self._base}/lfs/objects/{sha256}?s={signed}"}

    @staticmethod
    def _with(sha256: str, size: int, actions: dict[str, Any]) -> dict[str, Any]:
        return {"oid": sha256, "size": size, "authenticated": True, "actions": actions}


@_spoken
def _verify(request: Request, body: bytes) -> Response:
    sha256, size = _named(json_of(body))
    repository = _repository(request, viewer_of(request), "read")
    if linked_sizes(repository.pk, [sha256]).get(sha256) != size:
        raise ContentMissing(sha256)
    return reply({}, headers=_JSON)


@_spoken
def _locks(request: Request, body: bytes) -> Response:
    _repository(request, viewer_of(request), "read")
    raise NotFound("File locking is not offered here")


async def _put_object(request: Request) -> Response:
    """A file at its signed address; kept only when hash and size are as announced."""
    transfer = await _signed(request, "up")
    async with received(request, limit=transfer.size, hashed=True) as body:
        if (body.sha256, body.size) != (transfer.sha256, transfer.size):
            raise Unprocessable(
                f"{body.size} bytes of sha256 {body.sha256} came, "
                f"{transfer.size} of {transfer.sha256} were announced; nothing is kept"
            )
        await in_thread(keep_blob, repository_id=transfer.repository_id, body=body)
    return reply({})


async def _put_part(request: Request) -> Response:
    transfer = await _signed(request, "part")
    number = request.path_params["number"]
    descriptor, offset, length = multipart.open_part(transfer, number)
    try:
        size, sha256 = await stream_into(
            descriptor, request, limit=length, hashed=True, offset=offset
        )
    finally:
        os.close(descriptor)
    if size != length:
        raise Unprocessable(f"Part {number} has {length} bytes; {size} came")
    multipart.note_part(transfer, number, sha256)
    return reply({}, headers={"ETag": f'"{sha256}"'})


async def _complete(request: Request) -> Response:
    transfer = await _signed(request, "part")
    asked = json_of(await read_body(request))
    parts = asked.get("parts")
    if asked.get("oid") != transfer.sha256 or not isinstance(parts, list):
        raise Invalid("A completion names the oid and its parts")
    await in_thread(multipart.complete, transfer, parts)
    return reply({}, headers=_JSON)


async def _get_object(request: Request) -> Response:
    sha256 = request.path_params["oid"]
    transfer = transfer_of("down", sha256, request.query_params.get("s", ""))
    if not is_linked(repository_id=transfer.repository_id, sha256=sha256):
        raise ContentMissing(sha256)
    return await send_content(request, content(sha256))


async def _signed(request: Request, way: Way) -> Transfer:
    """What the address opens; a refused body is read to its end first."""
    try:
        transfer = transfer_of(way, request.path_params["oid"], request.query_params.get("s", ""))
        if not await in_thread(Repository.objects.filter(pk=transfer.repository_id).exists):
            raise NotFound("The repository of this upload is gone")
    except Refusal:
        await drain_some(request)
        raise
    return transfer


async def _upload(request: Request) -> Response:
    """A file from a browser or a script, as the raw body: its sha256 can then be committed."""
    try:
        repository = await in_thread(_writable, request)
    except Refusal:
        await drain_some(request)
        raise
    async with received(request, limit=_LARGEST, hashed=True) as body:
        await in_thread(keep_blob, repository_id=repository.pk, body=body)
        return reply({"oid": body.sha256, "size": body.size})


def _writable(request: Request) -> Repository:
    return _repository(request, viewer_of(request), "write")


def _list_files(request: Request, body: bytes) -> Response:
    repository = _repository(request, viewer_of(request), "write")
    after = request.query_params.get("after", "0")
    links = list(
        LfsLink.objects.filter(repository=repository, pk__gt=int(after) if after.isdecimal() else 0)
        .select_related("object")
        .order_by("pk")[:_PAGE]
    )
    headers = {}
    if len(links) == _PAGE:
        address = f"{base_url(request)}{request.url.path}?after={links[-1].pk}"
        headers["Link"] = f'<{address}>; rel="next"'
    return reply([_file(link) for link in links], headers=headers)


def _file(link: LfsLink) -> dict[str, Any]:
    return {
        "fileOid": str(link.pk),
        "filename": link.file_name,
        "oid": link.object_id,
        "pushedAt": iso(link.created_at),
        "ref": None,
        "size": link.object.size,
    }


def _duplicate(request: Request, body: bytes) -> Response:
    """Let another repository use files of this one, without sending a byte."""
    asked = json_of(body)
    viewer = viewer_of(request)
    source = _repository(request, viewer, "read")
    target, files = asked.get("target"), asked.get("files")
    if not isinstance(target, dict) or not isinstance(files, list) or len(files) > _PAGE:
        raise Invalid(f"Name a target and at most {_PAGE} files")
    destination = repo_for(
        viewer, kind_named(target.get("type")), str(target.get("name")), wants="write"
    )
    wanted = [str(f.get("sha256")) for f in files if isinstance(f, dict)]
    sizes = linked_sizes(source.pk, wanted)
    failed = []
    for sha256 in wanted:
        if sha256 in sizes:
            link_content(repository_id=destination.pk, sha256=sha256, size=sizes[sha256])
        else:
            failed.append({"sha256": sha256, "error": "the source repository has no such file"})
    return reply({"failed": failed})


def _repository(request: Request, viewer: Viewer, wants: Wants) -> Repository:
    path = request.path_params
    kind: Kind | None = BY_PLURAL.get(path["plural"]) if "plural" in path else path["kind"]
    if kind is None:
        raise NotFound("No such endpoint")
    name = path["name"].removesuffix(".git") if "kind" in path else path["name"]
    return repo_for(viewer, kind, f"{path['ns']}/{name}", wants=wants)


def _lfs_address(repository: Repository) -> str:
    return f"/{repository.kind.prefix}{repository.full_name}.git/info/lfs"


def _under(kind: Kind, view: Callable[..., Any]) -> Callable[..., Any]:
    """The view for one repository type, whose prefix stands in the path as plain text."""

    @functools.wraps(view)
    async def of_kind(request: Request) -> Response:
        request.path_params["kind"] = kind
        answered: Response = await view(request)
        return answered

    return of_kind


def _lfs_routes(kind: Kind) -> list[Route]:
    base = f"/{kind.prefix}{{ns:seg}}/{{name:seg}}/info/lfs"
    batch, verify, locks = (_under(kind, blocking(view)) for view in (_batch, _verify, _locks))
    return [
        Route(f"{base}/objects/batch", batch, methods=["POST"]),
        Route(f"{base}/objects/verify", verify, methods=["POST"]),
        Route(f"{base}/locks/verify", locks, methods=["POST"]),
        Route(f"{base}/locks", locks, methods=["GET", "POST"]),
    ]


_API = "/api/{plural:seg}/{ns:seg}/{name:seg}"

routes = [
    Route("/lfs/objects/{oid:seg}", endpoint(_get_object)),
    Route("/lfs/objects/{oid:seg}", endpoint(_put_object), methods=["PUT"]),
    Route("/lfs/parts/{oid:seg}/{number:int}", endpoint(_put_part), methods=["PUT"]),
    Route("/lfs/parts/{oid:seg}", endpoint(_complete), methods=["POST"]),
    *(route for kind in KINDS.values() for route in _lfs_routes(kind)),
    Route(_API + "/upload", endpoint(_upload), methods=["PUT"]),
    Route(_API + "/lfs-files", blocking(_list_files)),
    Route(_API + "/lfs-files/duplicate", blocking(_duplicate), methods=["POST"]),
]
