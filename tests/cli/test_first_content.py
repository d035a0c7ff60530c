"""A new hub brings its own first content, through the clients that everybody uses."""

import json
import os
import urllib.request
from importlib.util import find_spec
from pathlib import Path

import pytest
from tests.cli.terminal import Terminal

from llmos.cli.demo import MODEL_PACKAGE, MODEL_SHA256

HAS_MODEL = find_spec(MODEL_PACKAGE) is not None


def _get(url: str) -> object:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


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
    up = Terminal(home, "--port", "0", **_with_other_weights(tmp_path / "packages"))
    terminals.append(up)
    url = up.url()

    up.wait_for("first content is there", seconds=60)

    assert "holds other weights than expected; left out" in up.printed
    data_set = _get(f"{url}/api/datasets/llmos/numerals-zh-en")
    assert isinstance(data_set, dict)
    names = {file["rfilename"] for file in data_set["siblings"]}
    assert {"README.md", "data/train.jsonl", "data/validation.jsonl", "data/test.jsonl"} <= names
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
    up = Terminal(tmp_path / "home", "--port", "0")
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


def test_without_demo_nothing_is_brought(up: Terminal) -> None:
    assert _get(f"{up.url()}/api/datasets") == []
    assert "first content" not in up.printed
