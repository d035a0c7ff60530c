"""Commits in the making: the same tree by every way, and nothing lost between two writers."""

import itertools
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from llmos.hub.errors import BranchMoved, EntryNotFound
from llmos.hub.git import draft as drafts
from llmos.hub.git import refs, repos, tree
from llmos.hub.git.draft import Draft, PathTaken
from llmos.hub.git.paths import BadPath, NamesCollide
from llmos.kit.errors import Refusal
from llmos.wire.lfs import Pointer

_ids = itertools.count(1_000_000)


@pytest.fixture
def repository() -> int:
    number = next(_ids)
    repos.create(number, author="ada")
    return number


def head(repository: int) -> str:
    return refs.resolve(repository, "main")


def draft_on(repository: int, base: str | None = None) -> Draft:
    made = Draft(repository, base or head(repository))
    made.describe(summary="Change", description="", author="ada")
    return made


def commit(repository: int, files: dict[str, bytes], removed: tuple[str, ...] = ()) -> str:
    base = head(repository)
    made = draft_on(repository, base)
    for path in removed:
        made.remove(path)
    for path, content in files.items():
        made.write(path, content)
    return made.land(repos.MAIN, old=base, retry=True).new


def contents(repository: int, sha: str) -> dict[str, bytes]:
    return {
        path: tree.read_blob(repository, oid)
        for path, oid in tree.all_files(repository, sha)
        if path != ".gitattributes"
    }


_NAMES = st.sampled_from(["a", "b", "c", "d"])
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map("/".join)
_WRITES = st.tuples(st.just("write"), _PATHS, st.binary(max_size=4))
_REMOVALS = st.tuples(st.just("remove"), _PATHS, st.just(b""))
_CHANGES = st.lists(st.one_of(_WRITES, _WRITES, _REMOVALS), max_size=12)


def _apply(made: Draft, changes: list[tuple[str, str, bytes]]) -> list[type[Refusal] | None]:
    answers: list[type[Refusal] | None] = []
    for deed, path, content in changes:
        try:
            if deed == "write":
                made.write(path, content)
            else:
                made.remove(path)
        except (PathTaken, EntryNotFound) as refusal:
            answers.append(type(refusal))
        else:
            answers.append(None)
    return answers


def _expected(files: dict[str, bytes], changes: list[tuple[str, str, bytes]]) -> dict[str, bytes]:
    files = dict(files)
    for deed, path, content in changes:
        folders = {"/".join(p.split("/")[:n]) for p in files for n in range(1, p.count("/") + 1)}
        above = {"/".join(path.split("/")[:n]) for n in range(1, path.count("/") + 1)}
        if deed == "write" and path not in folders and not above & files.keys():
            files[path] = content
        elif deed == "remove":
            files = {p: c for p, c in files.items() if p != path and not p.startswith(path + "/")}
    return files


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=_CHANGES, changes=_CHANGES)
def test_libgit2_and_fast_import_make_the_same_tree(
    before: list[tuple[str, str, bytes]], changes: list[tuple[str, str, bytes]]
) -> None:
    repository = next(_ids)
    repos.create(repository, author="ada")
    first = draft_on(repository)
    _apply(first, before)
    base = first.land(repos.MAIN, old=head(repository), retry=False).new
    expected = _expected(contents(repository, base), changes)

    small = draft_on(repository, base)
    small_answers = _apply(small, changes)
    by_library = small.land("refs/heads/small", old=None, retry=False).new
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drafts, "SMALL_CHANGES", 0)
        large = draft_on(repository, base)
        large_answers = _apply(large, changes)
        by_import = large.land("refs/heads/large", old=None, retry=False).new

    assert small_answers == large_answers
    assert contents(repository, by_library) == expected
    assert (
        tree.entry_at(repository, by_library, "").oid
        == tree.entry_at(repository, by_import, "").oid
    )


@pytest.mark.parametrize("small_changes", [50, 0])
def test_a_file_may_take_the_place_of_a_folder_that_lost_its_last_file(
    repository: int, monkeypatch: pytest.MonkeyPatch, small_changes: int
) -> None:
    monkeypatch.setattr(drafts, "SMALL_CHANGES", small_changes)
    made = draft_on(repository)
    made.write("a/b/c", b"first")
    made.remove("a/b/c")
    made.write("a", b"now a file")

    landed = made.land(repos.MAIN, old=head(repository), retry=False)

    assert contents(repository, landed.new) == {"a": b"now a file"}


@pytest.mark.parametrize("small_changes", [50, 0])
def test_a_commit_onto_a_branch_that_moved_keeps_both(
    repository: int, monkeypatch: pytest.MonkeyPatch, small_changes: int
) -> None:
    monkeypatch.setattr(drafts, "SMALL_CHANGES", small_changes)
    base = head(repository)
    mine = draft_on(repository, base)
    mine.write("mine.txt", b"mine")
    theirs = commit(repository, {"theirs.txt": b"theirs"})
    landed = mine.land(repos.MAIN, old=base, retry=True)
    assert landed.old == theirs
    assert contents(repository, landed.new) == {"mine.txt": b"mine", "theirs.txt": b"theirs"}


