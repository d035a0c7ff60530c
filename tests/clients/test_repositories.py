"""Repositories as huggingface_hub sees them: made, found, renamed, hidden, copied, deleted."""

import time
from collections.abc import Callable

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

Name = Callable[..., str]


@pytest.mark.parametrize("kind", ["model", "dataset", "space", "kernel"])
def test_a_new_repository_holds_one_commit_with_gitattributes(
    ada: HfApi, new_name: Name, kind: str
) -> None:
    sdk = {"space_sdk": "static"} if kind == "space" else {}
    url = ada.create_repo(new_name(kind), repo_type=kind, **sdk)

    assert url.repo_type == kind
    assert ".gitattributes" in ada.list_repo_files(url.repo_id, repo_type=kind)
    commits = ada.list_repo_commits(url.repo_id, repo_type=kind)
    assert len(commits) == 1
    assert commits[0].authors == ["ada"]


def test_creating_twice_is_a_conflict_unless_that_is_fine(ada: HfApi, repo: str) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        ada.create_repo(repo)
    assert refused.value.response.status_code == 409
    assert ada.create_repo(repo, exist_ok=True).repo_id == repo


def test_names_are_found_in_any_case_and_keep_their_own(ada: HfApi, new_name: Name) -> None:
    name = ada.create_repo(new_name("MixedCase")).repo_id
    assert ada.model_info(name.lower()).id == name
    with pytest.raises(HfHubHTTPError):
        ada.create_repo(name.lower())


def test_a_moved_repository_answers_under_its_old_name(
    ada: HfApi, repo: str, new_name: Name
) -> None:
    ada.upload_file(path_or_fileobj=b"hello", path_in_repo="a.txt", repo_id=repo)
    new = new_name("moved")
    ada.move_repo(repo, new)

    assert ada.model_info(repo).id == new
    assert ada.file_exists(repo, "a.txt")
    ada.upload_file(path_or_fileobj=b"again", path_in_repo="b.txt", repo_id=new)
    assert "b.txt" in ada.list_repo_files(repo)


def test_moving_onto_a_taken_name_is_refused(ada: HfApi, repo: str, new_name: Name) -> None:
    other = ada.create_repo(new_name()).repo_id
    with pytest.raises(HfHubHTTPError, match="already exists"):
        ada.move_repo(repo, other)


def test_a_deleted_repository_is_gone(ada: HfApi, repo: str) -> None:
    ada.delete_repo(repo)
    assert not ada.repo_exists(repo)
    with pytest.raises(RepositoryNotFoundError):
        ada.delete_repo(repo)
    ada.delete_repo(repo, missing_ok=True)


def test_only_owners_change_a_repository(bob: HfApi, repo: str) -> None:
    for deed in (
        lambda: bob.delete_repo(repo),
        lambda: bob.update_repo_settings(repo, private=True),
        lambda: bob.move_repo(repo, "bob/stolen"),
        lambda: bob.upload_file(path_or_fileobj=b"x", path_in_repo="x", repo_id=repo),
        lambda: bob.create_branch(repo, branch="mine"),
        lambda: bob.create_repo("ada/not-hers"),
    ):
        with pytest.raises(HfHubHTTPError) as refused:
            deed()
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_private_repositories_look_missing_to_others(
    ada: HfApi, bob: HfApi, anonymous: HfApi, new_name: Name, kind: str
) -> None:
    name = ada.create_repo(new_name("private"), private=True, repo_type=kind).repo_id
    assert ada.repo_info(name, repo_type=kind).private
    for other in (bob, anonymous):
        assert not other.repo_exists(name, repo_type=kind)
        for deed in (
            lambda other=other: other.repo_info(name, repo_type=kind),
            lambda other=other: other.list_repo_files(name, repo_type=kind),
            lambda other=other: other.hf_hub_download(name, ".gitattributes", repo_type=kind),
            lambda other=other: other.list_repo_refs(name, repo_type=kind),
        ):
            with pytest.raises(RepositoryNotFoundError):
                deed()
        assert name not in {found.id for found in other.list_models(author="ada")}


def test_visibility_can_be_changed_both_ways(ada: HfApi, anonymous: HfApi, repo: str) -> None:
    ada.update_repo_settings(repo, visibility="private")
    assert not anonymous.repo_exists(repo)
    ada.update_repo_settings(repo, visibility="public")
    assert anonymous.repo_exists(repo)


def test_a_gated_repository_shows_its_card_but_not_its_files(
    ada: HfApi, bob: HfApi, anonymous: HfApi, repo: str
) -> None:
    from huggingface_hub.errors import GatedRepoError

    ada.upload_file(path_or_fileobj=b"secret", path_in_repo="weights.txt", repo_id=repo)
    ada.update_repo_settings(repo, gated="manual")

    assert bob.model_info(repo).gated == "manual"
    for other in (bob, anonymous):
        with pytest.raises(GatedRepoError):
            other.hf_hub_download(repo, "weights.txt")
    ada.grant_access(repo, "bob")
    bob.auth_check(repo)


def test_a_duplicate_holds_the_same_files(ada: HfApi, repo: str, new_name: Name) -> None:
    ada.upload_file(path_or_fileobj=b"hello", path_in_repo="deep/a.txt", repo_id=repo)
    copy = new_name("copy")
    ada.duplicate_repo(repo, copy)
    assert sorted(ada.list_repo_files(copy)) == sorted(ada.list_repo_files(repo))


def test_an_unknown_token_is_told_so(hub_server: object, repo: str) -> None:
    stranger = HfApi(endpoint=hub_server.url, token="hf_unknown")  # type: ignore[attr-defined]
    with pytest.raises(HfHubHTTPError) as refused:
        stranger.whoami()
    assert refused.value.response.status_code == 401


def eventually(ask: Callable[[], list[str]]) -> list[str]:
    """The first answer that is not empty, within a minute."""
    deadline = time.monotonic() + 60
    while not (found := ask()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def test_lists_find_by_author_search_filter_and_sort(ada: HfApi, new_name: Name) -> None:
    first = ada.create_repo(new_name("findme")).repo_id
    second = ada.create_repo(new_name("findme")).repo_id
    card = "---\nlicense: mit\ntags: [zebra-quagga]\n---\n# Found by its tag\n"
    ada.upload_file(path_or_fileobj=card.encode(), path_in_repo="README.md", repo_id=second)

    # Lists follow a push by the worker, within moments.
    assert eventually(lambda: [m.id for m in ada.list_models(filter="zebra-quagga")]) == [second]
    assert second in [m.id for m in ada.list_models(filter=["license:mit", "zebra-quagga"])]
    newest = [m.id for m in ada.list_models(author="ada", sort="createdAt", limit=2)]
    assert newest == [second, first]
    assert {first, second} <= {m.id for m in ada.list_models(search="findme")}
    assert second in [m.id for m in ada.list_models(search=second.split("/")[1])]
