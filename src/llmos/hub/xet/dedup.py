"""Answers to "do you have this chunk?": enough for a client to refer to it, and no more.

Only content of public repositories or of the asker's own is told, chunk hashes go out
keyed with fresh randomness, and chunks of a block that belong to other files are masked.
"""

import os
from collections import defaultdict
from time import time

from django.db.models import Q

from llmos.hub.models import LfsLink, Repository, Visibility
from llmos.hub.xet.blocks import index_of
from llmos.hub.xet.models import XetChunk, XetTerm
from llmos.wire.xet import shard
from llmos.wire.xet.hashing import from_text
from llmos.wire.xet.shard import Offer

_MOST_XORBS = 64
_MOST_FILES = 32
KEPT_FOR = 7 * 86400  # seconds that a client may keep an answer


def answer_for(repository: Repository, chunk: str) -> bytes | None:
    """A shard telling where this chunk and its neighbours lie; None when it may not be told."""
    hit = XetChunk.objects.filter(pk=chunk).values_list("xorb_id", flat=True).first()
    if hit is None:
        return None
    files = _tellable_files(repository, hit)
    if not files:
        return None
    shown: dict[str, list[tuple[int, int]]] = defaultdict(list)
    terms = XetTerm.objects.filter(file_id__in=files).order_by("file_id", "position")
    for xorb, first, end in terms.values_list("xorb_id", "first_chunk", "end_chunk"):
        if xorb in shown or len(shown) < _MOST_XORBS or xorb == hit:
            shown[xorb].append((first, end))
    created = int(time())
    return shard.print_answer(
        [_offer(xorb, ranges) for xorb, ranges in shown.items()],
        key=os.urandom(32),
        created=created,
        expires=created + KEPT_FOR,
    )


def _tellable_files(repository: Repository, xorb: str) -> list[str]:
    """Files using this xorb that anybody may read, or that the asker's repository holds."""
    hashes = list(
        XetTerm.objects.filter(xorb_id=xorb).values_list("file_id", flat=True).distinct()[:1000]
    )
    public = Q(
        repository__visibility=Visibility.PUBLIC, repository__gated="", repository__disabled=False
    )
    return list(
        LfsLink.objects.filter(object__xet_hash__in=hashes)
        .filter(public | Q(repository=repository))
        .values_list("object__xet_hash", flat=True)
        .distinct()[:_MOST_FILES]
    )


def _offer(xorb: str, ranges: list[tuple[int, int]]) -> Offer:
    index = index_of(xorb)
    shown = bytearray(index.count)
    for first, end in ranges:
        shown[first:end] = b"\1" * (end - first)
    chunks = [
        (chunk if shown[number] else os.urandom(32), size)
        for number, (chunk, size) in enumerate(index.chunks(0, index.count))
    ]
    return Offer(from_text(xorb), index.stored_size, chunks)
