"""The `hf` command against the hub: sign in, create, upload, download, list."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from tests.clients.conftest import hf, random_file, sha256
from tests.conftest import HubServer


def test_signing_in_with_a_pasted_token(hub_server: HubServer, client_env: dict[str, str]) -> None:
    env = {name: value for name, value in client_env.items() if name != "HF_TOKEN"}
    hf("auth", "login", "--token", hub_server.tokens["ada"], env=env)
    assert "ada" in hf("auth", "whoami", env=env)


def test_signing_in_with_a_wrong_token_fails(client_env: dict[str, str]) -> None:
    env = {name: value for name, value in client_env.items() if name != "HF_TOKEN"}
    with pytest.raises(AssertionError, match=r"(?i)invalid"):
        hf("auth", "login", "--token", "hf_wrong", env=env)


def test_create_upload_download_and_list(
    client_env: dict[str, str], new_name: Callable[..., str], tmp_path: Path
) -> None:
    repo = new_name("cli")
    folder = tmp_path / "folder"
    random_file(folder / "model.safetensors", 100_000)
    (folder / "config.json").write_text("{}")

    hf("repos", "create", repo, env=client_env)
    hf("upload", repo, folder, env=client_env)
    hf("download", repo, "--local-dir", tmp_path / "down", env=client_env)
    for name in ("model.safetensors", "config.json"):
        assert sha256(tmp_path / "down" / name) == sha256(folder / name)
    listed = json.loads(hf("models", "list", "--author", "ada", "--json", env=client_env))
    assert repo in {model["id"] for model in listed}


def test_branches_tags_and_deletion(ada: HfApi, repo: str, client_env: dict[str, str]) -> None:
    hf("repos", "branch", "create", repo, "topic", env=client_env)
    hf("repos", "tag", "create", repo, "v1", env=client_env)
    refs = ada.list_repo_refs(repo)
    assert "topic" in {branch.name for branch in refs.branches}
    assert "v1" in {tag.name for tag in refs.tags}
    hf("repos", "delete", repo, "--yes", env=client_env)
    assert not ada.repo_exists(repo)


def test_upload_makes_the_repository_when_it_is_missing(
    ada: HfApi, client_env: dict[str, str], new_name: Callable[..., str], tmp_path: Path
) -> None:
    repo = new_name("made")
    file = random_file(tmp_path / "data.csv", 1000)
    hf("upload", repo, file, "data/data.csv", "--repo-type", "dataset", env=client_env)
    assert "data/data.csv" in ada.list_repo_files(repo, repo_type="dataset")
