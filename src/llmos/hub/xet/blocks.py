"""Xorbs at rest: one immutable file each, and the chunk list that was verified with it."""

import mmap
import os
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path

from django.db import transaction

from llmos.hub.xet.errors import UnknownXorb
from llmos.hub.xet.models import Xorb
from llmos.kit.files import move_into_place
from llmos.kit.home import home_from_environment
from llmos.store.blobs import fanned
from llmos.wire.xet import xorb as format
from llmos.wire.xet.xorb import Index, MalformedXorb

_MANY = 500  # names in one query; SQLite takes about a thousand
_KEPT_MAPPED = 4 * 2**20  # bytes; mapped pages count as memory of the process


def xorb_path(name: str) -> Path:
    return fanned(home_from_environment().xorbs, name)


@lru_cache(maxsize=64)  # about 40 kB each, 330 kB at most
def index_of(name: str) -> Index:
    """The chunk list of a stored xorb. Raises UnknownXorb."""
    found = Xorb.objects.filter(pk=name).values_list("chunks", flat=True).first()
    if found is None:
        raise UnknownXorb(name)
    return Index(bytes(found))


def unknown_among(names: Iterable[str]) -> set[str]:
    """Which of these xorbs are not stored."""
    missing = set(names)
    wanted = sorted(missing)
    for start in range(0, len(wanted), _MANY):
        some = wanted[start : start + _MANY]
        missing -= set(Xorb.objects.filter(pk__in=some).values_list("pk", flat=True))
    return missing


def is_stored(name: str) -> bool:
    """Whether this xorb need not be sent again; it then counts as wanted anew."""
    if not xorb_path(name).exists():
        return False
    return bool(Xorb.objects.filter(pk=name).update(unused_since=None))


def verify_file(path: Path, name: str) -> Index:
    """Check a serialized xorb in a file and cut off what is behind its chunks.

    Raises MalformedXorb, MalformedHash.
    """
    with path.open("r+b") as file:
        size = os.fstat(file.fileno()).st_size
        if not size:
            raise MalformedXorb("The xorb is empty")
        mapped = mapped_file(file.fileno())
        index = format.verify(mapped, name, passed=forgetting(mapped))
        if index.stored_size < size:
            file.truncate(index.stored_size)
            os.fsync(file.fileno())
    return index


def mapped_file(descriptor: int) -> mmap.mmap:
    """A file as memory, to be read from front to back.

    It is not closed by hand: a refusal on its way up still holds views of it.
    """
    mapped = mmap.mmap(descriptor, 0, prot=mmap.PROT_READ)
    mapped.madvise(mmap.MADV_SEQUENTIAL)
    return mapped


def forgetting(mapped: mmap.mmap) -> Callable[[int], None]:
    """What to tell how far reading has come, so that pages behind it leave this process."""
    forgotten = 0

    def passed(end: int) -> None:
        nonlocal forgotten
        if end - forgotten >= _KEPT_MAPPED:
            forget = (end - forgotten) // _KEPT_MAPPED * _KEPT_MAPPED
            mapped.madvise(mmap.MADV_DONTNEED, forgotten, forget)
            forgotten += forget

    return passed


def store_xorb(temporary: Path, name: str, index: Index) -> bool:
    """Keep a verified, synced file as this xorb; whether it is new."""
    # One transaction around rename and row: garbage collection removes both likewise.
    with transaction.atomic():
        move_into_place(temporary, xorb_path(name))
        _, is_new = Xorb.objects.update_or_create(
            pk=name,
            defaults={"unused_since": None},
            create_defaults={
                "chunk_count": index.count,
                "raw_size": index.raw_size,
                "stored_size": index.stored_size,
                "chunks": index.records,
            },
        )
    return is_new
