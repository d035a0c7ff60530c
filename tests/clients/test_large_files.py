"""One large file, brought in every way and fetched in every way: always the same bytes."""

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi
from tests.clients.conftest import random_file, run, run_script, sha256
from tests.conftest import HubServer

SIZE = 3_000_000
NAME = "model.safetensors"
PUSHES = ("xet", "lfs", "stream", "git-lfs")
PULLS = ("xet", "http", "filesystem", "git-lfs", "curl")

Git = Callable[..., str]


@pytest.fixture
def pushed(
    hub_server: HubServer,
    client_env: dict[str, str],
    ada: HfApi,
    git: Git,
    git_url: Callable[..., str],
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> tuple[str, str]:
    """A repository and the sha256 of what was pushed; one push serves all pulls of its way."""
    way = request.param
    known: dict[str, tuple[str, str]] = request.config.stash.setdefault(_PUSHED, {})
    if way not in known:
        repo = ada.create_repo(f"ada/large-{way}").repo_id
        file = random_file(tmp_path / "up" / NAME, SIZE)
        without_xet = {**client_env, "HF_HUB_DISABLE_XET": "1"}
        if way == "git-lfs":
            clone = tmp_path / "push"
            git(tmp_path, "clone", "-q", git_url(repo), str(clone))
            (clone / NAME).write_bytes(file.read_bytes())
            git(clone, "add", NAME)
            git(clone, "commit", "-q", "-m", "weights")
            git(clone, "push", "-q", "origin", "main")
        else:
            kind = "stream" if way == "stream" else "path"
            env = without_xet if way == "lfs" else client_env
            run_script("push.py", kind, repo, file, NAME, env=env)
        known[way] = (repo, sha256(file))
    return known[way]


_PUSHED = pytest.StashKey[dict[str, tuple[str, str]]]()


@pytest.mark.parametrize("pull", PULLS)
@pytest.mark.parametrize("pushed", PUSHES, indirect=True)
def test_whatever_brings_a_large_file_every_client_gets_its_bytes(
    pushed: tuple[str, str],
    pull: str,
    hub_server: HubServer,
    client_env: dict[str, str],
    git: Git,
    git_url: Callable[..., str],
    tmp_path: Path,
) -> None:
    repo, expected = pushed
    target = tmp_path / "down"
    if pull == "git-lfs":
        git(tmp_path, "clone", "-q", git_url(repo), str(target))
    elif pull == "curl":
        target.mkdir()
        url = f"{hub_server.url}/{repo}/resolve/main/{NAME}"
        run("curl", "-sSfL", "-o", target / NAME, url, env=client_env)
    else:
        without_xet = {**client_env, "HF_HUB_DISABLE_XET": "1"}
        way = "filesystem" if pull == "filesystem" else "download"
        env = client_env if pull == "xet" else without_xet
        run_script("pull.py", way, repo, NAME, target, env=env)
    assert sha256(target / NAME) == expected


def test_a_file_of_another_repository_cannot_be_had_by_its_hash(
    ada: HfApi, bob: HfApi, new_name: Callable[..., str], repo: str
) -> None:
    """Knowing a sha256 is not enough to commit somebody's private bytes."""
    hidden = ada.create_repo(new_name("hidden"), private=True).repo_id
    content = b"\0private weights" * 1000
    ada.upload_file(path_or_fileobj=content, path_in_repo="w.safetensors", repo_id=hidden)
    theirs = bob.create_repo(new_name("thief", owner="bob")).repo_id
    lines = (
        '{"key":"header","value":{"summary":"take"}}\n'
        '{"key":"lfsFile","value":{"path":"w.safetensors","algo":"sha256",'
        f'"oid":"{sha256(content)}","size":{len(content)}}}}}\n'
    )
    answer = httpx2.post(
        f"{bob.endpoint}/api/models/{theirs}/commit/main",
        content=lines,
        headers={"Authorization": f"Bearer {bob.token}", "Content-Type": "application/x-ndjson"},
    )
    assert answer.status_code == 400
    assert "w.safetensors" not in bob.list_repo_files(theirs)
