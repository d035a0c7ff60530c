"""transformers and datasets, unmodified: what they push they load again."""

from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from tests.clients.conftest import run_script


@pytest.mark.slow
def test_transformers_loads_the_model_and_tokenizer_it_pushed(
    ada: HfApi, client_env: dict[str, str], new_name: Callable[..., str], tmp_path: Path
) -> None:
    pytest.importorskip("transformers")
    repo = new_name("tiny-bert")
    printed = run_script("transformers_round_trip.py", repo, tmp_path / "cache", env=client_env)
    assert "same logits" in printed
    parameters = ada.model_info(repo).safetensors
    assert parameters is not None
    assert parameters.total > 0


@pytest.mark.slow
def test_datasets_loads_what_it_pushed_plain_and_streaming(
    ada: HfApi, client_env: dict[str, str], new_name: Callable[..., str], tmp_path: Path
) -> None:
    pytest.importorskip("datasets")
    pushed, files = new_name("rows"), new_name("files")
    printed = run_script(
        "datasets_round_trip.py", pushed, files, tmp_path / "cache", env=client_env
    )
    assert "same rows" in printed
    assert any(
        name.endswith(".parquet") for name in ada.list_repo_files(pushed, repo_type="dataset")
    )
