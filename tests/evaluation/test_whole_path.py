"""From a push to a score that a stranger can check, on a running hub."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from huggingface_hub.errors import HfHubHTTPError
from tests.conftest import HubServer
from tests.evaluation.conftest import Asked, Measured, rows_file

from llmos.wire.receipts import BadReceipt, check_samples, verify

pytestmark = pytest.mark.slow


def keys_of(asked: Asked) -> list[bytes]:
    found = asked.get("/.well-known/llmos-keys.json")["keys"]
    return [bytes.fromhex(key["keyval"]["public"]) for key in found]


def receipt_of(asked: Asked, measured: Measured) -> tuple[bytes, bytes]:
    """The envelope and the samples, as a stranger downloads them."""
    stranger = Asked(asked.hub, None)
    address = stranger.get(f"/api/results/{measured.result}")["receipt"]
    envelope = stranger.ask("GET", address.removeprefix(asked.hub.url))
    samples = stranger.ask("GET", f"/results/{measured.result}/samples.jsonl")
    assert envelope.status_code == samples.status_code == 200
    return envelope.content, samples.content


def test_a_measured_model_stands_on_the_board(asked: Asked, measured: Measured) -> None:
    board = Asked(asked.hub, None).get(f"/api/benchmarks/{measured.benchmark}")
    row = next(row for row in board["rows"] if row["model"] == measured.model)
    result = asked.get(f"/api/results/{measured.result}")

    assert board["metric"] == result["metric"] == "chrf"
    assert row["state"] == "run-here"
    assert row["value"] == result["value"]
    assert row["low"] <= row["value"] <= row["high"]
    assert row["firstPlace"] == 1
    assert row["parameters"] == asked.api.model_info(measured.model).safetensors.total
    assert row["cpuSeconds"] > 0
    assert [one["name"] for one in result["metrics"]] == ["chrf", "sacrebleu"]
    assert result["samples"] == 12


def test_the_receipt_holds_and_any_change_breaks_it(asked: Asked, measured: Measured) -> None:
    envelope, samples = receipt_of(asked, measured)
    keys = keys_of(asked)

    said = verify(envelope, keys).statement
    check_samples(said, samples)
    facts = said["predicate"]
    assert facts["run_by"] == "ada"
    assert facts["benchmark"]["repo"] == measured.benchmark
    assert facts["model"]["commit"] == asked.api.model_info(measured.model).sha
    assert said["subject"][1]["digest"]["sha256"] == hashlib.sha256(samples).hexdigest()
    assert facts["software"]["torch"]
    assert facts["cost"]["cpu_seconds"] > 0

    content = json.loads(envelope)
    letter = "A" if content["payload"][200] != "A" else "B"
    content["payload"] = content["payload"][:200] + letter + content["payload"][201:]
    with pytest.raises(BadReceipt):
        verify(json.dumps(content).encode(), keys)
    with pytest.raises(BadReceipt):
        check_samples(said, samples.replace(b"cat", b"bat", 1))
    with pytest.raises(BadReceipt):
        check_samples(said, samples[: samples.rindex(b"\n", 0, -1) + 1])


def test_the_command_verifies_a_downloaded_receipt(
    asked: Asked, measured: Measured, tmp_path: Path
) -> None:
    envelope, samples = receipt_of(asked, measured)
    keys = asked.ask("GET", "/.well-known/llmos-keys.json").content
    for name, content in (("r.json", envelope), ("s.jsonl", samples), ("k.json", keys)):
        (tmp_path / name).write_bytes(content)
    files = [str(tmp_path / name) for name in ("r.json", "k.json", "s.jsonl")]

    said = asked.hub.command(
        "receipt", "verify", files[0], "--key", files[1], "--samples", files[2]
    )
    assert "signature   holds" in said
    assert "12 outputs" in said


def test_the_client_reads_the_leaderboard(
    asked: Asked, measured: Measured, client_env: dict[str, str]
) -> None:
    row = asked.api.get_dataset_leaderboard(measured.benchmark)[0]

    assert (row.rank, row.model_id, row.verified) == (1, measured.model, True)
    assert row.author.username == "ada"
    said = subprocess.run(
        [
            Path(sys.executable).with_name("hf"),
            *("datasets", "leaderboard", measured.benchmark, "--format", "json"),
        ],
        env=client_env,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(said.stdout)[0]["model_id"] == measured.model
    with pytest.raises(HfHubHTTPError):
        asked.api.get_dataset_leaderboard("ada/never-was")


def test_the_client_reads_a_models_results(asked: Asked, measured: Measured) -> None:
    info = asked.api.model_info(measured.model, expand=["evalResults"])

    assert info.eval_results is not None
    entry = next(one for one in info.eval_results if one.dataset_id == measured.benchmark)
    result = asked.get(f"/api/results/{measured.result}")
    assert entry.value == result["value"]
    assert result["receipt"].endswith(str(entry.verify_token))


def test_a_score_without_a_benchmark_stands_on_no_board(asked: Asked, measured: Measured) -> None:
    asked.push("ada/loose-rows", {"test.jsonl": rows_file()}, kind="dataset")
    settings = {
        "task": "translation",
        "columns": {"source": "zh", "target": "en"},
        "metrics": ["chrf"],
        "data": {"limit": 4},
        "decoding": {"beam": 1, "max_new": 8},
    }
    job = asked.evaluate(model=measured.model, data="ada/loose-rows", settings=settings)

    result = asked.get(f"/api/results/{job}")
    assert result["benchmark"] is None
    assert result["samples"] == 4
    assert result["data"]["repo"] == "ada/loose-rows"
    assert job in {one["id"] for one in asked.get(f"/api/models/{measured.model}/results")}


@pytest.mark.parametrize(
    ("wish", "why"),
    [
        ({}, "model"),
        ({"model": "ada/measured"}, "benchmark"),
        ({"model": "ada/measured", "benchmark": "ada/cats", "data": "ada/cats"}, "not both"),
        ({"model": "ada/measured", "benchmark": "ada/loose-rows"}, "eval.yaml"),
        ({"model": "ada/never-was", "benchmark": "ada/cats"}, "not found"),
        ({"model": "ada/measured", "benchmark": "ada/cats", "seed": "x"}, "seed"),
        ({"model": "ada/measured", "data": "ada/cats", "settings": {"task": "juggling"}}, "task"),
        ({"model": ["ada"], "benchmark": "ada/cats"}, "model is a text"),
    ],
)
def test_a_wish_that_cannot_be_is_refused_in_words(
    asked: Asked, measured: Measured, wish: dict[str, object], why: str
) -> None:
    asked.push("ada/loose-rows", {"test.jsonl": rows_file()}, kind="dataset")
    answer = asked.ask("POST", "/api/evaluations", json=wish)

    assert 400 <= answer.status_code < 500
    assert why in answer.json()["error"]


def test_nobody_evaluates_without_an_account(hub_server: HubServer, measured: Measured) -> None:
    wish = {"model": measured.model, "benchmark": measured.benchmark}
    answer = Asked(hub_server, None).ask("POST", "/api/evaluations", json=wish)

    assert answer.status_code == 401
