"""kill -9 at any moment: what was acknowledged is there, the rest never happened, a retry works."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from tests import databases
from tests.faults.conftest import ROUNDS, MortalHub, descendants, kill, send

pytestmark = pytest.mark.slow

BUSY = Path(__file__).parent / "scripts" / "busy.py"
VICTIMS = ("web", "worker", "all")
LONGEST_WAIT = 1.5  # seconds after the first acknowledged commit


@dataclass(frozen=True)
class Acknowledged:
    commit: str
    files: dict[str, str]


class BusyClient:
    """A client that commits without rest, and what it was told so far."""

    def __init__(self, hub: MortalHub, kind: str, repo: str, folder: Path, *, xet: bool) -> None:
        folder.mkdir()
        self._folder = folder
        env = hub.client_env(folder)
        if not xet:
            env["HF_HUB_DISABLE_XET"] = "1"
        with (folder / "said").open("w") as said, (folder / "complaints").open("w") as complaints:
            self._process = subprocess.Popen(
                [sys.executable, BUSY, kind, repo, folder], env=env, stdout=said, stderr=complaints
            )

    def told(self) -> list[Acknowledged]:
        lines = (self._folder / "said").read_text().splitlines(keepends=True)
        return [Acknowledged(**json.loads(line)) for line in lines if line.endswith("\n")]

    def wait_for_first(self) -> None:
        while not self.told():
            assert self._process.poll() is None, (self._folder / "complaints").read_text()
            time.sleep(0.05)

    def end(self) -> list[Acknowledged]:
        for pid in [self._process.pid, *descendants(self._process.pid)]:
            kill(pid, signal.SIGKILL)
        self._process.wait()
        return self.told()


def assert_kept(hub: MortalHub, repo: str, commits: list[Acknowledged]) -> None:
    """Every acknowledged commit is in the history and each of its files reads as it was sent."""
    api = HfApi(endpoint=hub.url, token=hub.token)
    history = {commit.commit_id for commit in api.list_repo_commits(repo)}
    for acknowledged in commits:
        assert acknowledged.commit in history
        for name, digest in acknowledged.files.items():
            answer = send(hub.url, "GET", f"/{repo}/resolve/main/{name}", token=hub.token)
            assert answer.status == 200, (name, answer)
            assert sha256(answer.body).hexdigest() == digest, name


@pytest.mark.parametrize(
    ("kind", "xet", "first"),
    [("upload", True, 0), ("upload", False, 1), ("commit", True, 2), ("push", True, 0)],
    ids=["xet-upload", "lfs-upload", "commit-of-many", "git-push"],
)
def test_a_killed_hub_keeps_what_it_acknowledged_and_nothing_by_halves(
    mortal_hub: MortalHub, tmp_path: Path, kind: str, xet: bool, first: int
) -> None:
    hub = mortal_hub
    chance = random.Random(os.environ.get("LLMOS_FAULT_SEED", time.time_ns()))
    api = HfApi(endpoint=hub.url, token=hub.token)
    repo = api.create_repo("ada/mortal").repo_id
    commits: list[Acknowledged] = []
    for number in range(ROUNDS):
        client = BusyClient(hub, kind, repo, tmp_path / f"client-{number}", xet=xet)
        client.wait_for_first()
        time.sleep(chance.uniform(0, LONGEST_WAIT))
        hub.kill(VICTIMS[(first + number) % len(VICTIMS)])
        commits += client.end()
        hub.back()

        hub.doctor()
        assert_kept(hub, repo, commits[-5:])
        again = BusyClient(hub, kind, repo, tmp_path / f"retry-{number}", xet=xet)
        again.wait_for_first()
        commits += again.end()
    assert_kept(hub, repo, commits)
    hub.doctor()


def test_a_push_that_a_killed_web_process_did_not_record_is_taken_in(mortal_hub: MortalHub) -> None:
    hub = mortal_hub
    api = HfApi(endpoint=hub.url, token=hub.token)
    api.create_repo("ada/unrecorded")
    deadline = time.monotonic() + 30
    while not list(api.list_models(search="unrecorded")):  # else its own tasks would see the push
        assert time.monotonic() < deadline
        time.sleep(0.05)
    (folder,) = hub.home.glob("git/*/*.git")

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=folder, check=True, stdout=subprocess.PIPE)
        return done.stdout.decode().strip()

    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
    new = git(*author, "commit-tree", "-p", "main", "-m", "unrecorded", "main^{tree}")
    git("update-ref", "refs/heads/main", new)
    hub.kill("web")
    hub.back()

    hub.doctor()
    told = (
        "SELECT 1 FROM django_tasks_database_dbtaskresult "
        "WHERE task_path LIKE %s AND CAST(args_kwargs AS TEXT) LIKE %s"
    )
    found = databases.rows(hub.home, told, "%.on_ref_updated", f"%{new}%")
    assert found, "other rooms hear of it"


def test_a_hub_killed_during_its_first_start_starts_again(tmp_path: Path) -> None:
    chance = random.Random(os.environ.get("LLMOS_FAULT_SEED", time.time_ns()))
    for number in range(ROUNDS):
        hub = MortalHub(tmp_path / f"home-{number}")
        hub.tree = subprocess.Popen(
            [sys.executable, "-m", "llmos.cli.main", "up", "--no-demo", "--port", str(hub.port)],
            env={**os.environ, "LLMOS_HOME": str(hub.home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        time.sleep(chance.uniform(0.1, 2.0))
        hub.kill("all")
        hub.start()
        try:
            hub.doctor()
            api = HfApi(endpoint=hub.url, token=hub.token)
            repo = api.create_repo("ada/first").repo_id
            api.upload_file(path_or_fileobj=b"a", path_in_repo="a.txt", repo_id=repo)
        finally:
            hub.stop()


def test_a_killed_worker_finishes_its_tasks_after_it_comes_back(mortal_hub: MortalHub) -> None:
    hub = mortal_hub
    api = HfApi(endpoint=hub.url, token=hub.token)
    for number in range(10):
        repo = api.create_repo(f"ada/quokka-{number}").repo_id
        card = f"---\nlicense: mit\n---\n# wombat {number}\n"
        api.upload_file(path_or_fileobj=card.encode(), path_in_repo="README.md", repo_id=repo)
        if number in {3, 7}:
            hub.kill("worker")
            time.sleep(0.7)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = {model.id for model in api.list_models(search="wombat")}
        if len(found) == 10:
            return
        time.sleep(0.3)
    raise AssertionError(f"search found only {sorted(found)}")
