"""Packing and sweeping: everything reachable stays, what killed processes left goes."""

import itertools
import os
import time
from pathlib import Path

import pytest

from llmos.hub.git import maintenance, refs, repos, tree
from llmos.hub.git.draft import Draft

_ids = itertools.count(4_000_000)


@pytest.fixture
def repository() -> int:
    number = next(_ids)
    repos.create(number, author="ada")
    return number


def commit(repository: int, path: str, content: bytes) -> str:
    base = refs.resolve(repository, "main")
    made = Draft(repository, base)
    made.describe(summary="Change", description="", author="ada")
    made.write(path, content)
    return made.land(repos.MAIN, old=base, retry=False).new


def aged(path: Path) -> Path:
    long_ago = time.time() - maintenance.ABANDONED - 1
    os.utime(path, (long_ago, long_ago))
    return path


def test_packing_keeps_every_file_and_an_open_reader(
    repository: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shas = [commit(repository, f"{number}.txt", b"%d" % number) for number in range(5)]
    monkeypatch.setattr(maintenance, "MANY_LOOSE", -1)
    maintenance.tidy(repository)
    objects = repos.path_of(repository) / "objects"
    assert list((objects / "pack").glob("*.pack"))
    assert not [f for f in objects.glob("??/*") if len(f.parent.name) == 2]
    assert refs.resolve(repository, "main") == shas[-1]
    for number, sha in enumerate(shas):
        assert tree.read_file(repository, sha, f"{number}.txt") == b"%d" % number
    commit(repository, "after.txt", b"x")


def test_sweeping_takes_old_leftovers_and_leaves_work_in_progress(repository: int) -> None:
    path = repos.path_of(repository)
    quarantine = path / "objects" / "tmp_objdir-incoming-abc"
    quarantine.mkdir()
    pack = path / "objects" / "pack" / "tmp_pack_1"
    pack.touch()
    half_made = path.parent / ".new-0"
    half_made.mkdir()
    for left in (quarantine, pack, half_made):
        aged(left)
    fresh = path / "objects" / "pack" / "tmp_pack_2"
    fresh.touch()
    maintenance.sweep_all()
    assert not any(left.exists() for left in (quarantine, pack, half_made))
    assert fresh.exists()
