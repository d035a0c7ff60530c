"""A new hub brings its own first content, through the clients that everybody uses."""

import json
import os
import signal
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.cli.terminal import Terminal
from tests.conftest import run_llmos

from llmos.cli.demo import MODEL_PACKAGE, MODEL_SHA256

HAS_MODEL = find_spec(MODEL_PACKAGE) is not None
NO_TRAINING = {"LLMOS_FIRST_CONTENT_MINUTES": "0"}


def _get(url: str, *, token: str = "") -> object:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
        return json.load(answer)


def _token(home: Path) -> str:
    made = run_llmos(home, "tokens", "create", "operator", "--name", "test", "--role", "read")
    return made.strip()


def _with_other_weights(folder: Path) -> dict[str, str]:
    """An environment in which the model's package holds something else."""
    model = folder / MODEL_PACKAGE / "model"
    model.mkdir(parents=True)
    (folder / MODEL_PACKAGE / "__init__.py").touch()
    (model / "model.safetensors").write_bytes(b"other weights")
    return {"PYTHONPATH": f"{folder}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"}


def test_the_data_set_is_there_and_other_weights_are_left_out(
    tmp_path: Path, terminals: list[Terminal]
) -> None:
    home = tmp_path / "home"
    up = Terminal(home, "--port", "0", **_with_other_weights(tmp_path / "packages"), **NO_TRAINING)
    terminals.append(up)
    url = up.url()

    up.wait_for("first content is there", seconds=60)

    assert "holds other weights than expected; left out" in up.printed
    data_set = _get(f"{url}/api/datasets/llmos/numerals-zh-en")
    assert isinstance(data_set, dict)
    names = {file["rfilename"] for file in data_set["siblings"]}
    rows = {f"data/{split}.jsonl" for split in ("train", "validation", "test")}
    assert {"README.md", "eval.yaml"} | rows <= names
    assert data_set["cardData"]["license"] == "cc0-1.0"
    assert _get(f"{url}/api/models?author=llmos") == []
    up.end()
    again = Terminal(home, "--port", "0")
    terminals.append(again)
    again.url()
    again.end()
    assert "first content" not in again.printed


@pytest.mark.skipif(not HAS_MODEL, reason="the package with the first model is not installed")
def test_the_real_model_is_there_with_its_parameters_and_its_origin(
    tmp_path: Path, terminals: list[Terminal]
) -> None:
    up = Terminal(tmp_path / "home", "--port", "0", **NO_TRAINING)
    terminals.append(up)
    url = up.url()

    up.wait_for("first content is there", seconds=120)

    model = _get(f"{url}/api/models/llmos/all-minilm-l6-v2?blobs=true")
    assert isinstance(model, dict)
    assert model["cardData"]["license"] == "apache-2.0"
    assert model["safetensors"]["total"] == 22_713_728
    (weights,) = [f for f in model["siblings"] if f["rfilename"] == "model.safetensors"]
    assert weights["lfs"]["sha256"] == MODEL_SHA256
    with urllib.request.urlopen(f"{url}/llmos/all-minilm-l6-v2/raw/main/README.md") as answer:
        card = answer.read().decode()
    assert "This copy." in card
    assert MODEL_SHA256 in card


@pytest.mark.slow
def test_a_hub_killed_while_its_first_model_learns_ends_with_a_model_on_a_board(
    tmp_path: Path, terminals: list[Terminal]
) -> None:
    home = tmp_path / "home"
    first = Terminal(home, "--port", "0", LLMOS_FIRST_CONTENT_MINUTES="0.1")
    terminals.append(first)
    first.url()
    first.wait_for("the first model is learning", seconds=120)
    first.end(signal.SIGKILL)

    again = Terminal(home, "--port", "0")
    terminals.append(again)
    url = again.url()
    again.wait_for("of unseen numbers right", seconds=180)

    jobs = [job["llmos"] for job in _get(f"{url}/api/jobs/llmos", token=_token(home))]  # type: ignore[attr-defined]
    assert sorted((job["activity"], job["stage"]) for job in jobs) == [
        ("evaluate", "succeeded"),
        ("train", "succeeded"),
    ]
    (score,) = _get(f"{url}/api/datasets/llmos/numerals-zh-en/leaderboard")  # type: ignore[misc]
    assert score["modelId"] == "llmos/numerals-translator"
    again.end()
    third = Terminal(home, "--port", "0")
    terminals.append(third)
    third.url()
    third.end()
    assert "first" not in third.printed


def test_without_demo_nothing_is_brought(first_up: Terminal) -> None:
    assert _get(f"{first_up.url()}/api/datasets") == []
    assert "first content" not in first_up.printed
