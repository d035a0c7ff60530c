"""`llmos train` as people type it, with and without a hub."""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.conftest import HubServer
from tests.lab.training.tiny_runs import TINY, write_numerals

# The command's own options say the rest.
SMALL = [
    part
    for key, value in TINY.items()
    if key.startswith(("model", "tokeniser", "batch", "look"))
    for part in ("--set", f"{key}={value}")
]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "llmos.cli.main", "train", *arguments, *SMALL]


@pytest.fixture(scope="module")
def numerals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_numerals(tmp_path_factory.mktemp("numerals"))


@dataclass(frozen=True)
class Learned:
    """A model that one command made without being interrupted, and what it said."""

    folder: Path
    said: str


def learning(numerals: Path, out: Path) -> list[str]:
    wish = ["--source", "zh", "--target", "en", "--steps", "40", "--workers", "1"]
    return command("translate", "--data", str(numerals), "--out", str(out), *wish)


@pytest.fixture(scope="module")
def learned(numerals: Path, tmp_path_factory: pytest.TempPathFactory) -> Learned:
    folder = tmp_path_factory.mktemp("learned")
    done = subprocess.run(
        learning(numerals, Path("model")), cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return Learned(folder, done.stdout)


def test_a_model_is_learned_from_a_folder_and_its_cost_told(learned: Learned) -> None:
    from transformers import AutoModelForSeq2SeqLM

    for words in ("40 steps; on unseen rows: loss", "CPU-seconds", "MiB at most", "Wh (", "Saved"):
        assert words in learned.said
    assert [path.name for path in learned.folder.iterdir()] == ["model"]
    assert AutoModelForSeq2SeqLM.from_pretrained(learned.folder / "model").config.d_model == 16


@pytest.mark.slow
def test_an_interrupted_command_goes_on_to_the_same_bytes(
    numerals: Path, learned: Learned, tmp_path: Path
) -> None:
    cut = learning(numerals, tmp_path / "cut")
    with subprocess.Popen(cut, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("step "):  # the first look: a checkpoint follows
                break
        while not list(tmp_path.glob(".cut.training/checkpoints/*.pt")):
            assert process.poll() is None
        os.kill(process.pid, signal.SIGKILL)
    again = subprocess.run(cut, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    assert "Going on from step" in again.stderr
    assert not (tmp_path / ".cut.training").exists()
    weights = [
        place / "model.safetensors" for place in (learned.folder / "model", tmp_path / "cut")
    ]
    assert weights[0].read_bytes() == weights[1].read_bytes()


@pytest.mark.slow
def test_from_a_data_set_of_the_hub_to_a_model_with_a_card(
    numerals: Path, hub_server: HubServer, tmp_path: Path
) -> None:
    from huggingface_hub import HfApi

    api = HfApi(hub_server.url, token=hub_server.tokens["ada"])
    api.create_repo("ada/numerals-to-learn", repo_type="dataset", exist_ok=True)
    (numerals / "README.md").write_text("---\nlicense: apache-2.0\nlanguage: [zh, en]\n---\n")
    pushed = api.upload_folder(
        repo_id="ada/numerals-to-learn", folder_path=numerals, repo_type="dataset"
    )
    wish = ["--source", "zh", "--target", "en", "--steps", "5", "--workers", "1"]
    done = subprocess.run(
        command("translate", "--data", "ada/numerals-to-learn@main", "--out", "ada/learned", *wish),
        cwd=tmp_path,
        env=hub_server.client_env(tmp_path / "home"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "Pushed to ada/learned@" in done.stdout
    card = Path(
        api.hf_hub_download("ada/learned", "README.md", cache_dir=tmp_path / "cache")
    ).read_text()
    for words in (
        "pipeline_tag: translation",
        "- ada/numerals-to-learn",
        "license: apache-2.0",
        f"`ada/numerals-to-learn@{pushed.oid}`",
        "## How this was made",
        "Written by `llmos train` on the author's own machine",
        "CPU-seconds",
    ):
        assert words in card
    assert "activity" not in card
    assert api.file_exists("ada/learned", "model.safetensors")
    assert not list(tmp_path.glob(".ada*"))


def test_who_could_not_push_is_told_before_the_work(numerals: Path, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "HF_TOKEN"}
    done = subprocess.run(
        command("translate", "--data", str(numerals), "--out", "ada/model"),
        cwd=tmp_path,
        env=environment | {"HF_HOME": str(tmp_path), "HF_ENDPOINT": "http://127.0.0.1:9"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert "set HF_ENDPOINT and HF_TOKEN" in done.stderr
    assert "Reading" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["translate", "--budget", "soon"], "write a time like 90s"),
        (["translate", "--budget", "1m", "--steps", "3"], "--steps or --budget, not both"),
        (["translate", "--set", "rate"], "write KEY=VALUE"),
        (["translate", "--set", "optimiser.rat=1"], "did you mean optimiser.rate"),
        (["traslate"], "There is no recipe 'traslate'"),
        (["finetune"], "finetune wants `base`"),
        (["translate", "--source", "zh"], "Give both --source and --target"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    numerals: Path, tmp_path: Path, arguments: list[str], words: str
) -> None:
    from click.testing import CliRunner

    from llmos.cli.main import main

    found = CliRunner().invoke(
        main, ["train", *arguments, "--data", str(numerals), "--out", str(tmp_path / "m")]
    )
    assert found.exit_code != 0
    assert words in found.output
