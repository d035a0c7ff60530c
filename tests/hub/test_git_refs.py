"""Revisions, branches and tags."""

import itertools
import os
import time

import pytest

from llmos.hub.errors import BranchMoved, ReferenceExists, RevisionNotFound
from llmos.hub.git import refs, repos
from llmos.kit.errors import Forbidden, Unprocessable

_ids = itertools.count(2_000_000)


@pytest.fixture
def repository() -> int:
    number = next(_ids)
    repos.create(number, author="ada")
    return number


def test_a_new_repository_has_one_commit_by_its_creator(repository: int) -> None:
    sha = refs.resolve(repository, "main")
    commit = repos.open_repository(repository)[sha]
    assert commit.author.name == "ada"
    assert [entry.name for entry in commit.tree] == [".gitattributes"]


def test_branches_tags_and_ids_name_commits(repository: int) -> None:
    sha = refs.resolve(repository, "main")
    refs.create_branch(repository, "dev", at=sha)
    refs.create_tag(repository, "v1", at=sha, message="", author="ada")
    refs.create_tag(repository, "v2", at=sha, message="Second", author="ada")
    for revision in ["main", "dev", "v1", "v2", "refs/heads/dev", sha, sha[:7], sha[:20]]:
        assert refs.resolve(repository, revision) == sha


@pytest.mark.parametrize(
    "revision",
    [
        "",
        "nope",
        "../main",
        "a\x00b",
        "f" * 40,
        "f" * 7,
        "refs/heads",
        "HEAD~1",
        "@{-1}",
        "main^",
        "-x",
        "refs/staging/x",
        "x" * 300,
        "main.lock",
        "refs/heads/../heads/main",
    ],
)
def test_nonsense_names_no_commit(repository: int, revision: str) -> None:
    with pytest.raises(RevisionNotFound, match="Invalid rev id"):
        refs.resolve(repository, revision)


def test_a_packed_reference_is_found_too(repository: int) -> None:
    sha = refs.resolve(repository, "main")
    refs.create_branch(repository, "dev", at=sha)
    repos.run_git(repository, ["pack-refs", "--all", "--prune"])
    assert not (repos.path_of(repository) / "refs/heads/main").exists()
    assert refs.resolve(repository, "main") == refs.resolve(repository, "dev") == sha


def test_a_name_is_given_once(repository: int) -> None:
    sha = refs.resolve(repository, "main")
    refs.create_branch(repository, "dev", at=sha)
    with pytest.raises(ReferenceExists, match="Reference refs/heads/dev already exists"):
        refs.create_branch(repository, "dev", at=sha)
    refs.create_tag(repository, "v1", at=sha, message="a", author="ada")
    with pytest.raises(ReferenceExists, match="Reference refs/tags/v1 already exists"):
        refs.create_tag(repository, "v1", at=sha, message="b", author="ada")


@pytest.mark.parametrize("name", ["", "a..b", "a b", "-x", "x.lock", "HEAD", "a~1", "/x", "f" * 40])
def test_a_name_that_git_cannot_hold_is_refused(repository: int, name: str) -> None:
    with pytest.raises(Unprocessable):
        refs.create_branch(repository, name, at=refs.resolve(repository, "main"))


def test_main_stays_and_other_branches_go(repository: int) -> None:
    refs.create_branch(repository, "dev", at=refs.resolve(repository, "main"))
    refs.delete_branch(repository, "dev")
    with pytest.raises(RevisionNotFound):
        refs.delete_branch(repository, "dev")
    with pytest.raises(Forbidden, match="Cannot delete refs/heads/main"):
        refs.delete_branch(repository, "main")


def test_a_squashed_branch_has_one_commit_with_the_same_files(repository: int) -> None:
    before = refs.resolve(repository, "main")
    ref, old = refs.super_squash(repository, "main", message="One", author="ada")
    library = repos.open_repository(repository)
    assert old == before
    assert refs.resolve(repository, "main") == ref.target
    assert library[ref.target].tree.id == library[before].tree.id
    assert library[ref.target].parents == []


def test_a_move_from_elsewhere_is_refused(repository: int) -> None:
    sha = refs.resolve(repository, "main")
    with pytest.raises(BranchMoved):
        refs.move(repository, repos.MAIN, old="e" * 40, new=sha)


def test_a_lock_from_before_this_process_holds_nobody_up(repository: int) -> None:
    sha = refs.resolve(repository, "main")
    lock = repos.path_of(repository) / "refs/heads/main.lock"
    lock.touch()
    before = refs._BEGAN - 1
    os.utime(lock, (before, before))
    began = time.monotonic()
    refs.move(repository, repos.MAIN, old=sha, new=sha)
    assert time.monotonic() - began < refs.STALE_OLD_LOCK + 3
    assert not lock.exists()


def test_a_lock_left_by_a_killed_process_is_broken_after_a_while(repository: int) -> None:
    sha = refs.resolve(repository, "main")
    lock = repos.path_of(repository) / "refs/heads/main.lock"
    lock.touch()
    long_ago = time.time() - refs.STALE_LOCK - 1
    os.utime(lock, (long_ago, long_ago))
    refs.move(repository, repos.MAIN, old=sha, new=sha)
    assert not lock.exists()
