"""Xet files as rows and blocks, made through the same actions as a client's."""

import hashlib
import random
from dataclasses import dataclass
from uuid import uuid4

from tests.wire.shards import uploaded
from tests.wire.xorbs import packed, root_of

from llmos.accounts.models import Namespace, User
from llmos.hub.models import Repository
from llmos.hub.xet.actions import Progress, register_shard
from llmos.hub.xet.blocks import store_xorb, verify_file
from llmos.store.blobs import upload_path
from llmos.wire.xet import hashing, xorb


@dataclass(frozen=True)
class Stored:
    repository_id: int
    content: bytes
    sha256: str
    hash: str
    xorbs: list[str]
    borders: list[int]  # of the chunks, raw


def new_repository() -> Repository:
    name = f"n{uuid4().hex[:12]}"
    namespace = Namespace.objects.create(name=name, key=name, kind="user")
    user = User.objects.create(username=name, namespace=namespace)
    return Repository.objects.create(
        type="model",
        namespace=namespace,
        name="r",
        full_name=f"{name}/r",
        key=f"{name}/r",
        created_by=user,
    )


def stored_block(chunks: list[tuple[int, bytes]]) -> str:
    """Put a xorb in place as an upload would."""
    name = root_of([raw for _, raw in chunks])
    path = upload_path()
    path.write_bytes(packed(chunks))
    store_xorb(path, name, verify_file(path, name))
    return name


def stored_file(
    *,
    seed: int = 0,
    xorbs: int = 1,
    chunks: int = 1,
    chunks_of: list[list[tuple[int, bytes]]] | None = None,
) -> Stored:
    """A file over several xorbs, each chunk stored by a scheme of its own."""
    repository = new_repository()
    blocks = chunks_of or _random_blocks(random.Random(f"{seed}{uuid4()}"), xorbs, chunks)
    names = [stored_block(block) for block in blocks]
    parts = [raw for block in blocks for _, raw in block]
    content = b"".join(parts)
    shard = uploaded(content, chunks=parts, blocks=[[raw for _, raw in b] for b in blocks])
    register_shard(repository_id=repository.pk, content=shard, progress=Progress())
    borders = [0]
    for part in parts:
        borders.append(borders[-1] + len(part))
    nodes = [(hashing.chunk_hash(part), len(part)) for part in parts]

    return Stored(
        repository_id=repository.pk,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        hash=hashing.to_text(hashing.file_hash(nodes)),
        xorbs=names,
        borders=borders,
    )


def _random_blocks(chance: random.Random, xorbs: int, chunks: int) -> list[list[tuple[int, bytes]]]:
    def chunk() -> tuple[int, bytes]:
        scheme = chance.choice([xorb.RAW, xorb.RAW, xorb.LZ4, xorb.BG4_LZ4])
        size = chance.randrange(1, 3000)
        return scheme, chance.randbytes(size) if scheme == xorb.RAW else b"ab%d" % size * size

    return [[chunk() for _ in range(chunks)] for _ in range(xorbs)]
