"""Commits through huggingface_hub: conflicts, branches, tags, change requests."""

from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    HfApi,
)
from huggingface_hub.errors import (
    EntryNotFoundError,
    HfHubHTTPError,
    RevisionNotFoundError,
)

Name = Callable[..., str]


def add(path: str, content: bytes = b"content") -> CommitOperationAdd:
    return CommitOperationAdd(path_in_repo=path, path_or_fileobj=content)


def commit(api: HfApi, repo: str, *operations: object, **options: object) -> str:
    made = api.create_commit(repo, list(operations), commit_message="change", **options)  # type: ignore[call-overload, arg-type]
    return str(made.oid)


def test_one_commit_adds_deletes_and_copies(ada: HfApi, repo: str, tmp_path: Path) -> None:
    commit(ada, repo, add("a.txt", b"alpha"), add("old/b.txt"), add("old/c.txt"), add("d.txt"))
    commit(
        ada,
        repo,
        add("e.txt"),
        CommitOperationDelete("d.txt"),
        CommitOperationDelete("old/"),
        CommitOperationCopy("a.txt", "copies/a.txt"),
    )
    assert sorted(ada.list_repo_files(repo)) == [
        ".gitattributes",
        "a.txt",
        "copies/a.txt",
        "e.txt",
    ]
    copied = ada.hf_hub_download(repo, "copies/a.txt", local_dir=tmp_path)
    assert Path(copied).read_bytes() == b"alpha"


def test_large_files_can_be_copied_without_their_bytes(
    ada: HfApi, repo: str, tmp_path: Path
) -> None:
    commit(ada, repo, add("model.safetensors", b"\0large" * 1000))
    commit(ada, repo, CommitOperationCopy("model.safetensors", "twin.safetensors"))
    copied = ada.hf_hub_download(repo, "twin.safetensors", local_dir=tmp_path)
    assert Path(copied).read_bytes() == b"\0large" * 1000


def test_deleting_a_missing_file_is_refused(ada: HfApi, repo: str) -> None:
    with pytest.raises(EntryNotFoundError, match="doesn't exist"):
        ada.delete_file("missing.txt", repo)


def test_a_stale_parent_commit_gets_412_and_nothing_changes(ada: HfApi, repo: str) -> None:
    before = ada.model_info(repo).sha
    commit(ada, repo, add("first.txt"), parent_commit=before)
    with pytest.raises(HfHubHTTPError, match="The branch was updated") as refused:
        commit(ada, repo, add("second.txt"), parent_commit=before)
    assert refused.value.response.status_code == 412
    assert "second.txt" not in ada.list_repo_files(repo)


def test_an_empty_commit_message_body_and_unicode_paths_survive(ada: HfApi, repo: str) -> None:
    paths = ["数据/训练 集.txt", "with space.txt", "100%.txt", "a+b&c=d.txt", "emoji-🙂.txt"]
    commit(ada, repo, *[add(path, path.encode()) for path in paths])
    assert set(paths) <= set(ada.list_repo_files(repo))
    for path in paths:
        assert ada.file_exists(repo, path)
        assert Path(ada.hf_hub_download(repo, path)).read_bytes() == path.encode()


def test_branches_and_tags_come_and_go(ada: HfApi, repo: str) -> None:
    first = commit(ada, repo, add("v1.txt"))
    ada.create_branch(repo, branch="next/level")
    ada.create_tag(repo, tag="v1.0", revision=first, tag_message="first")
    commit(ada, repo, add("v2.txt"), revision="next/level")

    refs = ada.list_repo_refs(repo)
    assert {branch.name for branch in refs.branches} == {"main", "next/level"}
    assert {tag.name: tag.target_commit for tag in refs.tags} == {"v1.0": first}
    assert "v2.txt" in ada.list_repo_files(repo, revision="next/level")
    assert "v2.txt" not in ada.list_repo_files(repo, revision="v1.0")
    assert ada.model_info(repo, revision=first[:7]).sha == first

    ada.delete_branch(repo, branch="next/level")
    ada.delete_tag(repo, tag="v1.0")
    with pytest.raises(RevisionNotFoundError):
        ada.list_repo_files(repo, revision="next/level")
    assert not ada.revision_exists(repo, "v1.0")


