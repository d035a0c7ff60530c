"""A hub with little to give: quotas, a bounded queue, little memory, a crowd; and kill -9."""

import asyncio
import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from huggingface_hub import HfApi
from openai import OpenAI, RateLimitError
from tests.conftest import HubServer, in_a_loop
from tests.faults.conftest import MortalHub, kill, prepared_hub, send
from tests.homes import Homes
from tests.serving.conftest import Operator, operator_of
from tests.serving.models import SLOW, TRANSLATOR, WRITER, push
from tests.serving.test_engines import end_token

CROWD = 1000
TURNS: list[Any] = [{"role": "user", "content": "hello"}]
SETTINGS = """
[serving]
engines = 1
slots = 1
queue = 4
queue_seconds = 20
at_once = 3
idle_seconds = 4

[serving.remotes."elsewhere/writer"]
url = "{url}/v1"
model = "ada/writer"
key_variable = "TEST_ELSEWHERE"

[serving.remotes."nowhere/writer"]
url = "http://127.0.0.1:9/v1"
"""

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture(scope="module")
def small(
    served: HubServer,
    folders: dict[str, Path],
    homes: Homes,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[MortalHub]:
    """One engine with one place; another hub's writer is a model of its own."""
    home = tmp_path_factory.mktemp("small") / "home"
    hub = prepared_hub(home, homes, SETTINGS.format(url=served.url))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_ELSEWHERE", served.tokens["ada"])
        hub.start()
    api = HfApi(endpoint=hub.url, token=hub.token)
    for name in (SLOW, WRITER, TRANSLATOR):
        push(api, name, folders[name])
    yield hub
    hub.stop()


@pytest.fixture(scope="module")
def operator(small: MortalHub) -> Operator:
    return operator_of(small.url, small.desk.run)


def client_of(hub: MortalHub, token: str = "") -> OpenAI:
    return OpenAI(base_url=f"{hub.url}/v1", api_key=token or hub.token, max_retries=0)


def long_chat(client: OpenAI, folders: dict[str, Path]) -> Any:
    stream = client.chat.completions.create(
        model=SLOW,
        messages=TURNS,
        max_tokens=4000,
        logit_bias={end_token(folders[SLOW]): -100},
        stream=True,
    )
    next(iter(stream))
    return stream


def test_a_member_has_only_so_much_at_once(small: MortalHub, folders: dict[str, Path]) -> None:
    with client_of(small) as ada:
        running = long_chat(ada, folders)
        waiting = [
            threading.Thread(
                target=ada.completions.create,
                kwargs={"model": SLOW, "prompt": "a", "max_tokens": 1},
            )
            for _ in range(2)
        ]
        for thread in waiting:
            thread.start()
        time.sleep(0.5)

        with pytest.raises(RateLimitError) as told:
            ada.completions.create(model=SLOW, prompt="a", max_tokens=1)

        assert told.value.code == "rate_limit_exceeded"
        assert int(told.value.response.headers["retry-after"]) >= 1
        running.close()
        for thread in waiting:  # they had their turn as soon as the place was free
            thread.join(15)
            assert not thread.is_alive()


def test_an_engine_at_work_is_not_unloaded_for_another(
    small: MortalHub, folders: dict[str, Path]
) -> None:
    with client_of(small) as ada:
        running = long_chat(ada, folders)
        with pytest.raises(RateLimitError) as told:
            ada.completions.create(model=WRITER, prompt="a", max_tokens=1)
        assert told.value.code == "engine_busy"
        running.close()


def test_an_idle_engine_gives_way_to_the_next_and_is_unloaded_in_time(
    small: MortalHub, operator: Operator
) -> None:
    with client_of(small) as ada:
        operator.wait(lambda engines: not any(one["at_work"] for one in engines.values()))
        ada.completions.create(model=SLOW, prompt="a", max_tokens=1)
        ada.completions.create(model=WRITER, prompt="a", max_tokens=1)
        assert set(operator.engines()) == {WRITER}
    operator.wait(lambda engines: not engines)


def test_a_model_of_another_server_is_used_by_its_address(small: MortalHub) -> None:
    with client_of(small) as ada:
        assert "elsewhere/writer" in {model.id for model in ada.models.list()}

        whole = ada.chat.completions.create(model="elsewhere/writer", messages=TURNS, max_tokens=3)
        stream = ada.chat.completions.create(
            model="elsewhere/writer", messages=TURNS, max_tokens=24, temperature=0, stream=True
        )
        assert whole.usage is not None
        assert whole.usage.completion_tokens == 3
        assert len(list(stream)) > 2
        with pytest.raises(Exception, match="cannot be reached"):
            ada.chat.completions.create(model="nowhere/writer", messages=TURNS)
    refused = send(small.url, "POST", "/v1/completions", body=b'{"model": "elsewhere/writer"}')
    assert refused.status == 401


async def one_of_the_crowd(hub: MortalHub, token: str, body: bytes) -> tuple[int, str]:
    """Status and Retry-After of one request over a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    head = (
        f"POST /v1/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    answer = (await reader.read()).decode("latin-1")
    writer.close()
    lines = answer.partition("\r\n\r\n")[0].lower().split("\r\n")
    wait = next((line for line in lines if line.startswith("retry-after")), "")
    return int(lines[0].split()[1]), wait


def test_a_crowd_is_told_to_come_back_and_nobody_else_notices(
    small: MortalHub, operator: Operator
) -> None:
    tokens = [small.token]
    for number in range(3):
        name = f"guest-{number}"
        small.desk.run("users", "create", name)
        made = small.desk.run("tokens", "create", name, "--name", "t", "--role", "read")
        tokens.append(made.strip())
    body = json.dumps({"model": WRITER, "prompt": "a", "max_tokens": 30}).encode()
    slowest = 0.0

    async def pages() -> None:
        nonlocal slowest
        for _ in range(5):
            start = time.monotonic()
            page = await asyncio.to_thread(send, small.url, "GET", f"/{WRITER}")
            assert page.status == 200
            slowest = max(slowest, time.monotonic() - start)

    async def all_at_once() -> list[tuple[int, str]]:
        crowd = [
            one_of_the_crowd(small, tokens[place % len(tokens)], body) for place in range(CROWD)
        ]
        *answers, _ = await asyncio.gather(*crowd, pages())
        return answers

    answers = in_a_loop(all_at_once())

    statuses = Counter(status for status, _ in answers)
    assert set(statuses) == {200, 429}
    assert statuses[200] >= 1
    assert all(wait for status, wait in answers if status == 429)
    assert slowest < 10
    operator.wait(lambda engines: not any(one["waiting"] for one in engines.values()))
    with client_of(small) as ada:
        ada.completions.create(model=WRITER, prompt="a", max_tokens=1)


def test_engines_end_when_the_web_process_is_killed(
    small: MortalHub, operator: Operator, folders: dict[str, Path]
) -> None:
    with client_of(small) as ada:
        long_chat(ada, folders)
        engine = operator.engines()[SLOW]["pid"]
        kill(small.pid_of("web"), signal.SIGKILL)
        deadline = time.monotonic() + 15
        while psutil.pid_exists(engine) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not psutil.pid_exists(engine)

        small.back()
        again = ada.completions.create(model=SLOW, prompt="a", max_tokens=1)
        assert again.choices


def test_a_model_too_large_for_the_memory_is_refused_with_numbers(
    tmp_path: Path, folders: dict[str, Path], homes: Homes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMOS_SERVING_SPARE_MEMORY_MB", str(2**30))
    hub = prepared_hub(tmp_path / "home", homes)
    hub.start()
    try:
        push(HfApi(endpoint=hub.url, token=hub.token), WRITER, folders[WRITER])
        body = json.dumps({"model": WRITER, "prompt": "a"}).encode()
        answer = send(hub.url, "POST", "/v1/completions", token=hub.token, body=body)
    finally:
        hub.stop()
    assert (answer.status, answer.code) == (503, "NotEnoughMemory")
    assert "MiB" in json.loads(answer.body)["error"]["message"]
