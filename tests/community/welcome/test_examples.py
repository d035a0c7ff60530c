"""Every code example of the hub runs as it is shown, with the clients that it names."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from tests.conftest import HubServer
from tests.lab.tiny_models import tiny_translator, tiny_writer
from tests.serving.models import push, reader

from llmos.community.welcome.examples import CHAT_MODEL, USES, environment_lines, examples_of

pytestmark = pytest.mark.slow

MODELS = {
    "translation": ("ada/shown-translator", tiny_translator),
    "summarization": ("ada/shown-summariser", tiny_translator),
    "question-answering": ("ada/shown-reader", reader),
    "text-generation": ("ada/shown-writer", tiny_writer),
}


@pytest.fixture(scope="module")
def models(hub_server: HubServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A tiny model for each use, with a card that says the use."""
    api = HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])
    root = tmp_path_factory.mktemp("shown")
    for use, (name, make) in MODELS.items():
        folder = make(root / use)
        (folder / "README.md").write_text(f"---\nlicense: mit\npipeline_tag: {use}\n---\n")
        push(api, name, folder)
    return {use: name for use, (name, _make) in MODELS.items()}


@pytest.mark.parametrize("use", USES)
def test_each_way_to_a_use_works_as_it_is_shown(
    hub_server: HubServer, models: dict[str, str], tmp_path: Path, use: str
) -> None:
    shown = examples_of(use, model=models[use])
    assert {one.way for one in shown} == {"Python", "hf", "curl", "openai"}
    script = ["set -eu", environment_lines(hub_server.url)]
    for number, one in enumerate(shown):
        code = one.code.replace(CHAT_MODEL, models["text-generation"])
        if one.language == "python":
            code = f"python - <<'PYTHON_{number}'\n{code}\nPYTHON_{number}"
        script.append(f"{code}\necho; echo '{one.way} is done'")
    text = "\n".join(script).replace("hf_your_token", hub_server.tokens["ada"])

    environment = hub_server.client_env(tmp_path)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", text],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )

    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    assert all(f"{one.way} is done" in done.stdout for one in shown)
