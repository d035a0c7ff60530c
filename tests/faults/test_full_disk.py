"""A full disk: a clear refusal, nothing half-written, and all is well once there is room again."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from tests.clients.conftest import random_file, run_script, sha256
from tests.faults.conftest import MortalHub, prepared_hub, send
from tests.homes import Homes

SIZE_MB = 96
ROOM_LEFT = 3_000_000  # bytes


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own for the home."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MB}m", "tmpfs", folder], capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a small file system: {mounted.stderr.decode()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.fixture
def full_hub(small_disk: Path, homes: Homes) -> Iterator[MortalHub]:
    hub = prepared_hub(small_disk / "home", homes)
    hub.start()
    try:
        yield hub
    finally:
        hub.stop()


def fill(disk: Path) -> Path:
    filler = disk / "filler"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    filler.write_bytes(bytes(max(0, free - ROOM_LEFT)))
    return filler


@pytest.mark.slow
@pytest.mark.parametrize("way", ["xet", "lfs", "commit"])
def test_a_full_disk_refuses_clearly_and_recovers(
    full_hub: MortalHub, small_disk: Path, tmp_path: Path, way: str
) -> None:
    api = HfApi(endpoint=full_hub.url, token=full_hub.token)
    repo = api.create_repo("ada/full").repo_id
    kept = random_file(tmp_path / "kept.safetensors", 1_000_000)
    api.upload_file(path_or_fileobj=kept, path_in_repo="kept.safetensors", repo_id=repo)
    filler = fill(small_disk)

    name = "big.txt" if way == "commit" else "big.safetensors"
    big = random_file(tmp_path / name, 8_000_000)
    if way == "commit":
        big.write_text(big.read_bytes().hex()[:9_000_000])
    env = full_hub.client_env(tmp_path / "client")
    env["HF_XET_CLIENT_RETRY_MAX_ATTEMPTS"] = "1"
    if way == "lfs":
        env["HF_HUB_DISABLE_XET"] = "1"
    with pytest.raises(AssertionError, match=r"(?i)disk is full|507|insufficient"):
        run_script("push.py", "path", repo, big, name, env=env)

    assert name not in api.list_repo_files(repo)
    answer = send(full_hub.url, "GET", f"/{repo}/resolve/main/kept.safetensors")
    assert answer.body == kept.read_bytes()
    filler.unlink()
    run_script("push.py", "path", repo, big, name, env=env)
    got = Path(api.hf_hub_download(repo, name, local_dir=tmp_path / "down"))
    assert sha256(got) == sha256(big)
    full_hub.doctor()
