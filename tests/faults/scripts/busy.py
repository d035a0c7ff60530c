"""A client that never rests: `busy.py KIND REPO FOLDER`, one JSON line per answered commit.

Each line holds the commit and the sha256 of every file it brought. Kinds: `upload` (Xet, or
LFS when HF_HUB_DISABLE_XET is set), `commit` (200 small files at once), `push` (git and git-lfs).
"""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi

kind, repo, given = sys.argv[1:]
folder = Path(given)
api = HfApi()
Files = dict[str, bytes]


def acknowledged(commit: str, files: Files) -> None:
    digests = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    print(json.dumps({"commit": commit, "files": digests}), flush=True)


def upload(number: int) -> tuple[str, Files]:
    name, content = f"weights-{os.getpid()}-{number}.safetensors", os.urandom(2_000_000)
    (folder / name).write_bytes(content)
    made = api.upload_file(path_or_fileobj=folder / name, path_in_repo=name, repo_id=repo)
    return made.oid, {name: content}


def commit(number: int) -> tuple[str, Files]:
    files = {f"{os.getpid()}/{number}/{n}.txt": os.urandom(50).hex().encode() for n in range(200)}
    operations = [CommitOperationAdd(name, content) for name, content in files.items()]
    made = api.create_commit(repo, operations, commit_message=f"change {number}")
    return made.oid, files


def git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder / "clone", check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def push(number: int) -> tuple[str, Files]:
    if number == 0:
        address = os.environ["HF_ENDPOINT"].replace("//", f"//ada:{os.environ['HF_TOKEN']}@")
        (folder / "clone").mkdir()
        git("clone", "-q", f"{address}/{repo}", ".")
        git("lfs", "install", "--local")
        git("config", "user.name", "Ada")
        git("config", "user.email", "ada@example.org")
    files = {
        f"git-{os.getpid()}-{number}.safetensors": os.urandom(300_000),
        f"git-{os.getpid()}-{number}.txt": os.urandom(300).hex().encode(),
    }
    for name, content in files.items():
        (folder / "clone" / name).write_bytes(content)
    git("add", "-A")
    git("commit", "-q", "-m", f"change {number}")
    git("push", "-q", "origin", "HEAD:main")
    return git("rev-parse", "HEAD"), files


deeds: dict[str, Callable[[int], tuple[str, Files]]] = {
    "upload": upload,
    "commit": commit,
    "push": push,
}
count = 0
while True:
    acknowledged(*deeds[kind](count))
    count += 1
