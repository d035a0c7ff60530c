"""Git LFS pointers: the three-line text that stands in git for a large file.

Pure text in, plain values out: no storage, no HTTP. What a pointer means is the hub's
affair; this file only knows how one is spelled.
Spec: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
"""

import re
from dataclasses import dataclass

from llmos.kit.errors import Invalid

# git-lfs itself never looks for a pointer in a longer blob.
POINTER_CUTOFF = 1024  # bytes
_VERSION = b"version https://git-lfs.github.com/spec/v1\n"
_OID = re.compile(r"sha256:([0-9a-f]{64})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
SHA256 = re.compile(r"[0-9a-f]{64}")


class MalformedPointer(Invalid):
    """The first line promises a pointer and the rest breaks the promise."""


@dataclass(frozen=True, slots=True)
class Pointer:
    sha256: str
    size: int


def parse_pointer(blob: bytes) -> Pointer | None:
    """Read a pointer, or None when the blob is an ordinary file.

    Raises MalformedPointer: to store such a blob as text would lose the member's file.
    """
    if len(blob) >= POINTER_CUTOFF or not blob.startswith(_VERSION):
        return None
    fields = _fields(blob)
    oid = _OID.fullmatch(fields.get("oid", ""))
    size = _SIZE.fullmatch(fields.get("size", ""))
    if oid is None or size is None:
        raise MalformedPointer("An LFS pointer needs a sha256 oid and a size")
    return Pointer(sha256=oid[1], size=int(size[0]))


def print_pointer(pointer: Pointer) -> bytes:
    """The one canonical spelling, so that equal content gives equal git blobs."""
    return _VERSION + f"oid sha256:{pointer.sha256}\nsize {pointer.size}\n".encode()


def _fields(blob: bytes) -> dict[str, str]:
    try:
        lines = blob.decode().splitlines()
    except UnicodeDecodeError as error:
        raise MalformedPointer("An LFS pointer is UTF-8 text") from error
    found: dict[str, str] = {}
    for line in lines[1:]:
        name, space, value = line.partition(" ")
        if not space or name in found:
            raise MalformedPointer(f"An LFS pointer line reads `name value`, once: {line!r}")
        found[name] = value
    return found
