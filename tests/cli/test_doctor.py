"""The doctor finds what a crash or a disk left behind, and mends what loses nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.terminal import Terminal
from tests.homes import Homes

CONTENT = b"\x00\x01weights" * 4096


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llmos.cli.main", *arguments, "--home", str(home)],
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory, homes: Homes) -> Path:
    """The home of a stopped hub with one repository that holds a small and a large file."""
    folder = tmp_path_factory.mktemp("doctor")
    home = folder / "home"
    homes.copy_to(home)
    terminal = Terminal(home, "--no-demo", "--port", "0")
    try:
        url = terminal.url()
        (folder / "model").mkdir()
        (folder / "model" / "weights.bin").write_bytes(CONTENT)
        (folder / "model" / "README.md").write_text("# A model\n")
        subprocess.run(
            [Path(sys.executable).with_name("hf"), "upload", "ada/model", folder / "model"],
            env={
                "PATH": os.environ["PATH"],
                "HF_HOME": str(folder / "hf"),
                "HF_ENDPOINT": url,
                "HF_TOKEN": homes.tokens["ada"],
            },
            check=True,
            capture_output=True,
        )
    finally:
        terminal.end()
    return home


@pytest.fixture
def home(stopped: Path, tmp_path: Path) -> Path:
    """A copy that a test may harm."""
    return Path(
        shutil.copytree(stopped, tmp_path / "home", ignore=shutil.ignore_patterns("*.sock"))
    )


def _git(home: Path) -> Path:
    (found,) = home.glob("git/*/*.git")
    return found


def _large_files(home: Path) -> list[Path]:
    return [p for folder in ("blobs", "xorbs") for p in (home / folder).rglob("*") if p.is_file()]


def test_a_hub_that_was_stopped_is_well(home: Path) -> None:
    done = run(home, "doctor", "--deep")

    assert (done.stdout, done.returncode) == ("All is well.\n", 0)


def test_a_head_whose_record_was_lost_is_recorded_again(home: Path) -> None:
    git = _git(home)
    tree = subprocess.check_output(["git", "-C", git, "rev-parse", "main^{tree}"], text=True)
    commit = subprocess.check_output(
        ["git", "-C", git, "commit-tree", "-p", "main", "-m", "lost", tree.strip()],
        text=True,
        env={
            **os.environ,
            "GIT_AUTHOR_NAME": "Ada",
            "GIT_AUTHOR_EMAIL": "ada@example.org",
            "GIT_COMMITTER_NAME": "Ada",
            "GIT_COMMITTER_EMAIL": "ada@example.org",
        },
    ).strip()
    subprocess.run(["git", "-C", git, "update-ref", "refs/heads/main", commit], check=True)

    found = run(home, "doctor")
    mended = run(home, "doctor", "--repair")

    assert f"main is at {commit[:12]}" in found.stdout
    assert found.returncode == 1
    assert mended.returncode == 0
    assert run(home, "doctor").stdout == "All is well.\n"


def test_a_missing_git_folder_is_told_and_cannot_be_mended(home: Path) -> None:
    shutil.rmtree(_git(home))

    done = run(home, "doctor", "--repair")

    assert done.returncode == 1
    assert "model ada/model: its git folder" in done.stdout


def test_a_lost_git_object_is_found_by_git_unless_quick(home: Path) -> None:
    git = _git(home)
    oid = subprocess.check_output(["git", "-C", git, "rev-parse", "main:README.md"], text=True)
    loose = git / "objects" / oid[:2] / oid[2:].strip()
    for pack in list((git / "objects" / "pack").glob("*.pack")):
        moved = home / pack.name
        shutil.move(pack, moved)
        pack.with_suffix(".idx").unlink()
        with moved.open("rb") as packed:
            subprocess.run(["git", "-C", git, "unpack-objects", "-q"], stdin=packed, check=True)
    loose.unlink()

    whole, quick = run(home, "doctor"), run(home, "doctor", "--quick")

    assert "git fsck: " in whole.stdout
    assert "git fsck" not in quick.stdout
    assert "a git object is missing" in quick.stdout


def test_lost_and_shortened_large_files_are_told(home: Path) -> None:
    lost, *rest = _large_files(home)
    lost.unlink()
    for path in rest:
        path.write_bytes(path.read_bytes()[:-1])

    done = run(home, "doctor")

    assert "its file is missing; restore it from a backup" in done.stdout
    assert done.stdout.count("bytes instead of") == len(rest)
    assert done.returncode == 1


def test_changed_bytes_are_found_by_a_deep_look_alone(home: Path) -> None:
    for path in _large_files(home):
        whole = bytearray(path.read_bytes())
        whole[len(whole) // 2] ^= 1
        path.write_bytes(whole)

    assert run(home, "doctor").returncode == 0
    deep = run(home, "doctor", "--deep")
    assert deep.returncode == 1
    assert "restore it from a backup" in deep.stdout or "cannot be read" in deep.stdout


def test_old_leftovers_are_removed_and_fresh_ones_left_alone(home: Path) -> None:
    old, fresh = home / "git" / "07" / "7.git", home / "git" / "08" / "8.git"
    for folder in (old, fresh):
        folder.mkdir(parents=True)
    os.utime(old, (0, 0))

    done = run(home, "doctor", "--repair")

    assert "a git folder that no repository owns (mended)" in done.stdout
    assert not old.exists()
    assert fresh.exists()


def test_a_backup_of_it_is_well_too(home: Path, tmp_path: Path) -> None:
    run(home, "backup", str(tmp_path / "copy"))
    restored = run(tmp_path / "other", "restore", str(tmp_path / "copy"))

    assert restored.returncode == 0, restored.stderr
    assert run(tmp_path / "other", "doctor", "--deep").stdout == "All is well.\n"