@pytest.mark.parametrize("small_changes", [50, 0])
def test_a_commit_never_replaces_a_folder_that_came_meanwhile(
    repository: int, monkeypatch: pytest.MonkeyPatch, small_changes: int
) -> None:
    monkeypatch.setattr(drafts, "SMALL_CHANGES", small_changes)
    base = head(repository)
    mine = draft_on(repository, base)
    mine.write("thing", b"a file")
    theirs = commit(repository, {"thing/inside": b"a folder"})
    with pytest.raises(BranchMoved):
        mine.land(repos.MAIN, old=base, retry=True)
    assert head(repository) == theirs


def test_a_commit_on_a_named_parent_is_refused_once_the_branch_moved(repository: int) -> None:
    base = head(repository)
    mine = draft_on(repository, base)
    mine.write("mine.txt", b"mine")
    commit(repository, {"theirs.txt": b"theirs"})
    with pytest.raises(BranchMoved):
        mine.land(repos.MAIN, old=base, retry=False)


def test_twenty_writers_at_once_lose_nothing(repository: int) -> None:
    failures: list[BaseException] = []

    def write(number: int) -> None:
        try:
            commit(repository, {f"by-{number}.txt": b"%d" % number})
        except BaseException as error:  # noqa: BLE001 - told to the test's own thread
            failures.append(error)

    writers = [threading.Thread(target=write, args=(n,)) for n in range(20)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert not failures
    found = contents(repository, head(repository))
    assert found == {f"by-{n}.txt": b"%d" % n for n in range(20)}


def test_names_that_differ_by_case_are_refused_where_they_are_brought(repository: int) -> None:
    commit(repository, {"Data/x.txt": b""})
    with pytest.raises(NamesCollide, match=r"'X\.txt' and 'x\.txt' in the folder 'Data'"):
        commit(repository, {"Data/X.txt": b""})
    with pytest.raises(NamesCollide):
        commit(repository, {"data/other.txt": b""})
    commit(repository, {"Data/X.txt": b""}, removed=("Data/x.txt",))


def test_a_missing_file_cannot_be_removed(repository: int) -> None:
    with pytest.raises(EntryNotFound, match="A file with this name doesn't exist"):
        draft_on(repository).remove("nothing.txt")


def test_a_folder_is_removed_with_all_it_holds(repository: int) -> None:
    commit(repository, {"a/b/c": b"1", "a/d": b"2", "e": b"3"})
    sha = commit(repository, {}, removed=("a/",))
    assert contents(repository, sha) == {"e": b"3"}


def test_a_discarded_draft_leaves_no_reference(repository: int) -> None:
    made = draft_on(repository)
    for number in range(60):
        made.write(f"{number}.txt", b"x")
    made.discard()
    assert list(repos.open_repository(repository).references) == [repos.MAIN]


def test_a_large_file_is_listed_with_its_real_size(repository: int) -> None:
    base = head(repository)
    made = draft_on(repository, base)
    made.point("weights.safetensors", Pointer("ab" * 32, 5_000_000_000))
    sha = made.land(repos.MAIN, old=base, retry=False).new
    entry = tree.entry_at(repository, sha, "weights.safetensors")
    assert entry.size == 5_000_000_000
    assert entry.etag == "ab" * 32
    assert entry.stored_size < 200


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/etc/passwd",
        "../x",
        "a/../b",
        "a//b",
        "a/./b",
        ".git/config",
        "sub/.GIT/hooks/x",
        ".git./x",
        "git~1/x",
        ".g\u200cit/x",
        "a\\b",
        "a\nb",
        "a\0b",
        "a\x7fb",
        "cafe\u0301.txt",
        "rev\u202etxt.exe",
        "/".join("a" * 101),
        "a" * 256,
        "/".join(["b" * 200] * 6),
    ],
)
def test_a_path_that_no_machine_should_see_is_refused(repository: int, path: str) -> None:
    with pytest.raises(BadPath):
        draft_on(repository).write(path, b"")


@pytest.mark.parametrize(
    "path", ["数据/训练.json", "a b/c d.txt", "café.txt", ".gitignore", "gith/x"]
)
def test_an_ordinary_path_in_any_language_is_taken(repository: int, path: str) -> None:
    sha = commit(repository, {path: b"x"})
    assert tree.entry_at(repository, sha, path).size == 1


def test_an_object_is_written_again_when_packing_removed_its_folder() -> None:
    outcomes: list[object] = [OSError("failed to rename lockfile to 'objects/fc/x'"), "kept"]

    def write() -> object:
        outcome = outcomes.pop(0)
        if isinstance(outcome, OSError):
            raise outcome
        return outcome

    assert repos.written(write) == "kept"
    outcomes.append(OSError("disk full"))
    with pytest.raises(OSError, match="disk full"):
        repos.written(write)
