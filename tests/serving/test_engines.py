"""Engines of a running hub: shared, unloaded, killed, left alone; and models that must not run."""

import json
import os
import signal
import struct
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from huggingface_hub import HfApi
from openai import APIError, BadRequestError, OpenAI
from tests.conftest import HubServer
from tests.serving.conftest import Ask, Operator, error_of
from tests.serving.models import OTHER, SLOW, WRITER, push

TURNS: list[Any] = [{"role": "user", "content": "hello"}]
ENDLESS: dict[str, Any] = {"max_tokens": 4000, "temperature": 0}

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def end_token(folder: Path) -> str:
    return str(json.loads((folder / "config.json").read_text())["eos_token_id"])


@pytest.fixture
def endless(folders: dict[str, Path]) -> dict[str, Any]:
    """What makes the slow writer write to the end of what it may."""
    return {**ENDLESS, "logit_bias": {end_token(folders[SLOW]): -100}}


def cpu_seconds(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def is_still(pid: int) -> bool:
    before = cpu_seconds(pid)
    time.sleep(0.4)
    return cpu_seconds(pid) - before < 0.08


def becomes_still(pid: int) -> bool:
    """Within the second in which llama.cpp looks whether anybody waits for a whole answer."""
    return any(is_still(pid) for _ in range(5))


def test_requests_share_one_engine_until_it_is_unloaded(ask: Ask, operator: Operator) -> None:
    operator.unload(WRITER)
    body = {"model": WRITER, "messages": TURNS, "max_tokens": 2}
    both = [
        threading.Thread(target=ask, args=["/v1/chat/completions"], kwargs=body) for _ in range(2)
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()

    engine = operator.engines()[WRITER]
    assert engine["engine"] == "llama_cpp"
    assert engine["memory"] > 2**20
    assert (engine["at_work"], engine["waiting"]) == (0, 0)
    ask("/v1/chat/completions", **body)
    assert operator.engines()[WRITER]["pid"] == engine["pid"]

    operator.unload(WRITER)
    assert WRITER not in operator.engines()
    assert not psutil.pid_exists(engine["pid"])


def test_each_kind_of_model_has_the_engine_that_runs_it_best(ask: Ask, operator: Operator) -> None:
    ask("/v1/completions", model=OTHER, prompt="a", max_tokens=1)
    assert operator.engines()[OTHER]["engine"] == "transformers"


def test_an_engine_stops_when_the_client_goes_in_mid_stream(
    client: OpenAI, operator: Operator, endless: dict[str, Any]
) -> None:
    stream = client.chat.completions.create(model=SLOW, messages=TURNS, stream=True, **endless)
    next(iter(stream))
    pid = operator.engines()[SLOW]["pid"]
    assert not is_still(pid)

    stream.close()

    operator.wait(lambda engines: not engines[SLOW]["at_work"])
    assert becomes_still(pid)


def test_an_engine_stops_when_the_client_goes_before_a_whole_answer(
    served: HubServer, operator: Operator, endless: dict[str, Any]
) -> None:
    with OpenAI(
        base_url=f"{served.url}/v1", api_key=served.tokens["ada"], max_retries=0, timeout=1.0
    ) as hasty:
        hasty.chat.completions.create(model=SLOW, messages=TURNS, max_tokens=1)
        with pytest.raises(APIError):
            hasty.chat.completions.create(model=SLOW, messages=TURNS, **endless)

    operator.wait(lambda engines: not engines[SLOW]["at_work"])
    assert becomes_still(operator.engines()[SLOW]["pid"])


def test_the_transformers_engine_stops_too(
    client: OpenAI, operator: Operator, folders: dict[str, Path]
) -> None:
    stream = client.completions.create(
        model=OTHER, prompt="a", max_tokens=100, temperature=1.0, stream=True
    )
    next(iter(stream))
    stream.close()

    operator.wait(lambda engines: not engines[OTHER]["at_work"])
    assert becomes_still(operator.engines()[OTHER]["pid"])


def test_an_engine_that_dies_in_mid_stream_is_told_and_the_next_request_has_another(
    client: OpenAI, operator: Operator, endless: dict[str, Any]
) -> None:
    stream = client.chat.completions.create(model=SLOW, messages=TURNS, stream=True, **endless)
    pieces = iter(stream)
    next(pieces)
    killed = operator.engines()[SLOW]["pid"]
    os.kill(killed, signal.SIGKILL)

    with pytest.raises(APIError, match="in the middle of its answer"):
        list(pieces)
    answer = client.chat.completions.create(model=SLOW, messages=TURNS, max_tokens=2)

    assert answer.usage is not None
    assert answer.usage.completion_tokens == 2
    assert operator.engines()[SLOW]["pid"] != killed


def test_a_new_commit_is_served_at_once_and_the_old_one_by_its_name(
    served: HubServer, client: OpenAI, folders: dict[str, Path], tmp_path: Path
) -> None:
    from tests.lab.tiny_models import tiny_writer

    api = HfApi(endpoint=served.url, token=served.tokens["ada"])
    push(api, "ada/changing", tiny_writer(tmp_path / "one", seed=11))
    first = api.model_info("ada/changing").sha

    def says(model: str) -> str:
        made = client.completions.create(model=model, prompt="the", max_tokens=8, temperature=0)
        return made.choices[0].text

    before = says("ada/changing")
    push(api, "ada/changing", tiny_writer(tmp_path / "two", seed=12))

    assert says("ada/changing") != before
    assert says(f"ada/changing@{first}") == before


def test_a_model_that_is_gone_is_missing_at_once(
    served: HubServer, ask: Ask, folders: dict[str, Path]
) -> None:
    api = HfApi(endpoint=served.url, token=served.tokens["ada"])
    push(api, "ada/passing", folders[WRITER])
    sha = api.model_info("ada/passing").sha

    def kept() -> list[Path]:
        return list((served.home / "cache" / "engines").glob(f"files-*-{sha}"))

    body = {"model": "ada/passing", "prompt": "a", "max_tokens": 1}
    assert ask("/v1/completions", **body).status == 200
    assert kept()

    api.delete_repo("ada/passing")

    answer = ask("/v1/completions", **body)
    assert (answer.status, error_of(answer)["code"]) == (404, "model_not_found")
    deadline = time.monotonic() + 15
    while kept() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not kept()


def test_a_renamed_model_answers_under_both_names(
    served: HubServer, ask: Ask, folders: dict[str, Path]
) -> None:
    api = HfApi(endpoint=served.url, token=served.tokens["ada"])
    push(api, "ada/maiden-name", folders[WRITER])
    api.move_repo("ada/maiden-name", "ada/married-name")

    for name in ("ada/maiden-name", "ada/married-name"):
        assert ask("/v1/completions", model=name, prompt="a", max_tokens=1).status == 200


def lying_gguf(folder: Path) -> None:
    head = b"GGUF" + struct.pack("<IQQ", 3, 2**40, 1)
    (folder / "bomb.gguf").write_bytes(head + b"\0" * 64)


def pickled(folder: Path) -> None:
    (folder / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04.")


def bringing_code(folder: Path) -> None:
    config = {"architectures": ["XForCausalLM"], "auto_map": {"AutoModel": "code.X"}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(b"\0" * 16)


def damaged(folder: Path) -> None:
    config = {"architectures": ["LlamaForCausalLM"], "max_position_embeddings": 64}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(b"\xff" * 100)


def of_no_kind(folder: Path) -> None:
    (folder / "notes.txt").write_text("no model at all")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lying_gguf, "bomb.gguf"),
        (pickled, "safetensors"),
        (bringing_code, "auto_map"),
        (damaged, "damaged|cannot load"),
        (of_no_kind, "no GGUF file"),
    ],
)
def test_what_must_not_or_cannot_run_is_refused_in_clear_words(
    served: HubServer, client: OpenAI, tmp_path: Path, make: Any, words: str
) -> None:
    make(tmp_path)
    api = HfApi(endpoint=served.url, token=served.tokens["ada"])
    name = f"ada/bad-{make.__name__.replace('_', '-')}"
    push(api, name, tmp_path)

    with pytest.raises(BadRequestError, match=words):
        client.chat.completions.create(model=name, messages=TURNS)
