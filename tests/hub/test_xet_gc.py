"""Garbage goes, but never from under a client that still counts on it."""

import hashlib
import os
import time
from datetime import timedelta

import pytest
from tests.hub.xet_rows import new_repository, stored_block, stored_file

from llmos.hub.health import content_findings
from llmos.hub.lfs.actions import keep_blob
from llmos.hub.models import LfsLink, LfsObject
from llmos.hub.xet.blocks import is_stored, xorb_path
from llmos.hub.xet.gc import Collected, collect_garbage, stray_findings
from llmos.hub.xet.generation import generation
from llmos.hub.xet.models import XetFile, Xorb
from llmos.kit.time import now
from llmos.store.blobs import Received, blob_path, upload_path
from llmos.wire.xet import xorb

pytestmark = pytest.mark.django_db

AT_ONCE = timedelta(0)
LONG_AGO = timedelta(days=60)


def _age() -> None:
    """Everything was made long ago."""
    for model in (LfsObject, XetFile, Xorb):
        model.objects.update(created_at=now() - LONG_AGO)


def _collect() -> Collected:
    return collect_garbage(grace_days=30, settled=AT_ONCE)


def test_what_a_repository_holds_stays() -> None:
    stored = stored_file(xorbs=2)
    _age()
    before = generation()
    assert _collect() == Collected(files=0, xorbs=0, bytes=0, waiting=0)
    assert generation() == before
    assert all(xorb_path(name).exists() for name in stored.xorbs)


def test_unused_content_goes_in_the_run_after_clients_were_made_to_forget() -> None:
    stored = stored_file(xorbs=2)
    LfsLink.objects.all().delete()
    _age()
    before = generation()
    first = _collect()
    assert (first.files, first.xorbs, first.waiting) == (1, 0, 2)
    assert generation() == before + 1
    assert all(xorb_path(name).exists() for name in stored.xorbs)
    assert collect_garbage(grace_days=30).xorbs == 0  # tokens for the old address still live
    Xorb.objects.update(unused_since=now() - LONG_AGO)
    assert _collect().xorbs == 2
    assert not any(xorb_path(name).exists() for name in stored.xorbs)
    assert not XetFile.objects.exists()


def test_a_block_that_is_sent_again_is_not_removed() -> None:
    name = stored_block([(xorb.RAW, os.urandom(50))])
    _age()
    assert _collect().waiting == 1
    Xorb.objects.update(unused_since=now() - LONG_AGO)
    assert is_stored(name)
    assert _collect().xorbs == 0
    assert xorb_path(name).exists()


def test_a_block_of_an_upload_in_progress_is_not_even_marked() -> None:
    stored_block([(xorb.RAW, os.urandom(50))])
    assert collect_garbage(grace_days=0, settled=AT_ONCE).waiting == 0


def test_a_whole_file_without_a_repository_goes() -> None:
    sha256 = _kept_blob(new_repository().pk)
    assert blob_path(sha256).exists()
    LfsLink.objects.all().delete()
    _age()
    assert _collect().files == 1
    assert not blob_path(sha256).exists()
    assert not LfsObject.objects.exists()


def test_strays_are_found_and_can_be_removed() -> None:
    stray = xorb_path("f" * 64)
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"x")
    lost = blob_path("e" * 64)
    lost.parent.mkdir(parents=True, exist_ok=True)
    lost.write_bytes(b"x")
    unfinished = upload_path()
    unfinished.write_bytes(b"x")
    assert not [f for f in stray_findings() if f.subject == str(stray)]  # may be on its way
    for path in (stray, lost, unfinished):
        os.utime(path, (time.time() - 10 * 86400,) * 2)
    mine = {str(stray), str(lost), str(unfinished)}
    found = {f.subject: f for f in stray_findings() if f.subject in mine}
    assert set(found) == mine
    for finding in found.values():
        assert finding.repair is not None
        finding.repair()
    assert not [f for f in stray_findings() if f.subject in mine]


def _kept_blob(repository_id: int) -> str:

    content = os.urandom(100)
    path = upload_path()
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    keep_blob(repository_id=repository_id, body=Received(path=path, size=100, sha256=sha256))
    return sha256


def test_a_lost_block_that_no_file_uses_is_forgotten_and_a_used_one_told() -> None:
    unused = stored_block([(xorb.RAW, b"nobody's" * 1000)])
    used = stored_file().xorbs[0]
    for name in (unused, used):
        xorb_path(name).unlink()

    findings = {f.subject: f for f in content_findings(thorough=False)}

    assert findings[f"xorb {used}"].repair is None
    repair = findings[f"xorb {unused}"].repair
    assert repair is not None
    repair()
    assert not Xorb.objects.filter(pk=unused).exists()
