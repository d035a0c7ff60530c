"""Files through huggingface_hub: what goes up comes down, byte for byte."""

from pathlib import Path

import pytest
from huggingface_hub import HfApi, HfFileSystem
from huggingface_hub.errors import (
    EntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from tests.clients.conftest import random_file, sha256
from tests.conftest import HubServer


def test_a_folder_comes_back_byte_for_byte(ada: HfApi, repo: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    for name, size in {
        "README.md": 0,
        "config.json": 300,
        "weights/model.safetensors": 3_000_000,
        "weights/tiny.bin": 9,
        "deep/er/and/deeper/text.txt": 70_000,
    }.items():
        random_file(source / name, size)
    (source / "README.md").write_text("---\nlicense: mit\n---\n# A card\n")
    (source / "config.json").write_text('{"model_type": "bert"}')

    ada.upload_folder(repo_id=repo, folder_path=source)
    target = Path(ada.snapshot_download(repo, cache_dir=tmp_path / "cache"))

    expected = {p.relative_to(source): sha256(p) for p in source.rglob("*") if p.is_file()}
    found = {p.relative_to(target): sha256(p) for p in target.rglob("*") if p.is_file()}
    found.pop(Path(".gitattributes"))
    assert found == expected


def test_an_empty_file_is_kept(ada: HfApi, repo: str, tmp_path: Path) -> None:
    ada.upload_file(path_or_fileobj=b"", path_in_repo="empty.txt", repo_id=repo)
    ada.upload_file(path_or_fileobj=b"", path_in_repo="empty.bin", repo_id=repo)
    for name in ("empty.txt", "empty.bin"):
        got = Path(ada.hf_hub_download(repo, name, local_dir=tmp_path))
        assert got.read_bytes() == b""


def test_a_tree_tells_real_sizes_and_hashes_of_large_files(
    ada: HfApi, repo: str, tmp_path: Path
) -> None:
    file = random_file(tmp_path / "model.safetensors", 2_000_000)
    ada.upload_file(path_or_fileobj=file, path_in_repo="model.safetensors", repo_id=repo)
    (entry,) = ada.get_paths_info(repo, ["model.safetensors", "missing.txt"])
    assert entry.size == 2_000_000
    assert entry.lfs.sha256 == sha256(file)
    assert entry.xet_hash
    siblings = {s.rfilename: s for s in ada.model_info(repo, files_metadata=True).siblings}
    assert siblings["model.safetensors"].size == 2_000_000


def test_missing_things_raise_the_right_errors(ada: HfApi, repo: str) -> None:
    with pytest.raises(EntryNotFoundError):
        ada.hf_hub_download(repo, "missing.txt")
    with pytest.raises(RevisionNotFoundError):
        ada.hf_hub_download(repo, ".gitattributes", revision="missing")
    with pytest.raises(RepositoryNotFoundError):
        ada.hf_hub_download("ada/missing", "a.txt")
    with pytest.raises(RepositoryNotFoundError):
        ada.hf_hub_download("gpt2-of-nobody", "a.txt")
    with pytest.raises(EntryNotFoundError):
        list(ada.list_repo_tree(repo, "no/such/folder"))
    assert not ada.file_exists(repo, "missing.txt")
    assert not ada.repo_exists("ada/missing")


def test_the_file_system_lists_reads_ranges_and_writes(
    ada: HfApi, repo: str, hub_server: HubServer, tmp_path: Path
) -> None:
    content = random_file(tmp_path / "x.bin", 200_000).read_bytes()
    files = HfFileSystem(
        endpoint=hub_server.url, token=hub_server.tokens["ada"], skip_instance_cache=True
    )
    with files.open(f"{repo}/folder/x.bin", "wb") as target:
        target.write(content)
    files.invalidate_cache()

    assert files.ls(f"{repo}/folder", detail=False) == [f"{repo}/folder/x.bin"]
    with files.open(f"{repo}/folder/x.bin", "rb", block_size=4096) as source:
        source.seek(100_000)
        assert source.read(1000) == content[100_000:101_000]
        source.seek(-10, 2)
        assert source.read() == content[-10:]
    files.rm(f"{repo}/folder/x.bin")
    assert not files.exists(f"{repo}/folder/x.bin")
    assert files.glob(f"{repo}/*") == [f"{repo}/.gitattributes"]


def test_downloads_resume_and_revisions_are_exact(ada: HfApi, repo: str, tmp_path: Path) -> None:
    first = ada.upload_file(path_or_fileobj=b"one", path_in_repo="a.txt", repo_id=repo)
    ada.upload_file(path_or_fileobj=b"two", path_in_repo="a.txt", repo_id=repo)
    old = ada.hf_hub_download(repo, "a.txt", revision=first.oid, cache_dir=tmp_path)
    new = ada.hf_hub_download(repo, "a.txt", cache_dir=tmp_path)
    assert Path(old).read_bytes() == b"one"
    assert Path(new).read_bytes() == b"two"


def test_many_small_files_travel_together(ada: HfApi, repo: str, tmp_path: Path) -> None:
    for number in range(300):
        random_file(tmp_path / "up" / f"part-{number % 7}" / f"{number}.bin", 200)
    ada.upload_folder(repo_id=repo, folder_path=tmp_path / "up")
    down = Path(ada.snapshot_download(repo, local_dir=tmp_path / "down"))
    for file in (tmp_path / "up").rglob("*.bin"):
        assert sha256(down / file.relative_to(tmp_path / "up")) == sha256(file)
