"""The evaluation that a job runs, as a client of a hub; whole jobs are tests/evaluation's."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import HubServer
from tests.lab.tiny_models import TEXTS, tiny_writer

from llmos.wire.receipts import check_samples

pytestmark = pytest.mark.slow

DEFINITION = """
name: Cats
version: 1
task: text-generation
prompt: "{q}"
columns: {target: a}
decoding: {max_new: 3}
"""

# Several jobs in one process, which spares loading torch for each.
SCRIPT = """
import json, sys
from pathlib import Path
from llmos.kit.errors import Refusal
from llmos.lab.reports import StreamReporter
from llmos.lab.work import read_spec, run
for place, spec in enumerate(json.load(sys.stdin)):
    folder = Path(sys.argv[1]) / str(place)
    folder.mkdir()
    print(json.dumps({"job": place}))
    try:
        run(read_spec(spec), folder, StreamReporter())
    except Refusal as refusal:
        print(json.dumps({"refused": refusal.code, "text": refusal.message}))
"""


@pytest.fixture(scope="module")
def inputs(hub_server: HubServer, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    from huggingface_hub import HfApi

    api = HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])
    folder = tiny_writer(tmp_path_factory.mktemp("activity") / "writer")
    api.create_repo("ada/measured-writer")
    model = api.upload_folder(repo_id="ada/measured-writer", folder_path=folder)
    rows = "".join(json.dumps({"q": text, "a": "x"}) + "\n" for text in TEXTS[:4])
    found = {"model": {"kind": "model", "repo": "ada/measured-writer", "commit": model.oid}}
    for role, name, extra in (
        ("data", "ada/cat-rows", {}),
        ("benchmark", "ada/cat-questions", {"eval.yaml": DEFINITION}),
    ):
        api.create_repo(name, repo_type="dataset")
        for path, content in {"test.jsonl": rows, **extra}.items():
            made = api.upload_file(
                path_or_fileobj=content.encode(),
                path_in_repo=path,
                repo_id=name,
                repo_type="dataset",
            )
        found[role] = {"kind": "dataset", "repo": name, "commit": made.oid}
    return {role: {"role": role, **one} for role, one in found.items()}


def spec(*inputs: dict[str, str], **recipe: Any) -> dict[str, Any]:
    return {
        "version": 1,
        "job": "j",
        "activity": "evaluate",
        "inputs": list(inputs),
        "recipe": recipe,
        "seed": 1,
    }


def ran(hub: HubServer, place: Path, specs: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """What each job told."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(place)],
        input=json.dumps(specs),
        env=hub.client_env(place),
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    told: list[list[dict[str, Any]]] = []
    for line in done.stdout.split("\n"):
        event = json.loads(line.lstrip("\x1e") or "{}")
        if "job" in event and "event" not in event:
            told.append([])
        elif event:
            told[-1].append(event)
    return told


def test_a_job_measures_commits_and_changes_no_benchmark(
    hub_server: HubServer, inputs: dict[str, Any], tmp_path: Path
) -> None:
    model, data, benchmark = inputs["model"], inputs["data"], inputs["benchmark"]
    settings = {"task": "text-generation", "prompt": "{q}", "columns": {"target": "a"}}
    told = ran(
        hub_server,
        tmp_path,
        [
            spec(model, benchmark),
            spec(model, benchmark, **settings),
            spec(model, data, **settings, decoding={"max_new": 3}),
            spec(model, data, task="text-generation", prompt="{nothing}", columns={"target": "a"}),
            spec(model),
        ],
    )

    by_name = {event["event"]: event for event in told[0] if "event" in event}
    result, made = by_name["result"], by_name["made"]
    assert result["benchmark"]["commit"] == benchmark["commit"]
    assert result["data"] == {
        "repo": "ada/cat-questions",
        "commit": benchmark["commit"],
        "split": "test",
    }
    assert result["model"] == {"repo": model["repo"], "commit": model["commit"]}
    assert (result["primary"], result["samples"]["count"]) == ("exact_match", 4)
    check_samples({"predicate": result}, (tmp_path / "0" / "samples.jsonl").read_bytes())
    assert {"software", "lock", "hardware", "seed", "recipe_hash"} <= set(made)
    assert made["recipe"]["decoding"]["max_new"] == 3

    assert told[1][-1]["refused"] == "BadBenchmark"
    assert "decides by itself" in told[1][-1]["text"]
    free = {event["event"]: event for event in told[2] if "event" in event}
    assert free["result"]["benchmark"] is None
    # The same questions, so the same outputs to the byte.
    assert free["output"]["files"] == by_name["output"]["files"]
    assert "no column 'nothing'" in told[3][-1]["text"]
    assert "role of 'data'" in told[4][-1]["text"]
