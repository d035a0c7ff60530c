"""The commit stream: one JSON object a line, read as it comes, never held whole.

A line is small, or it is one file's base64 text; that one goes through a temporary file, so
that memory stays flat however large the commit is.
"""

import base64
import binascii
import mmap
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

import orjson
from django.utils.translation import gettext as _

from llmos.hub.git.config import GitSettings
from llmos.hub.git.paths import BadPath
from llmos.kit.config import current
from llmos.kit.errors import Invalid, TooLarge
from llmos.kit.home import home_from_environment
from llmos.wire.lfs import POINTER_CUTOFF, SHA256, parse_pointer

LINE_IN_MEMORY = 2**20  # bytes
LONGEST_TEXT = 64 * 2**10  # characters of a summary or a description
_DECODED_AT_ONCE = 2**18  # characters of base64, a multiple of four
_CONTENT = re.compile(rb'"content"\s*:\s*"')


class FileTooLarge(TooLarge):
    """A regular file over the limit: it must travel as a large file."""

    status = 422

    def __init__(self, path: str) -> None:
        limit = current(GitSettings).largest_regular_file
        super().__init__(
            _(
                "'%(path)s' is over %(mib)d MiB, the most that git itself should hold; "
                "upload it as a large file (LFS or Xet)"
            )
            % {"path": path[:200], "mib": limit // 2**20}
        )


@dataclass(frozen=True, slots=True)
class Header:
    summary: str
    description: str
    parent: str | None


@dataclass(frozen=True, slots=True)
class PutFile:
    path: str
    content: bytes | IO[bytes]
    size: int


@dataclass(frozen=True, slots=True)
class PutLarge:
    """A large file by name; without a size the hub knows it."""

    path: str
    sha256: str
    size: int | None


@dataclass(frozen=True, slots=True)
class Remove:
    path: str


@dataclass(frozen=True, slots=True)
class Copy:
    path: str
    source: str
    revision: str | None


Change = PutFile | PutLarge | Remove | Copy


class Lines:
    """Cuts a byte stream into lines; a long one comes as a temporary file."""

    def __init__(self) -> None:
        self._limit = current(GitSettings).largest_regular_file * 4 // 3 + LINE_IN_MEMORY
        self._start = bytearray()
        self._rest: IO[bytes] | None = None
        self._length = 0

    def feed(self, chunk: bytes) -> Iterator[bytes | IO[bytes]]:
        """Raises TooLarge when a line is longer than any file may be."""
        start = 0
        while (end := chunk.find(b"\n", start)) != -1:
            self._add(chunk[start:end])
            yield self._take()
            start = end + 1
        self._add(chunk[start:])

    def end(self) -> Iterator[bytes | IO[bytes]]:
        if self._length:
            yield self._take()

    def close(self) -> None:
        if self._rest is not None:
            self._rest.close()

    def _add(self, part: bytes) -> None:
        self._length += len(part)
        if self._length > self._limit:
            raise TooLarge(
                f"A line of the commit is over {self._limit} bytes; large files travel through "
                "LFS or Xet"
            )
        if self._rest is None and self._length > LINE_IN_MEMORY:
            self._rest = temporary()
            self._rest.write(self._start)
            self._start.clear()
        if self._rest is not None:
            self._rest.write(part)
        else:
            self._start += part

    def _take(self) -> bytes | IO[bytes]:
        rest, start = self._rest, bytes(self._start)
        self._rest, self._length = None, 0
        self._start.clear()
        if rest is None:
            return start
        rest.flush()
        return rest


def read_line(line: bytes | IO[bytes]) -> Header | Change | None:
    """What one line says; None for an empty one. Raises Invalid, BadPath, FileTooLarge."""
    if not isinstance(line, bytes):
        with line:
            return _read_long_line(line)
    if not line.strip():
        return None
    key, value = _key_and_value(line)
    if key == "header":
        return _header(value)
    path = _path(value, "path")
    if key == "file":
        return _file(path, value)
    if key == "lfsFile":
        return _large_file(path, value)
    if key in {"deletedFile", "deletedFolder"}:
        return Remove(path)
    if key == "copyFile":
        revision = value.get("srcRevision")
        return Copy(path, _path(value, "srcPath"), revision if isinstance(revision, str) else None)
    raise Invalid(f"Unknown kind of line {key!r} in a commit")


def temporary() -> IO[bytes]:
    """A file that is gone when closed, on the disk that holds the home."""
    folder = home_from_environment().uploads
    folder.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryFile(dir=folder)


def _key_and_value(line: bytes) -> tuple[str, dict[str, Any]]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise Invalid(f"A line of the commit is not JSON: {error}") from error
    if not isinstance(found, dict) or not isinstance(found.get("value"), dict):
        raise Invalid('A line of the commit reads {"key": …, "value": {…}}')
    return str(found.get("key")), found["value"]


def _header(value: dict[str, Any]) -> Header:
    summary, description = value.get("summary") or "", value.get("description") or ""
    parent = value.get("parentCommit") or None
    if not all(isinstance(text, str) for text in (summary, description, parent or "")):
        raise Invalid("summary, description and parentCommit of a commit are texts")
    if len(summary) > LONGEST_TEXT or len(description) > LONGEST_TEXT:
        raise Invalid(f"A commit's summary and description have at most {LONGEST_TEXT} characters")
    return Header(summary, description, parent)


def _path(value: dict[str, Any], name: str) -> str:
    path = value.get(name)
    if not isinstance(path, str):
        raise Invalid(f"{name} must be a text")
    if any("\ud800" <= c <= "\udfff" for c in path):
        raise BadPath(path, "is not valid Unicode")
    return path


def _file(path: str, value: dict[str, Any]) -> PutFile | PutLarge:
    content = value.get("content")
    if not isinstance(content, str):
        raise Invalid(f"The content of '{path[:200]}' is missing")
    if value.get("encoding", "utf-8") == "base64":
        try:
            decoded = base64.b64decode("".join(content.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise Invalid(f"The content of '{path[:200]}' is not base64") from error
    else:
        decoded = content.encode("utf-8", "surrogatepass")
    if len(decoded) > current(GitSettings).largest_regular_file:
        raise FileTooLarge(path)
    # A pointer sent as text means the large file it names, and is held to the same rules.
    pointer = parse_pointer(decoded) if len(decoded) < POINTER_CUTOFF else None
    if pointer is not None:
        return PutLarge(path, pointer.sha256, pointer.size)
    return PutFile(path, decoded, len(decoded))


def _large_file(path: str, value: dict[str, Any]) -> PutLarge:
    oid, size = value.get("oid"), value.get("size")
    if value.get("algo", "sha256") != "sha256":
        raise Invalid("Large files are named by sha256")
    if not isinstance(oid, str) or not SHA256.fullmatch(oid):
        raise Invalid(f"The oid of '{path[:200]}' is not a sha256")
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 0):
        raise Invalid(f"The size of '{path[:200]}' is not a number of bytes")
    return PutLarge(path, oid, size)


def _read_long_line(line: IO[bytes]) -> PutFile:
    with mmap.mmap(line.fileno(), 0, access=mmap.ACCESS_READ) as text:
        found = _CONTENT.search(text)
        # JSON text has no bare quote inside, so the next one ends it.
        end = text.find(b'"', found.end()) if found else -1
        if found is None or end < 0:
            raise Invalid("A long line of the commit must be a file with its content")
        if found.start() + len(text) - end > LINE_IN_MEMORY:
            raise Invalid("A long line of the commit must be a file with its content")
        key, value = _key_and_value(text[: found.end()] + text[end:])
        path = _path(value, "path")
        if key != "file" or value.get("encoding") != "base64":
            raise Invalid("A long line of the commit must be a file in base64")
        return _decoded(path, text, found.end(), end)


def _decoded(path: str, text: mmap.mmap, start: int, end: int) -> PutFile:
    content, size = temporary(), 0
    try:
        for part in _base64_parts(text, start, end):
            size += content.write(base64.b64decode(part, validate=True))
        if size > current(GitSettings).largest_regular_file:
            raise FileTooLarge(path)
        content.seek(0)
    except binascii.Error as error:
        content.close()
        raise Invalid(f"The content of '{path[:200]}' is not base64") from error
    except FileTooLarge:
        content.close()
        raise
    return PutFile(path, content, size)


def _base64_parts(text: mmap.mmap, start: int, end: int) -> Iterator[bytes]:
    """The text in whole groups of four, so that each part decodes by itself."""
    carried = b""
    for at in range(start, end, _DECODED_AT_ONCE):
        part = carried + text[at : min(at + _DECODED_AT_ONCE, end)]
        held = part.endswith(b"\\")  # half of an escaped slash
        plain = part[: len(part) - held].replace(b"\\/", b"/")
        whole = len(plain) - len(plain) % 4
        carried = plain[whole:] + b"\\" * held
        yield plain[:whole]
        if plain[:whole].endswith(b"=") and (carried or at + _DECODED_AT_ONCE < end):
            raise binascii.Error("padding inside")
    if carried:
        raise binascii.Error("incomplete")