def test_taken_and_missing_references_are_told_apart(ada: HfApi, repo: str) -> None:
    ada.create_branch(repo, branch="here")
    with pytest.raises(HfHubHTTPError, match="refs/heads/here already exists") as taken:
        ada.create_branch(repo, branch="here")
    assert taken.value.response.status_code == 409
    ada.create_branch(repo, branch="here", exist_ok=True)
    with pytest.raises(HfHubHTTPError, match="Cannot delete refs/heads/main"):
        ada.delete_branch(repo, branch="main")
    with pytest.raises(HfHubHTTPError, match="Invalid rev id"):
        ada.delete_branch(repo, branch="missing")
    with pytest.raises(RevisionNotFoundError):
        commit(ada, repo, add("x.txt"), revision="missing")
    with pytest.raises(RevisionNotFoundError):
        ada.create_tag(repo, tag="t", revision="missing")


def test_super_squash_leaves_one_commit_and_all_files(ada: HfApi, repo: str) -> None:
    commit(ada, repo, add("a.txt"))
    commit(ada, repo, add("b.txt"))
    ada.super_squash_history(repo, commit_message="all at once")
    commits = ada.list_repo_commits(repo)
    assert [one.title for one in commits] == ["all at once"]
    assert {"a.txt", "b.txt"} <= set(ada.list_repo_files(repo))


def test_history_is_newest_first(ada: HfApi, repo: str) -> None:
    oids = [commit(ada, repo, add(f"{n}.txt")) for n in range(3)]
    listed = [one.commit_id for one in ada.list_repo_commits(repo)]
    assert listed[:3] == oids[::-1]
    assert len(listed) == 4


def test_a_reader_proposes_and_the_owner_merges(ada: HfApi, bob: HfApi, repo: str) -> None:
    proposed = bob.create_commit(
        repo, [add("proposal.txt")], commit_message="propose", create_pr=True
    )
    assert proposed.pr_num == 1
    assert proposed.pr_revision == "refs/pr/1"
    assert "proposal.txt" not in ada.list_repo_files(repo)
    assert "proposal.txt" in ada.list_repo_files(repo, revision="refs/pr/1")
    pulls = ada.list_repo_refs(repo, include_pull_requests=True).pull_requests
    assert [pull.ref for pull in pulls or []] == ["refs/pr/1"]

    ada.merge_pull_request(repo, 1)
    assert "proposal.txt" in ada.list_repo_files(repo)


def test_an_empty_change_request_is_a_draft_until_opened(ada: HfApi, repo: str) -> None:
    opened = ada.create_pull_request(repo, "Better words", description="soon")
    assert opened.status == "draft"
    commit(ada, repo, add("words.txt"), revision=opened.git_reference)
    ada.change_discussion_status(repo, opened.num, "open")
    ada.merge_pull_request(repo, opened.num)
    assert "words.txt" in ada.list_repo_files(repo)
    assert ada.get_discussion_details(repo, opened.num).status == "merged"


def test_a_change_request_can_carry_a_large_file(ada: HfApi, repo: str, tmp_path: Path) -> None:
    content = b"\0weights" * 5000
    made = ada.upload_file(
        path_or_fileobj=content, path_in_repo="w.safetensors", repo_id=repo, create_pr=True
    )
    got = ada.hf_hub_download(repo, "w.safetensors", revision=made.pr_revision, local_dir=tmp_path)
    assert Path(got).read_bytes() == content


def test_uploading_the_same_again_makes_no_commit(ada: HfApi, repo: str) -> None:
    ada.upload_file(path_or_fileobj=b"same", path_in_repo="a.txt", repo_id=repo)
    before = ada.model_info(repo).sha
    ada.upload_file(path_or_fileobj=b"same", path_in_repo="a.txt", repo_id=repo)
    assert ada.model_info(repo).sha == before


def test_bad_metadata_is_explained(ada: HfApi, repo: str) -> None:
    with pytest.raises(ValueError, match=r"(?i)yaml|metadata"):
        ada.upload_file(
            path_or_fileobj=b"---\nlicense: [mit\n---\n", path_in_repo="README.md", repo_id=repo
        )


def test_gitignore_is_honoured(ada: HfApi, repo: str, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*.log\n")
    (tmp_path / "kept.txt").write_text("kept")
    (tmp_path / "noise.log").write_text("noise")
    ada.upload_folder(repo_id=repo, folder_path=tmp_path)
    files = ada.list_repo_files(repo)
    assert "kept.txt" in files
    assert "noise.log" not in files
