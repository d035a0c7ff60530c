"""git and git-lfs as members use them: clone, commit, push, fetch, be refused."""

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi
from tests.clients.conftest import random_file, sha256
from tests.conftest import HubServer

Git = Callable[..., str]
Url = Callable[..., str]


def cloned(git: Git, url: str, folder: Path, *options: str) -> Path:
    git(folder.parent, "clone", "-q", *options, url, str(folder))
    return folder


def committed(git: Git, clone: Path, name: str, content: bytes, message: str = "change") -> str:
    (clone / name).parent.mkdir(parents=True, exist_ok=True)
    (clone / name).write_bytes(content)
    git(clone, "add", "-A")
    git(clone, "commit", "-q", "-m", message)
    return git(clone, "rev-parse", "HEAD").strip()


def test_a_push_is_seen_by_the_api_and_an_api_commit_by_git(
    ada: HfApi, repo: str, git: Git, git_url: Url, tmp_path: Path
) -> None:
    clone = cloned(git, git_url(repo), tmp_path / "clone")
    pushed = committed(git, clone, "from-git.txt", b"git")
    git(clone, "push", "-q", "origin", "main")
    assert ada.model_info(repo).sha == pushed

    made = ada.upload_file(path_or_fileobj=b"api", path_in_repo="from-api.txt", repo_id=repo)
    git(clone, "pull", "-q")
    assert (clone / "from-api.txt").read_bytes() == b"api"
    assert git(clone, "rev-parse", "HEAD").strip() == made.oid


@pytest.mark.parametrize("suffix", ["", ".git"])
@pytest.mark.parametrize("kind", ["model", "dataset"])
def test_addresses_work_with_and_without_dot_git(
    ada: HfApi,
    git: Git,
    git_url: Url,
    tmp_path: Path,
    kind: str,
    suffix: str,
    new_name: Callable[..., str],
) -> None:
    repo = ada.create_repo(new_name(), repo_type=kind).repo_id
    prefix = "datasets/" if kind == "dataset" else ""
    clone = cloned(git, git_url(f"{prefix}{repo}{suffix}"), tmp_path / "clone")
    sha = committed(git, clone, "a.txt", b"a")
    git(clone, "push", "-q")
    assert ada.repo_info(repo, repo_type=kind).sha == sha


def test_shallow_clone_and_later_fetch(
    ada: HfApi, repo: str, git: Git, git_url: Url, tmp_path: Path
) -> None:
    for number in range(4):
        ada.upload_file(path_or_fileobj=b"%d" % number, path_in_repo="n.txt", repo_id=repo)
    clone = cloned(git, git_url(repo), tmp_path / "clone", "--depth", "1")
    assert git(clone, "rev-list", "--count", "HEAD").strip() == "1"
    git(clone, "fetch", "-q", "--unshallow")
    assert git(clone, "rev-list", "--count", "HEAD").strip() == "5"


def test_branches_and_tags_travel_both_ways(
    ada: HfApi, repo: str, git: Git, git_url: Url, tmp_path: Path
) -> None:
    clone = cloned(git, git_url(repo), tmp_path / "clone")
    git(clone, "checkout", "-q", "-b", "topic")
    sha = committed(git, clone, "t.txt", b"t")
    git(clone, "tag", "v1")
    git(clone, "push", "-q", "origin", "topic", "v1")
    refs = ada.list_repo_refs(repo)
    assert "topic" in {branch.name for branch in refs.branches}
    assert {tag.name: tag.target_commit for tag in refs.tags} == {"v1": sha}
    ada.create_branch(repo, branch="by-api")
    git(clone, "fetch", "-q")
    assert "origin/by-api" in git(clone, "branch", "-r")


def test_a_change_request_can_be_fetched_and_pushed(
    ada: HfApi, repo: str, git: Git, git_url: Url, tmp_path: Path
) -> None:
    ada.upload_file(path_or_fileobj=b"a", path_in_repo="a.txt", repo_id=repo, create_pr=True)
    clone = cloned(git, git_url(repo), tmp_path / "clone")
    git(clone, "fetch", "-q", "origin", "refs/pr/1:pr/1")
    git(clone, "checkout", "-q", "pr/1")
    committed(git, clone, "b.txt", b"b")
    git(clone, "push", "-q", "origin", "pr/1:refs/pr/1")
    assert {"a.txt", "b.txt"} <= set(ada.list_repo_files(repo, revision="refs/pr/1"))


