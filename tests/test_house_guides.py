"""The guides are run as they stand, by unmodified clients against a running hub."""

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.conftest import HubServer

from llmos.community.welcome.guides import NAMES

GUIDES = Path(__file__).parent.parent / "docs" / "guides"
BLOCK = re.compile(r"^```(sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def _blocks(name: str) -> list[tuple[str, str]]:
    return BLOCK.findall((GUIDES / name).read_text(encoding="utf-8"))


def _script(blocks: list[tuple[str, str]]) -> str:
    """One shell session, as a reader has one terminal; Python blocks run between the others."""
    parts = ["set -eux"]
    for number, (language, code) in enumerate(blocks):
        if language == "sh":
            parts.append(code)
        else:
            parts.append(f"python - <<'PYTHON_{number}'\n{code}PYTHON_{number}\n")
    return "\n".join(parts)


def _on_one_core() -> None:
    """A small machine, on which training has one worker: each further one loads torch, too."""
    os.sched_setaffinity(0, {random.choice(sorted(os.sched_getaffinity(0)))})


@pytest.mark.parametrize("guide", NAMES)
def test_both_languages_of_a_guide_run_the_same_commands(guide: str) -> None:
    assert _blocks(f"{guide}.md") == _blocks(f"{guide}.zh-CN.md")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("guide", "said"),
    [
        ("first-steps", "ada/tiny-bert"),
        ("train", "Saved in taught"),
        ("use", '"usage"'),
        ("evaluate", "60 questions of 'test'; ctranslate2"),
        ("share-a-model", "['Say it better']"),
        ("share-data", "The wind is strong."),
        ("ask", "Which tokeniser does this model want? open"),
        ("moderate", "closed"),
    ],
)
def test_a_guide_works_as_written(
    hub_server: HubServer, tmp_path: Path, guide: str, said: str
) -> None:
    script = _script(_blocks(f"{guide}.md"))
    script = script.replace("http://127.0.0.1:8000", hub_server.url)
    script = script.replace("hf_your_token", hub_server.tokens["ada"])
    environment = hub_server.client_env(tmp_path)
    # A reader has set nothing yet: address and token come from the guide itself.
    for name in ("HF_ENDPOINT", "HF_TOKEN"):
        del environment[name]
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environment,
        preexec_fn=_on_one_core,
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-6000:]}"
    assert said in done.stdout
