"""git itself against a running hub: clone, fetch, push, and what a push may not bring."""

import base64
import gzip
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx2
import pytest
from tests.conftest import HubServer

Git = Callable[..., "subprocess.CompletedProcess[str]"]


def _api(hub: HubServer, user: str = "ada") -> httpx2.Client:
    headers = {"Authorization": f"Bearer {hub.tokens[user]}"}
    return httpx2.Client(base_url=hub.url, headers=headers, timeout=60)


@pytest.fixture
def name(hub_server: HubServer) -> str:
    made = f"g-{uuid4().hex[:10]}"
    with _api(hub_server) as api:
        assert api.post("/api/repos/create", json={"name": made}).status_code == 200
    return f"ada/{made}"


@pytest.fixture
def git(hub_server: HubServer, tmp_path: Path) -> Git:
    """Runs git in `tmp_path/copy`, a clone of nothing yet."""
    environment = hub_server.client_env(tmp_path) | {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "ada"), ("EMAIL", "ada@example.org"))
    }

    def run(*arguments: str, ok: bool = True) -> "subprocess.CompletedProcess[str]":
        copy = tmp_path / "copy"
        done = subprocess.run(
            ["git", *arguments],
            cwd=copy if copy.is_dir() else tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert (done.returncode == 0) == ok, done.stdout + done.stderr
        return done

    return run


def address(hub: HubServer, name: str, user: str = "ada") -> str:
    return hub.url.replace("//", f"//{user}:{hub.tokens[user]}@") + f"/{name}"


@pytest.fixture
def copy(hub_server: HubServer, name: str, git: Git, tmp_path: Path) -> Path:
    git("clone", "-q", address(hub_server, name), "copy")
    return tmp_path / "copy"


def write(copy: Path, git: Git, path: str, content: bytes, message: str = "Change") -> None:
    (copy / path).parent.mkdir(parents=True, exist_ok=True)
    (copy / path).write_bytes(content)
    git("add", "-A", "-f")
    git("commit", "-q", "-m", message)


def head(hub: HubServer, name: str) -> str:
    with _api(hub) as api:
        sha: str = api.get(f"/api/models/{name}").json()["sha"]
        return sha


def test_a_push_is_seen_at_once_and_cloned_again(
    hub_server: HubServer, name: str, git: Git, copy: Path, tmp_path: Path
) -> None:
    write(copy, git, "notes.txt", b"pushed")
    git("push", "-q")
    sha = git("rev-parse", "HEAD").stdout.strip()
    assert head(hub_server, name) == sha
    for number, url in enumerate([name, f"{name}.git"]):
        git("clone", "-q", "--depth", "1", address(hub_server, url), str(tmp_path / f"c{number}"))
        assert (tmp_path / f"c{number}" / "notes.txt").read_bytes() == b"pushed"


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_every_protocol_version_fetches(
    hub_server: HubServer, name: str, git: Git, copy: Path, version: str
) -> None:
    with _api(hub_server) as api:
        content = base64.b64encode(b"x").decode()
        lines = [
            {"key": "header", "value": {"summary": "by API", "description": ""}},
            {"key": "file", "value": {"path": "a", "content": content, "encoding": "base64"}},
        ]
        body = "\n".join(map(json.dumps, lines))
        assert api.post(f"/api/models/{name}/commit/main", content=body).status_code == 200
    git("-c", f"protocol.version={version}", "pull", "-q")
    assert (copy / "a").read_bytes() == b"x"


def test_many_commits_are_fetched_with_a_zipped_request(
    hub_server: HubServer, name: str, git: Git, copy: Path
) -> None:
    for number in range(60):
        git("commit", "-q", "--allow-empty", "-m", f"commit {number}")
    git("push", "-q")
    with _api(hub_server) as api:
        info = api.get(f"/{name}/info/refs?service=git-upload-pack").content
        assert info.startswith(b"001e# service=git-upload-pack\n0000")
        sha = git("rev-parse", "HEAD").stdout.strip()
        asked = f"0032want {sha}\n00000009done\n".encode()
        answer = api.post(
            f"/{name}/git-upload-pack",
            content=gzip.compress(asked),
            headers={"Content-Encoding": "gzip"},
        )
        assert answer.content.startswith(b"0008NAK\nPACK")


def test_a_large_push_arrives_in_chunks(
    hub_server: HubServer, name: str, git: Git, copy: Path
) -> None:
    for number in range(4):
        (copy / f"{number}.txt").write_bytes(base64.b64encode(bytes(range(256)) * 8000)[number:])
    noise = subprocess.run(["head", "-c", "3000000", "/dev/urandom"], capture_output=True).stdout
    write(copy, git, "noise.dat", noise)
    git("push", "-q")
    with _api(hub_server) as api:
        assert api.get(f"/{name}/resolve/main/noise.dat").content == noise


def test_an_anonymous_push_is_challenged(hub_server: HubServer, name: str) -> None:
    url = f"{hub_server.url}/{name}/info/refs?service=git-receive-pack"
    answer = httpx2.get(url)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="llmos"'
    assert httpx2.get(url.replace("receive", "upload")).status_code == 200
    missing = httpx2.get(f"{hub_server.url}/ada/none/info/refs?service=git-upload-pack")
    assert missing.status_code == 401
    assert httpx2.get(f"{hub_server.url}/{name}/info/refs").status_code == 403


def test_a_stranger_cannot_push(hub_server: HubServer, name: str, git: Git, copy: Path) -> None:
    write(copy, git, "x", b"x")
    refused = git("push", address(hub_server, name, "eve"), "HEAD:main", ok=False)
    assert "403" in refused.stderr


def test_a_large_file_outside_lfs_is_refused_by_name(git: Git, copy: Path) -> None:
    write(copy, git, "models/big.dat", b"x" * (10 * 2**20 + 1))
    refused = git("push", ok=False).stderr
    assert "'models/big.dat' has 10485761 bytes" in refused
    assert 'git lfs track "models/big.dat"' in refused


def test_a_pointer_without_its_content_is_refused_by_name(
    hub_server: HubServer, name: str, git: Git, copy: Path
) -> None:
    before = head(hub_server, name)
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'ab' * 32}\nsize 5\n"
    write(copy, git, "w.txt", pointer.encode())
    refused = git("push", "--no-verify", ok=False).stderr
    assert "'w.txt' is a pointer to a large file that is not here" in refused
    assert "git lfs push" in refused
    assert head(hub_server, name) == before


