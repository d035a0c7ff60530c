"""Unmodified clients against one running hub: the Python API, `hf`, git and git-lfs."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from uuid import uuid4

import pytest
from huggingface_hub import HfApi
from tests.conftest import HubServer

SCRIPTS = Path(__file__).parent / "scripts"


def sha256(content: bytes | Path) -> str:
    whole = content.read_bytes() if isinstance(content, Path) else content
    return hashlib.sha256(whole).hexdigest()


def run(*command: str | Path, env: Mapping[str, str], cwd: Path | None = None) -> str:
    """Run a client; its output is shown when it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        env={**env},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def run_script(name: str, *arguments: str | Path, env: Mapping[str, str]) -> str:
    """Run one of `scripts/` as a member would, in a process with its own caches."""
    return run(sys.executable, SCRIPTS / name, *arguments, env=env)


def hf(*arguments: str | Path, env: Mapping[str, str]) -> str:
    return run(Path(sys.executable).with_name("hf"), *arguments, env=env)


@pytest.fixture
def anonymous_env(client_env: dict[str, str]) -> dict[str, str]:
    return {**client_env, "HF_TOKEN": "", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"}


@pytest.fixture
def ada(hub_server: HubServer) -> HfApi:
    return HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])


@pytest.fixture
def bob(hub_server: HubServer) -> HfApi:
    return HfApi(endpoint=hub_server.url, token=hub_server.tokens["bob"])


@pytest.fixture
def anonymous(hub_server: HubServer) -> HfApi:
    return HfApi(endpoint=hub_server.url, token=False)


@pytest.fixture
def new_name() -> Callable[..., str]:
    """A repository name that no other test uses."""

    def name(stem: str = "repo", owner: str = "ada") -> str:
        return f"{owner}/{stem}-{uuid4().hex[:8]}"

    return name


@pytest.fixture
def repo(ada: HfApi, new_name: Callable[..., str]) -> str:
    """A new public model of ada's."""
    return ada.create_repo(new_name()).repo_id


@pytest.fixture
def git(hub_server: HubServer, tmp_path: Path) -> Callable[..., str]:
    """git as ada, with git-lfs and an empty home; `git(folder, "push")`."""
    env = hub_server.client_env(tmp_path)
    (tmp_path / ".gitconfig").write_text(
        "[user]\nname = Ada\nemail = ada@example.org\n[init]\ndefaultBranch = main\n"
        '[filter "lfs"]\nprocess = git-lfs filter-process\nrequired = true\n'
        "clean = git-lfs clean -- %f\nsmudge = git-lfs smudge -- %f\n"
        "[advice]\ndetachedHead = false\n"
    )

    def call(folder: Path, *arguments: str) -> str:
        return run("git", *arguments, env=env, cwd=folder)

    return call


@pytest.fixture
def git_url(hub_server: HubServer) -> Callable[..., str]:
    def url(repo: str, user: str = "ada") -> str:
        secret = hub_server.tokens[user]
        return hub_server.url.replace("http://", f"http://{user}:{secret}@") + f"/{repo}"

    return url


def random_file(path: Path, size: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(size))
    return path
