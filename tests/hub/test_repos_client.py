"""Repositories as the unmodified client manages them, against a running hub."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    BadRequestError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
)
from tests.conftest import HubServer


@pytest.fixture
def ada(hub_server: HubServer) -> HfApi:
    return HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])


@pytest.fixture
def bob(hub_server: HubServer) -> HfApi:
    return HfApi(endpoint=hub_server.url, token=hub_server.tokens["bob"])


@pytest.fixture
def name() -> str:
    return f"ada/r-{uuid4().hex[:10]}"


@pytest.fixture
def repo(ada: HfApi, name: str) -> Iterator[str]:
    ada.create_repo(name)
    yield name
    ada.delete_repo(name, missing_ok=True)


@pytest.mark.parametrize("kind", ["model", "dataset", "space", "kernel"])
def test_every_kind_is_created_seen_and_deleted(ada: HfApi, name: str, kind: str) -> None:
    more = {"space_sdk": "static"} if kind == "space" else {}
    url = ada.create_repo(name, repo_type=kind, **more)
    assert url.repo_id == name
    assert url.repo_type == kind
    if kind != "kernel":
        info = ada.repo_info(name, repo_type=kind)
        assert [file.rfilename for file in info.siblings] == [".gitattributes"]
        assert info.author == "ada"
        assert info.private is False
    ada.delete_repo(name, repo_type=kind)
    assert not ada.repo_exists(name, repo_type=kind if kind != "kernel" else "model")


def test_a_taken_name_is_told_with_its_address(ada: HfApi, repo: str) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        ada.create_repo(repo)
    assert refused.value.response.status_code == 409
    assert (
        ada.create_repo(repo.upper().replace("ADA", "ada"), exist_ok=True).repo_id.lower() == repo
    )


def test_names_are_found_in_any_case(ada: HfApi, repo: str) -> None:
    assert ada.model_info(repo.upper()).id == repo


def test_a_private_repository_is_missing_for_others(
    hub_server: HubServer, ada: HfApi, bob: HfApi, repo: str
) -> None:
    ada.update_repo_settings(repo, visibility="private")
    assert ada.model_info(repo).private is True
    for other in (bob, HfApi(endpoint=hub_server.url, token=False)):
        with pytest.raises(RepositoryNotFoundError):
            other.model_info(repo)
        assert not other.repo_exists(repo)
        assert repo not in [model.id for model in other.list_models(author="ada")]
    assert repo in [model.id for model in ada.list_models(author="ada")]


def test_a_former_name_leads_to_the_new_one(ada: HfApi, repo: str) -> None:
    new = f"{repo}-renamed"
    ada.move_repo(repo, new)
    assert ada.model_info(repo).id == new
    path = ada.hf_hub_download(repo, ".gitattributes")
    assert "filter=lfs" in Path(path).read_text()
    ada.create_repo(repo)
    assert ada.model_info(repo).id == repo
    with pytest.raises(HfHubHTTPError, match=r"A model repository called .* already exists"):
        ada.move_repo(new, repo)
    ada.delete_repo(new)


def test_strangers_may_not_administer(bob: HfApi, repo: str) -> None:
    for deed in (
        lambda: bob.delete_repo(repo),
        lambda: bob.update_repo_settings(repo, visibility="private"),
        lambda: bob.move_repo(repo, "bob/mine"),
        lambda: bob.create_repo("ada/theirs"),
    ):
        with pytest.raises(HfHubHTTPError) as refused:
            deed()
        assert refused.value.response.status_code == 403


def test_a_copy_has_the_same_commit(ada: HfApi, bob: HfApi, repo: str) -> None:
    ada.upload_file(path_or_fileobj=b"hello", path_in_repo="a.txt", repo_id=repo)
    copied = f"bob/{uuid4().hex[:8]}"
    bob.duplicate_repo(repo, copied)
    assert bob.model_info(copied).sha == ada.model_info(repo).sha
    bob.delete_repo(copied)


def test_a_gate_opens_for_whom_the_owner_lets_in(ada: HfApi, bob: HfApi, repo: str) -> None:
    ada.upload_file(path_or_fileobj=b"secret", path_in_repo="a.txt", repo_id=repo)
    ada.update_repo_settings(repo, gated="manual")
    assert bob.model_info(repo).gated == "manual"
    with pytest.raises(GatedRepoError, match="you are not in the authorized list"):
        bob.hf_hub_download(repo, "a.txt")
    with pytest.raises(GatedRepoError):
        bob.auth_check(repo)
    ada.auth_check(repo)
    assert list(ada.list_pending_access_requests(repo)) == []
    ada.grant_access(repo, "bob")
    bob.auth_check(repo)
    accepted = list(ada.list_accepted_access_requests(repo))
    assert [(request.username, request.email) for request in accepted] == [("bob", None)]
    ada.reject_access_request(repo, user="bob", rejection_reason="no")
    with pytest.raises(GatedRepoError):
        bob.auth_check(repo)
    with pytest.raises(HfHubHTTPError):
        ada.reject_access_request(repo, user="bob", rejection_reason="no")


def test_unknown_properties_are_refused_with_the_known_ones(ada: HfApi, repo: str) -> None:
    with pytest.raises(BadRequestError, match='expected one of "author"'):
        ada.model_info(repo, expand=["nonsense"])  # type: ignore[list-item]


def test_a_bad_card_is_refused_with_its_line(ada: HfApi, repo: str) -> None:
    card = b"---\nlicense: mit\nlicense: gpl\n---\n# x\n"
    with pytest.raises(ValueError, match="line 3"):
        ada.upload_file(path_or_fileobj=card, path_in_repo="README.md", repo_id=repo)


def test_ones_own_repositories_are_listed_with_their_size(ada: HfApi, repo: str) -> None:
    assert repo in [found.id for found in ada.list_user_repos()]


def test_change_requests_are_opened_renamed_and_merged(ada: HfApi, bob: HfApi, repo: str) -> None:
    commit = bob.create_commit(
        repo,
        operations=[_file("b.txt", b"from bob")],
        commit_message="Add b",
        create_pr=True,
    )
    assert commit.pr_num == 1
    drafted = bob.create_pull_request(repo, title="A draft")
    assert (drafted.num, drafted.status) == (2, "draft")
    assert [change.num for change in ada.get_repo_discussions(repo)] == [2, 1]
    bob.rename_discussion(repo, 1, new_title="Add b.txt")
    details = ada.get_discussion_details(repo, 1)
    assert details.title == "Add b.txt"
    assert "+from bob" in (details.diff or "")
    assert [event.type for event in details.events] == ["comment", "commit", "title-change"]
    with pytest.raises(HfHubHTTPError):
        bob.merge_pull_request(repo, 1)
    ada.merge_pull_request(repo, 1)
    assert ada.get_discussion_details(repo, 1).status == "merged"
    assert ada.file_exists(repo, "b.txt")
    ada.change_discussion_status(repo, 2, "closed")
    assert [c.status for c in ada.get_repo_discussions(repo)] == ["closed", "merged"]


def test_a_change_request_in_conflict_names_the_files(ada: HfApi, bob: HfApi, repo: str) -> None:
    bob.create_commit(repo, operations=[_file("a.txt", b"bob")], commit_message="b", create_pr=True)
    ada.upload_file(path_or_fileobj=b"ada", path_in_repo="a.txt", repo_id=repo)
    assert ada.get_discussion_details(repo, 1).conflicting_files == ["a.txt"]
    with pytest.raises(HfHubHTTPError, match=r"both sides changed a\.txt"):
        ada.merge_pull_request(repo, 1)
    bob.create_commit(repo, operations=[_file("c.txt", b"c")], commit_message="c", create_pr=True)
    ada.upload_file(path_or_fileobj=b"d", path_in_repo="d.txt", repo_id=repo)
    ada.merge_pull_request(repo, 2)
    names = ada.list_repo_files(repo)
    assert {"a.txt", "c.txt", "d.txt"} <= set(names)


def _file(path: str, content: bytes):  # type: ignore[no-untyped-def]
    from huggingface_hub import CommitOperationAdd

    return CommitOperationAdd(path, content)


def test_an_overview_counts_what_its_reader_may_see(ada: HfApi, bob: HfApi, name: str) -> None:
    before = ada.get_user_overview("ada").num_models
    assert before is not None
    ada.create_repo(name, private=True)
    try:
        assert ada.get_user_overview("ada").num_models == before + 1
        assert bob.get_user_overview("ada").num_models <= before
    finally:
        ada.delete_repo(name)
