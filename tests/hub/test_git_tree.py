"""Listings by page, and which commit last touched what."""

import itertools
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from llmos.hub.errors import EntryNotFound
from llmos.hub.git import log, refs, repos, tree
from llmos.hub.git.draft import Draft
from llmos.hub.git.lastcommit import last_commits
from llmos.kit.errors import Invalid
from llmos.wire.lfs import Pointer

_ids = itertools.count(3_000_000)


@pytest.fixture
def repository() -> int:
    number = next(_ids)
    repos.create(number, author="ada")
    return number


def commit(repository: int, files: dict[str, bytes], title: str = "Change") -> str:
    base = refs.resolve(repository, "main")
    made = Draft(repository, base)
    made.describe(summary=title, description="why", author="ada")
    for path, content in files.items():
        made.write(path, content)
    return made.land(repos.MAIN, old=base, retry=False).new


_NAME = st.text(st.sampled_from("ab.-0文"), min_size=1, max_size=3).filter(
    lambda name: name.strip(".") != ""
)
_PATHS = st.sets(st.lists(_NAME, min_size=1, max_size=4).map("/".join), min_size=1, max_size=12)


@settings(max_examples=30, deadline=None)
@given(paths=_PATHS, limit=st.integers(1, 4))
def test_pages_put_together_are_what_git_lists(paths: set[str], limit: int) -> None:
    repository = next(_ids)
    repos.create(repository, author="ada")
    files = {p: b"" for p in paths if not any(other.startswith(p + "/") for other in paths)}
    sha = commit(repository, files)
    found: list[str] = []
    cursor = None
    while True:
        page = tree.entries(repository, sha, recursive=True, limit=limit, cursor=cursor)
        found += [entry.path for entry in page.entries]
        cursor = page.cursor
        if cursor is None:
            break
    listed = repos.run_git(repository, ["ls-tree", "-r", "-t", "-z", "--name-only", sha])
    assert found == [name for name in listed.decode().split("\0") if name]


def test_a_folder_shows_its_folders_first(repository: int) -> None:
    sha = commit(repository, {"a.txt": b"", "z/inner.txt": b"", "b.txt": b""})
    page = tree.entries(repository, sha)
    assert [entry.path for entry in page.entries] == ["z", ".gitattributes", "a.txt", "b.txt"]
    second = tree.entries(repository, sha, limit=2, cursor="z")
    assert [entry.path for entry in second.entries] == [".gitattributes", "a.txt"]
    assert second.cursor == "a.txt"


def test_a_missing_folder_is_not_found(repository: int) -> None:
    with pytest.raises(EntryNotFound):
        tree.entries(repository, refs.resolve(repository, "main"), "data")


def test_a_cursor_of_another_listing_is_refused(repository: int) -> None:
    sha = commit(repository, {"a/b.txt": b""})
    with pytest.raises(Invalid):
        tree.entries(repository, sha, recursive=True, cursor="nowhere/x")


def test_each_entry_has_the_commit_that_last_touched_it(repository: int) -> None:
    commit(repository, {"a/x": b"1", "b": b"1"}, "first")
    commit(repository, {"a/y": b"1"}, "second")
    sha = commit(repository, {"b": b"2"}, "third")
    top = last_commits(repository, sha, "")
    assert {name: found.title for name, found in top.items()} == {
        ".gitattributes": "initial commit",
        "a": "second",
        "b": "third",
    }
    # what was found serves the next commit too
    later = commit(repository, {"a/x": b"2"}, "fourth")
    assert last_commits(repository, later, "")["b"].title == "third"
    assert last_commits(repository, later, "a")["y"].title == "second"


def test_history_is_newest_first_and_by_path(repository: int) -> None:
    commit(repository, {"a": b"1"}, "first")
    sha = commit(repository, {"b": b"1"}, "second")
    assert [c.title for c in log.history(repository, sha)] == ["second", "first", "initial commit"]
    assert [c.title for c in log.history(repository, sha, path="a")] == ["first"]
    assert [c.title for c in log.history(repository, sha, skip=1, limit=1)] == ["first"]
    assert log.count(repository, sha) == 3
    assert log.commit_at(repository, sha).body == "why"


def test_a_difference_shows_text_and_names_large_and_binary_files(repository: int) -> None:
    old = commit(repository, {"text": b"one\n", "binary": b"\0" * 200, "gone": b"x" * 50})
    base = refs.resolve(repository, "main")
    made = Draft(repository, base)
    made.describe(summary="c", description="", author="ada")
    made.write("text", b"two\n")
    made.write("binary", b"\0\1" * 200)
    made.remove("gone")
    made.point("large", Pointer("cd" * 32, 77))
    new = made.land(repos.MAIN, old=base, retry=False).new
    found = {change.path: change for change in log.difference(repository, old, new).files}
    assert found["text"].patch is not None
    assert "-one\n+two" in found["text"].patch
    assert (found["text"].added_lines, found["text"].removed_lines) == (1, 1)
    assert found["binary"].is_binary
    assert found["binary"].patch is None
    assert found["gone"].status == "deleted"
    assert found["large"].new_pointer == Pointer("cd" * 32, 77)
    assert found["large"].patch is None


def test_a_very_deep_tree_is_walked_without_recursion(repository: int) -> None:
    library = repos.open_repository(repository)
    oid = library.create_blob(b"")
    mode = 0o100644
    for _ in range(3000):
        builder = library.TreeBuilder()
        builder.insert("d", oid, mode)
        oid, mode = builder.write(), 0o040000
    stream = f"tree {oid}\nauthor a <a> 0 +0000\ncommitter a <a> 0 +0000\n\nx".encode()
    sha = (
        subprocess.run(
            ["git", "hash-object", "-t", "commit", "-w", "--stdin"],
            input=stream,
            cwd=repos.path_of(repository),
            env=repos.git_environment(),
            capture_output=True,
            check=True,
        )
        .stdout.decode()
        .strip()
    )
    page = tree.entries(repository, sha, recursive=True, limit=5000)
    assert len(page.entries) == 3000
