"""Taking a shard: what it says of files is proven with the stored chunks, then kept at once.

A file's row appears only after its range hashes, its file hash and the SHA-256 of its
reassembled bytes are recomputed here; an oid is never bound to bytes on a client's word.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.db import transaction

from llmos.hub.models import LfsLink, LfsObject
from llmos.hub.xet.blocks import index_of, unknown_among
from llmos.hub.xet.errors import FalseShard, UnknownXorb
from llmos.hub.xet.models import XetChunk, XetFile, XetTerm, Xorb
from llmos.hub.xet.queries import Run
from llmos.hub.xet.reading import sha256_of
from llmos.wire.xet import hashing, shard
from llmos.wire.xet.hashing import Buffer, to_text

_MANY = 500  # rows in one statement


@dataclass(slots=True)
class Progress:
    """How far a registration has come, for whoever tells the waiting client."""

    verified: int = 0  # raw bytes
    total: int = 0


@dataclass(frozen=True, slots=True)
class _File:
    hash: str
    size: int
    sha256: str  # as claimed until verified; empty when the client claims none
    runs: Sequence[Run]
    offered: dict[str, str]  # chunk hash to xorb: what answers deduplication queries


def register_shard(*, repository_id: int, content: Buffer, progress: Progress) -> bool:
    """Verify a shard and keep its files, linked to the repository; whether anything is new.

    Raises MalformedShard, UnknownXorb, FalseShard.
    """
    parsed = shard.parse(content)
    _require_xorbs(parsed)
    files = {file.hash: file for file in map(_proven, parsed.files)}
    known = dict(XetFile.objects.in_bulk(list(files)))
    progress.total = sum(f.size for f in files.values() if f.hash not in known)
    verified: list[_File] = []
    for file in files.values():
        row = known.get(file.hash)
        sha256 = row.sha256 if row else _sha256_of(file, progress)
        if file.sha256 and file.size and file.sha256 != sha256:
            raise FalseShard(f"file {file.hash} was sent as sha256 {file.sha256}, it is {sha256}")
        verified.append(_File(file.hash, file.size, sha256, file.runs, file.offered))
    return _keep(repository_id, verified)


def _require_xorbs(parsed: shard.Shard) -> None:
    named = {to_text(entry.hash) for entry in parsed.xorbs}
    for file in parsed.files:
        named.update(to_text(term.xorb) for term in file.terms())
    missing = unknown_among(named)
    if missing:
        raise UnknownXorb(min(missing))


def _proven(entry: shard.FileEntry) -> _File:
    """Check a file's terms against the stored chunk lists. Raises FalseShard."""
    name = to_text(entry.hash)
    runs: list[Run] = []
    chunks: list[tuple[bytes, int]] = []
    offered: dict[str, str] = {}
    for term in entry.terms():
        xorb = to_text(term.xorb)
        part = _proven_term(name, xorb, term)
        for position, (chunk, _) in enumerate(part):
            if hashing.is_offered(chunk) or (not chunks and not position):
                offered[to_text(chunk)] = xorb
        chunks += part
        runs.append(Run(xorb, term.first_chunk, term.end_chunk, term.raw_size))
    if hashing.file_hash(chunks) != entry.hash:
        raise FalseShard(f"file {name}: its chunks have another file hash")
    claimed = to_text(entry.sha256) if entry.sha256 else ""
    return _File(name, sum(run.size for run in runs), claimed, runs, offered)


def _proven_term(file: str, xorb: str, term: shard.Term) -> list[tuple[bytes, int]]:
    index = index_of(xorb)
    if not term.first_chunk < term.end_chunk <= index.count:
        raise FalseShard(f"file {file}: xorb {xorb} has no such chunk range")
    chunks = index.chunks(term.first_chunk, term.end_chunk)
    if sum(size for _, size in chunks) != term.raw_size:
        raise FalseShard(f"file {file}: a term of xorb {xorb} has another length")
    # The proof shows that the uploader knows the chunks, not only the name of a xorb.
    if term.proof != hashing.range_hash(chunk for chunk, _ in chunks):
        raise FalseShard(f"file {file}: a term of xorb {xorb} has a wrong verification hash")
    return chunks


def _sha256_of(file: _File, progress: Progress) -> str:
    def passed(size: int) -> None:
        progress.verified += size

    return sha256_of(file.runs, passed=passed)


@transaction.atomic
def _keep(repository_id: int, files: Sequence[_File]) -> bool:
    by_sha256 = {file.sha256: file for file in files}
    objects = LfsObject.objects.in_bulk(list(by_sha256))
    # Content that was chunked otherwise before keeps its first Xet hash; one is enough.
    wanted = [f for f in by_sha256.values() if not _has_hash(objects.get(f.sha256))]
    known = set(XetFile.objects.in_bulk([f.hash for f in wanted]))
    new = [f for f in wanted if f.hash not in known]
    _keep_files(new)
    LfsObject.objects.bulk_create(
        LfsObject(sha256=f.sha256, size=f.size, xet_hash=f.hash)
        for f in wanted
        if f.sha256 not in objects
    )
    for file in wanted:
        if file.sha256 in objects:
            LfsObject.objects.filter(pk=file.sha256).update(xet_hash=file.hash)
    LfsLink.objects.bulk_create(
        [LfsLink(repository_id=repository_id, object_id=sha256) for sha256 in by_sha256],
        batch_size=_MANY,
        ignore_conflicts=True,
    )
    return bool(wanted)


def _has_hash(found: LfsObject | None) -> bool:
    return found is not None and bool(found.xet_hash)


def _keep_files(files: Sequence[_File]) -> None:
    names = {run.xorb for file in files for run in file.runs}
    for some in _batches(sorted(names)):
        Xorb.objects.filter(pk__in=some).update(unused_since=None)
    XetFile.objects.bulk_create(
        [XetFile(hash=f.hash, size=f.size, sha256=f.sha256) for f in files], batch_size=_MANY
    )
    XetTerm.objects.bulk_create(
        [
            XetTerm(
                file_id=file.hash,
                position=position,
                xorb_id=run.xorb,
                first_chunk=run.first,
                end_chunk=run.end,
                size=run.size,
            )
            for file in files
            for position, run in enumerate(file.runs)
        ],
        batch_size=_MANY,
    )
    offered = {chunk: xorb for file in files for chunk, xorb in file.offered.items()}
    XetChunk.objects.bulk_create(
        [XetChunk(hash=chunk, xorb_id=xorb) for chunk, xorb in offered.items()],
        batch_size=_MANY,
        ignore_conflicts=True,
    )


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _MANY):
        yield names[start : start + _MANY]
