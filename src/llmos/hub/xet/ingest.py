"""Chunking whole files with the clients' own library, against this hub's own storage.

The hub thus treats itself as one more client: what comes in is verified like anybody's,
and read back once more before anyone lets go of the whole file.
"""

import json
import logging
import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

import hf_xet

from llmos.hub.models import LfsLink, LfsObject
from llmos.hub.xet.errors import ContentDamaged, UnknownXorb
from llmos.hub.xet.generation import generation
from llmos.hub.xet.queries import runs_of
from llmos.hub.xet.reading import sha256_of
from llmos.hub.xet.tokens import Grant, issue_token
from llmos.kit.errors import Refusal
from llmos.kit.home import home_from_environment
from llmos.store.blobs import blob_path, upload_path

logger = logging.getLogger(__name__)

_LIFETIME = 24 * 3600  # seconds: one run may take hours and nobody is there to refresh


class CannotIngest(Refusal):
    """The hub's own web process does not answer, or did not take the content."""

    status = 503
    code = "CannotIngest"


def ingest(objects: Sequence[LfsObject]) -> list[str]:
    """Store whole files as chunks too; the sha256 of each that was read back right.

    Raises CannotIngest when nothing could be sent; the whole files stay in any case.
    """
    url = own_address()
    by_repository = defaultdict(list)
    for found in objects:
        if found.xet_hash:
            continue
        link = LfsLink.objects.filter(object=found).order_by("pk").first()
        if link is not None and blob_path(found.sha256).exists():
            by_repository[link.repository_id].append(found.sha256)
    for repository_id, sha256s in by_repository.items():
        _upload(f"{url}/cas/g{generation()}", repository_id, sha256s)
    return [found.sha256 for found in objects if _reads_back(found.sha256)]


def own_address() -> str:
    """Where this hub's web process answers on this machine. Raises CannotIngest."""
    try:
        written = json.loads((home_from_environment().run / "address.json").read_text())
    except (OSError, ValueError) as error:
        raise CannotIngest("the hub is not running") from error
    return str(written["url"])


def _upload(endpoint: str, repository_id: int, sha256s: Iterable[str]) -> None:
    token = issue_token(Grant("write", repository_id, inside=True), lifetime=_LIFETIME)
    try:
        with (
            _own_cache(),
            hf_xet.XetSession().new_upload_commit(
                endpoint=endpoint, token=token.text, token_expiry_unix_secs=token.expires
            ) as commit,
        ):
            for sha256 in sha256s:
                commit.start_upload_file(str(blob_path(sha256)), sha256=sha256)
    except (RuntimeError, OSError, ConnectionError) as error:
        raise CannotIngest(f"content storage did not take it: {error}") from error


@contextmanager
def _own_cache() -> Iterator[None]:
    """A cache for one run only: what a client remembers must not outlive a clean-up here."""
    folder = upload_path()
    before = os.environ.get("HF_XET_CACHE")
    os.environ["HF_XET_CACHE"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["HF_XET_CACHE"]
        else:
            os.environ["HF_XET_CACHE"] = before
        shutil.rmtree(folder, ignore_errors=True)


def _reads_back(sha256: str) -> bool:
    row = LfsObject.objects.filter(pk=sha256).exclude(xet_hash="").first()
    if row is None:
        return False
    try:
        found = sha256_of(runs_of(row.xet_hash))
    except (ContentDamaged, UnknownXorb) as damage:
        logger.error("content %s cannot be read back: %s", sha256, damage.message)
        return False
    return found == sha256