def test_lfs_files_of_a_clone_are_pointers_until_pulled(
    ada: HfApi, repo: str, git: Git, git_url: Url, tmp_path: Path
) -> None:
    file = random_file(tmp_path / "w.safetensors", 200_000)
    ada.upload_file(path_or_fileobj=file, path_in_repo="w.safetensors", repo_id=repo)
    git(
        tmp_path,
        "-c",
        "filter.lfs.process=",
        "-c",
        "filter.lfs.smudge=",
        "-c",
        "filter.lfs.required=false",
        "clone",
        "-q",
        git_url(repo),
        "bare",
    )
    clone = tmp_path / "bare"
    assert (clone / "w.safetensors").read_bytes().startswith(b"version https://git-lfs")
    git(clone, "lfs", "pull")
    assert sha256(clone / "w.safetensors") == sha256(file)


def test_a_private_repository_needs_the_right_credentials(
    hub_server: HubServer,
    ada: HfApi,
    git: Git,
    git_url: Url,
    tmp_path: Path,
    new_name: Callable[..., str],
) -> None:
    repo = ada.create_repo(new_name(), private=True).repo_id
    cloned(git, git_url(repo), tmp_path / "hers")
    for url in (f"{hub_server.url}/{repo}", git_url(repo, "bob")):
        with pytest.raises(AssertionError, match=r"(?i)not found|could not read|authentication"):
            git(tmp_path, "clone", "-q", url, str(tmp_path / "theirs"))


def test_strangers_cannot_push(repo: str, git: Git, git_url: Url, tmp_path: Path) -> None:
    clone = cloned(git, git_url(repo, "bob"), tmp_path / "clone")
    committed(git, clone, "a.txt", b"a")
    with pytest.raises(AssertionError, match=r"403|rights"):
        git(clone, "push", "-q")


def test_large_files_outside_lfs_are_refused_with_a_remedy(
    ada: HfApi, repo: str, git: Git, git_url: Url, tmp_path: Path
) -> None:
    before = ada.model_info(repo).sha
    clone = cloned(git, git_url(repo), tmp_path / "clone")
    committed(git, clone, "big.txt", random_file(tmp_path / "x", 11 * 2**20).read_bytes())
    with pytest.raises(AssertionError, match=r"(?is)big\.txt.*lfs"):
        git(clone, "push", "-q")
    assert ada.model_info(repo).sha == before


def test_a_pointer_without_its_object_is_refused(
    ada: HfApi, repo: str, git: Git, git_url: Url, tmp_path: Path
) -> None:
    clone = cloned(git, git_url(repo), tmp_path / "clone")
    pointer = (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 12345\n"
    )
    (clone / ".gitattributes").write_text("")
    committed(git, clone, "w.safetensors", pointer)
    with pytest.raises(AssertionError, match=r"(?i)lfs"):
        git(clone, "push", "-q", "--no-verify")
    assert "w.safetensors" not in ada.list_repo_files(repo)


def test_a_forced_push_to_a_protected_branch_is_refused(
    hub_server: HubServer, ada: HfApi, repo: str, git: Git, git_url: Url, tmp_path: Path
) -> None:
    answer = httpx2.put(
        f"{hub_server.url}/api/models/{repo}/settings",
        json={"protectedBranches": ["main"]},
        headers={"Authorization": f"Bearer {ada.token}"},
    )
    assert answer.status_code == 200
    clone = cloned(git, git_url(repo), tmp_path / "clone")
    committed(git, clone, "a.txt", b"a")
    git(clone, "push", "-q")
    git(clone, "commit", "-q", "--amend", "-m", "rewritten")
    with pytest.raises(AssertionError, match=r"(?i)protected|force"):
        git(clone, "push", "-q", "--force")


def test_a_long_history_with_many_files_is_pushed_in_one_go(
    ada: HfApi, repo: str, git: Git, git_url: Url, tmp_path: Path
) -> None:
    clone = cloned(git, git_url(repo), tmp_path / "clone")
    for number in range(400):
        random_file(clone / "d" / f"{number % 20}" / f"{number}.dat", 4000)
    sha = committed(git, clone, "last.txt", b"last")
    git(clone, "push", "-q")  # over 1 MB: chunked transfer
    assert ada.model_info(repo).sha == sha
    again = cloned(git, git_url(repo), tmp_path / "again")
    assert len(list((again / "d").rglob("*.dat"))) == 400