@pytest.mark.parametrize("path", ["a\\b.txt", "bad\nname", "/".join(["d"] * 101), "e\u0301.txt"])
def test_a_bad_path_is_refused(git: Git, copy: Path, path: str) -> None:
    write(copy, git, path, b"x")
    assert "The path" in git("push", ok=False).stderr


def test_names_that_collide_are_refused(git: Git, copy: Path) -> None:
    write(copy, git, "Data/a.txt", b"x")
    write(copy, git, "Data/A.txt", b"y")
    assert "differ only by letter case" in git("push", ok=False).stderr


def test_a_protected_branch_keeps_its_history(
    hub_server: HubServer, name: str, git: Git, copy: Path
) -> None:
    write(copy, git, "x", b"1")
    git("push", "-q")
    git("commit", "-q", "--amend", "-m", "Rewritten")
    git("push", "-q", "--force")  # nothing protects it yet
    _protect(hub_server, name)
    git("commit", "-q", "--amend", "-m", "Rewritten again")
    assert "refs/heads/main is protected" in git("push", "--force", ok=False).stderr
    assert "cannot be deleted" in git("push", "origin", ":main", ok=False).stderr
    git("pull", "-q", "--rebase", "-X", "theirs")
    write(copy, git, "y", b"2")
    git("push", "-q")


def _protect(hub: HubServer, name: str) -> None:
    script = (
        "import os, sys, django; django.setup(set_prefix=False)\n"
        "from llmos.hub.models import Repository\n"
        "Repository.objects.filter(full_name=sys.argv[1]).update(protected_branches=['main'])"
    )
    environment = {
        "LLMOS_HOME": str(hub.home),
        "DJANGO_SETTINGS_MODULE": "llmos.web.settings",
        "PATH": "/usr/bin:/bin",
    }
    subprocess.run([sys.executable, "-c", script, name], env=environment, check=True)


def test_hidden_and_unknown_references_cannot_be_pushed(git: Git, copy: Path) -> None:
    write(copy, git, "x", b"1")
    for ref in ["refs/staging/x", "refs/pr/7", "refs/notes/x"]:
        git("push", "origin", f"HEAD:{ref}", ok=False)
    git("push", "-q", "origin", "HEAD:refs/heads/other")
    git("tag", "v1")
    git("push", "-q", "--tags")
    listed = git("ls-remote").stdout
    assert "refs/heads/other" in listed
    assert "refs/tags/v1" in listed
    git("push", "-q", "origin", ":other")


def test_the_author_of_a_change_request_pushes_to_it(
    hub_server: HubServer, name: str, git: Git, copy: Path
) -> None:
    lines = [
        {"key": "header", "value": {"summary": "Proposal", "description": ""}},
        {"key": "file", "value": {"path": "p", "content": "eA==", "encoding": "base64"}},
    ]
    with _api(hub_server, "eve") as eve:
        body = "\n".join(map(json.dumps, lines))
        made = eve.post(f"/api/models/{name}/commit/main?create_pr=1", content=body).json()
    number = made["pullRequestUrl"].rpartition("/")[2]
    git("fetch", "-q", "origin", f"refs/pr/{number}")
    git("checkout", "-q", "FETCH_HEAD")
    write(copy, git, "more", b"x")
    as_eve = address(hub_server, name, "eve")
    git("push", "-q", as_eve, f"HEAD:refs/pr/{number}")
    assert "change requests only" in git("push", as_eve, "HEAD:main", ok=False).stderr


def test_a_client_that_goes_away_leaves_no_process(hub_server: HubServer, name: str) -> None:
    def body() -> Iterator[bytes]:
        yield b"0032want " + b"0" * 10  # never finished: upload-pack waits for the rest
        time.sleep(0.5)
        raise ConnectionError

    with _api(hub_server) as api, pytest.raises(ConnectionError):
        api.post(f"/{name}/git-upload-pack", content=body())
    deadline = time.monotonic() + 20
    while _children(hub_server.web_pid):
        assert time.monotonic() < deadline, _children(hub_server.web_pid)
        time.sleep(0.2)


def _children(pid: int) -> list[str]:
    listed = subprocess.run(
        ["ps", "-o", "args=", "--ppid", str(pid)], capture_output=True, text=True
    ).stdout.splitlines()
    return [line for line in listed if "upload-pack" in line]


@pytest.mark.parametrize("service", ["git-upload-pack", "git-receive-pack"])
def test_a_body_that_is_not_gits_is_refused_with_a_code(
    hub_server: HubServer, name: str, service: str
) -> None:
    with _api(hub_server) as api:
        refused = api.post(f"/{name}.git/{service}", content=b"not a pkt-line at all")

    assert refused.status_code == 400
    assert refused.headers["X-Error-Code"] == "BadRequest"
