"""The one door to the bytes of large files, however they are stored.

Content is named by its SHA-256. A repository may use what is linked to it; a link is made
for content that was uploaded to the repository or that its uploader may read elsewhere.
"""

import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast
from urllib.parse import quote

from django.db import transaction
from starlette.requests import Request
from starlette.responses import Response

from llmos.hub.models import LfsLink, LfsObject
from llmos.hub.xet.queries import Run, runs_of
from llmos.hub.xet.reading import read_range
from llmos.kit.errors import NotFound
from llmos.store.blobs import PiecesResponse, blob_path, file_pieces, range_of
from llmos.store.threads import in_thread

_MANY = 500  # names in one query; SQLite takes about a thousand


class ContentMissing(NotFound):
    """The hub does not have these bytes."""

    code = "LfsObjectMissing"

    def __init__(self, sha256: str) -> None:
        super().__init__(f"The content of sha256 {sha256} is not here")


@dataclass(frozen=True, slots=True)
class Content:
    """Where content lies: in one file, or else in Xet chunks."""

    sha256: str
    size: int
    path: Path | None
    xet_hash: str  # empty until the content has one

    def pieces(self, start: int, end: int) -> Iterator[bytearray]:
        """Raw bytes from `start` up to `end`, a few MiB at a time; blocking."""
        if self.path is not None:
            return file_pieces(self.path, start, end)
        return read_range(self.runs(), start, end)

    def runs(self) -> list[Run]:
        return runs_of(self.xet_hash) if self.xet_hash else []


def content(sha256: str) -> Content:
    """One point read. Raises ContentMissing."""
    found = LfsObject.objects.filter(pk=sha256).first()
    if found is None:
        raise ContentMissing(sha256)
    return content_of(found)


def content_of(found: LfsObject) -> Content:
    """The content behind a row already at hand."""
    path = blob_path(found.sha256) if found.whole else None
    return Content(found.sha256, found.size, path, found.xet_hash)


async def send_content(
    request: Request,
    found: Content,
    *,
    headers: Mapping[str, str] | None = None,
    download_name: str = "",
) -> Response:
    """Answer GET or HEAD with content or one range of it; who may have it is asked before.

    Raises RangeNotSatisfiable.
    """
    wanted = range_of(request, found.size)
    start, end = wanted or (0, found.size)
    answered = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    if download_name:
        answered["Content-Disposition"] = disposition(download_name)
    answered.update(headers or {})
    status = 200
    if wanted:
        status = 206
        answered["Content-Range"] = f"bytes {start}-{end - 1}/{found.size}"
    if request.method == "HEAD":
        return PiecesResponse(iter(()), length=end - start, status=status, headers=answered)
    pieces = await in_thread(found.pieces, start, end)
    return PiecesResponse(pieces, length=end - start, status=status, headers=answered)


def disposition(name: str) -> str:
    """`Content-Disposition` for a download under this name, whatever letters it has."""
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    plain = "".join("_" if c in '"\\' or not c.isprintable() else c for c in plain)
    return f"inline; filename*=UTF-8''{quote(name, safe='')}; filename=\"{plain}\";"


def open_content(sha256: str) -> IO[bytes]:
    """A seekable reader, for those who want a header or a scan. Raises ContentMissing."""
    found = content(sha256)
    if found.path is not None:
        return found.path.open("rb")
    return cast(IO[bytes], io.BufferedReader(_Reader(found), buffer_size=64 * 2**10))


class _Reader(io.RawIOBase):
    """Reads Xet content from any place; nothing beyond what is asked for is decoded."""

    def __init__(self, found: Content) -> None:
        self._size = found.size
        self._runs = found.runs()
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]
        end = min(self._size, self._position + len(buffer))
        written = 0
        for piece in read_range(self._runs, self._position, max(end, self._position)):
            buffer[written : written + len(piece)] = piece
            written += len(piece)
        self._position += written
        return written


def xet_hashes(sha256s: Iterable[str]) -> dict[str, str]:
    """The Xet hash of each content that has one, for listings."""
    found: dict[str, str] = {}
    for some in _batches(sha256s):
        objects = LfsObject.objects.filter(pk__in=some).exclude(xet_hash="")
        found |= dict(objects.values_list("sha256", "xet_hash"))
    return found


def is_linked(*, repository_id: int, sha256: str) -> bool:
    return LfsLink.objects.filter(repository_id=repository_id, object_id=sha256).exists()


def linked_sizes(repository_id: int, sha256s: Iterable[str]) -> dict[str, int]:
    """Size by sha256 of those contents that the repository may use."""
    found: dict[str, int] = {}
    for some in _batches(sha256s):
        links = LfsLink.objects.filter(repository_id=repository_id, object_id__in=some)
        found |= dict(links.values_list("object_id", "object__size"))
    return found


def _batches(sha256s: Iterable[str]) -> Iterator[list[str]]:
    rest = list(sha256s)
    for start in range(0, len(rest), _MANY):
        yield rest[start : start + _MANY]


@transaction.atomic
def link_content(*, repository_id: int, sha256: str, size: int, file_name: str = "") -> None:
    """Let the repository use this content. The caller has made sure that it may.

    Raises ContentMissing when the hub does not have content of this hash and size.
    """
    if not LfsObject.objects.filter(pk=sha256, size=size).exists():
        raise ContentMissing(sha256)
    link, _ = LfsLink.objects.get_or_create(repository_id=repository_id, object_id=sha256)
    if file_name and link.file_name != file_name:
        link.file_name = file_name
        link.save(update_fields=["file_name"])
