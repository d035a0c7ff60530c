"""Uploads in parts: each part is written to its place in one file, completion hashes it all.

An unfinished upload does not outlive the web process; its client starts again.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from llmos.hub.lfs.actions import keep_blob
from llmos.hub.lfs.transfer import Transfer, part_size, part_sizes
from llmos.kit.errors import Invalid, NotFound
from llmos.kit.home import home_from_environment
from llmos.store.blobs import PIECE, Received

_NAME = re.compile(r"[0-9a-f]{32}")


class UploadGone(NotFound):
    def __init__(self) -> None:
        super().__init__("This multipart upload is finished or was interrupted; start it again")


def start_upload(size: int) -> str:
    """Make room for an upload of this size; its name goes into the signed addresses."""
    name = uuid4().hex
    folder = _folder(name)
    folder.mkdir(parents=True)
    with (folder / "whole").open("wb") as file:
        file.truncate(size)
    return name


def open_part(transfer: Transfer, number: int) -> tuple[int, int, int]:
    """(descriptor, offset, length) where part `number`, from 1, belongs.

    Raises Invalid, UploadGone.
    """
    sizes = part_sizes(transfer.size)
    if not 1 <= number <= len(sizes):
        raise Invalid(f"This upload has parts 1 to {len(sizes)}")
    try:
        descriptor = os.open(_folder(transfer.upload) / "whole", os.O_WRONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise UploadGone from None
    return descriptor, (number - 1) * part_size(transfer.size), sizes[number - 1]


def note_part(transfer: Transfer, number: int, etag: str) -> None:
    """Remember that a part is written. Raises UploadGone."""
    try:
        (_folder(transfer.upload) / f"{number}.part").write_text(etag)
    except FileNotFoundError:
        raise UploadGone from None


def complete(transfer: Transfer, parts: Sequence[Any]) -> None:
    """Check every part and the whole, and keep it. Raises Invalid, UploadGone."""
    folder = _folder(transfer.upload)
    if not folder.is_dir():
        raise UploadGone
    _check_parts(folder, transfer, parts)
    whole = folder / "whole"
    sha256 = _sha256_of(whole)
    if sha256 != transfer.sha256:
        raise Invalid(f"The parts together have sha256 {sha256}, not {transfer.sha256}")
    keep_blob(
        repository_id=transfer.repository_id,
        body=Received(path=whole, size=transfer.size, sha256=sha256),
    )
    shutil.rmtree(folder, ignore_errors=True)


def _check_parts(folder: Path, transfer: Transfer, parts: Sequence[Any]) -> None:
    sent = {}
    for part in parts:
        if not isinstance(part, dict):
            raise Invalid("Each part is an object with partNumber and etag")
        sent[part.get("partNumber")] = str(part.get("etag", "")).strip('"')
    for number in range(1, len(part_sizes(transfer.size)) + 1):
        try:
            written = (folder / f"{number}.part").read_text()
        except FileNotFoundError:
            raise Invalid(f"Part {number} has not arrived") from None
        if sent.get(number) != written:
            raise Invalid(f"Part {number} is not the one that arrived")


def _sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    buffer = bytearray(PIECE)
    with path.open("rb", buffering=0) as file, memoryview(buffer) as view:
        while count := file.readinto(buffer):
            digest.update(view[:count])
        os.fsync(file.fileno())
    return digest.hexdigest()


def _folder(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise UploadGone
    return home_from_environment().uploads / f"parts-{name}"
