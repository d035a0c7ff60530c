"""The official openai client against a running hub, unmodified."""

import json
import math
from typing import Any

import pytest
from huggingface_hub import HfApi
from openai import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    OpenAI,
    PermissionDeniedError,
)
from tests.conftest import HubServer
from tests.serving.conftest import Ask
from tests.serving.models import EMBEDDER, OTHER, TRANSLATOR, WRITER

TURNS: list[Any] = [{"role": "user", "content": "hello"}]
BOOLEAN = {
    "type": "object",
    "properties": {"is_cat": {"type": "boolean"}},
    "required": ["is_cat"],
    "additionalProperties": False,
}

# compiled parts of the clients warn of their own making
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(params=[WRITER, OTHER], ids=["llama_cpp", "transformers"])
def writer(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_a_chat_is_answered_with_its_cost(client: OpenAI, writer: str) -> None:
    answer = client.chat.completions.create(model=writer, messages=TURNS, max_tokens=5)

    assert answer.object == "chat.completion"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 5
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 5


def test_a_streamed_chat_comes_in_pieces_and_ends_with_its_cost(
    client: OpenAI, writer: str
) -> None:
    stream = client.chat.completions.create(
        model=writer,
        messages=TURNS,
        max_tokens=24,
        seed=3,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    whole = client.chat.completions.create(model=writer, messages=TURNS, max_tokens=24, seed=3)

    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(texts).strip() == (whole.choices[0].message.content or "").strip()
    assert sum(bool(text) for text in texts) > 1
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "length"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 24


def test_the_same_seed_gives_the_same_answer_and_choices_differ(
    client: OpenAI, writer: str
) -> None:
    def answers(seed: int) -> list[str | None]:
        made = client.chat.completions.create(
            model=writer, messages=TURNS, max_tokens=12, temperature=1.5, n=3, seed=seed
        )
        assert [choice.index for choice in made.choices] == [0, 1, 2]
        assert made.usage is not None
        assert made.usage.completion_tokens > 12
        return [choice.message.content for choice in made.choices]

    first = answers(7)
    assert first == answers(7)
    assert first != answers(100)
    assert len(set(first)) == 3


def test_choices_stream_side_by_side(client: OpenAI, writer: str) -> None:
    stream = client.chat.completions.create(
        model=writer,
        messages=TURNS,
        max_tokens=6,
        n=2,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)

    assert {chunk.choices[0].index for chunk in chunks if chunk.choices} == {0, 1}
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens > 6


def test_an_answer_ends_before_a_stop_word(client: OpenAI, writer: str) -> None:
    def completion(**more: Any) -> Any:
        made = client.completions.create(
            model=writer, prompt="the cat sat", max_tokens=40, seed=3, **more
        )
        return made.choices[0]

    whole = completion().text
    # A character in the middle that no broken one hides.
    stop = next(one for one in whole[4:] if one.isascii() and one.isprintable() and one != " ")

    cut = completion(stop=[stop, "never said"])

    assert cut.text.rstrip() == whole[: whole.index(stop)].rstrip()
    assert cut.finish_reason == "stop"


def test_log_probabilities_are_those_of_the_likeliest_tokens(client: OpenAI) -> None:
    chat = client.chat.completions.create(
        model=WRITER,
        messages=TURNS,
        max_tokens=4,
        temperature=0,
        logprobs=True,
        top_logprobs=3,
        response_format={"type": "json_object"},
    )
    tokens = chat.choices[0].logprobs
    assert tokens is not None
    assert tokens.content
    for token in tokens.content:
        assert len(token.top_logprobs) == 3
        assert token.logprob <= 0

    text = client.completions.create(
        model=WRITER, prompt="the cat", max_tokens=4, temperature=0, logprobs=2
    )
    told = text.choices[0].logprobs
    assert told is not None
    assert told.tokens
    assert told.top_logprobs
    assert told.token_logprobs
    best = max(told.top_logprobs[0].values())
    assert told.token_logprobs[0] == pytest.approx(best, abs=1e-4)
    assert len(told.tokens) == len(told.token_logprobs) == len(told.text_offset or [])


def test_an_answer_keeps_to_a_json_schema(client: OpenAI) -> None:
    for _ in range(3):
        answer = client.chat.completions.create(
            model=WRITER,
            messages=TURNS,
            max_tokens=240,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "cat", "schema": BOOLEAN, "strict": True},
            },
        )
        assert answer.choices[0].finish_reason == "stop"
        assert isinstance(json.loads(answer.choices[0].message.content or "")["is_cat"], bool)


def test_what_an_engine_cannot_do_is_refused_with_400(client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="JSON schema"):
        client.chat.completions.create(
            model=OTHER, messages=TURNS, response_format={"type": "json_object"}
        )
    with pytest.raises(BadRequestError, match="log-probabilities"):
        client.chat.completions.create(model=OTHER, messages=TURNS, logprobs=True)
    with pytest.raises(BadRequestError, match="tools"):
        client.chat.completions.create(
            model=WRITER,
            messages=TURNS,
            tools=[{"type": "function", "function": {"name": "f", "parameters": {}}}],
        )
    with pytest.raises(BadRequestError, match="translation"):
        client.chat.completions.create(model=TRANSLATOR, messages=TURNS)


def test_a_broken_schema_is_refused_in_the_engines_words(client: OpenAI) -> None:
    with pytest.raises(BadRequestError, match="strange"):
        client.chat.completions.create(
            model=WRITER,
            messages=TURNS,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "x", "schema": {"type": "strange"}},
            },
        )


def test_several_prompts_have_an_answer_each(client: OpenAI, writer: str) -> None:
    made = client.completions.create(
        model=writer, prompt=["the cat", "a dog"], max_tokens=3, temperature=0
    )
    alone = client.completions.create(model=writer, prompt="a dog", max_tokens=3, temperature=0)

    assert [choice.index for choice in made.choices] == [0, 1]
    assert made.choices[1].text == alone.choices[0].text


def test_vectors_come_as_numbers_or_packed(client: OpenAI) -> None:
    packed = client.embeddings.create(model=EMBEDDER, input=["the cat", "a dog"])
    plain = client.embeddings.create(model=EMBEDDER, input="the cat", encoding_format="float")

    assert len(packed.data) == 2
    assert len(plain.data[0].embedding) == 32
    assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding, abs=1e-5)
    assert packed.usage.prompt_tokens > 0
    assert not math.isclose(packed.data[0].embedding[0], packed.data[1].embedding[0])


def test_models_are_listed_and_looked_up(client: OpenAI, served: HubServer) -> None:
    listed = {model.id for model in client.models.list()}

    assert WRITER in listed
    assert client.models.retrieve(WRITER).owned_by == "ada"
    assert client.models.retrieve(f"{WRITER}@main").id == f"{WRITER}@main"
    with pytest.raises(NotFoundError):
        client.models.retrieve("ada/none")


def test_a_missing_model_is_told_as_the_original_tells_it(client: OpenAI) -> None:
    with pytest.raises(NotFoundError) as told:
        client.chat.completions.create(model="ada/none", messages=TURNS)
    assert told.value.code == "model_not_found"

    with pytest.raises(NotFoundError, match="gone"):
        client.chat.completions.create(model=f"{WRITER}@gone", messages=TURNS)


def test_without_a_token_or_with_a_wrong_one_nothing_is_run(served: HubServer) -> None:
    stranger = OpenAI(base_url=f"{served.url}/v1", api_key="hf_wrong", max_retries=0)
    with stranger, pytest.raises(AuthenticationError) as told:
        stranger.chat.completions.create(model=WRITER, messages=TURNS)
    assert told.value.code == "invalid_api_key"


def test_a_prompt_longer_than_the_context_is_refused_with_both_numbers(
    client: OpenAI, writer: str
) -> None:
    most = {WRITER: "256", OTHER: "128"}[writer]
    with pytest.raises(BadRequestError, match=most) as told:
        client.chat.completions.create(
            model=writer, messages=[{"role": "user", "content": "word " * 900}]
        )
    assert told.value.code == "context_length_exceeded"
    with pytest.raises(BadRequestError, match=most):
        client.completions.create(model=writer, prompt="word " * 900, stream=True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", 9),
        ("temperature", "warm"),
        ("n", 0),
        ("n", 10_000),
        ("max_tokens", -1),
        ("stop", [1]),
        ("seed", 1.5),
        ("logit_bias", {"a": 1}),
        ("top_logprobs", 99),
        ("response_format", {"type": "poem"}),
        ("response_format", {"type": "json_object", "schema": {"enum": ["x" * 99] * 999}}),
        ("messages", []),
        ("messages", [{"role": "king", "content": "x"}]),
        ("messages", [{"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}]),
    ],
)
def test_a_field_that_cannot_be_is_named(client: OpenAI, field: str, value: Any) -> None:
    asked: dict[str, Any] = {"model": WRITER, "messages": TURNS, "logprobs": True, field: value}
    with pytest.raises(BadRequestError) as told:
        client.chat.completions.create(**asked)
    assert told.value.param == field


SAMPLING = "n max_tokens temperature seed stop stream_options logprobs logit_bias".split()
FIELDS = {
    "chat/completions": (*SAMPLING, "messages", "response_format", "top_logprobs", "tools"),
    "completions": (*SAMPLING, "prompt", "best_of", "echo", "suffix"),
    "embeddings": ("input", "encoding_format", "dimensions"),
}
ODD: list[Any] = [[], [[]], {"type": []}, -1, 10**12, True, ["a", 1]]


@pytest.mark.parametrize(("call", "user"), [*zip(FIELDS, ("bob", "eve", "ada"), strict=True)])
def test_nonsense_in_any_field_is_no_fault_of_the_hub(ask: Ask, call: str, user: str) -> None:
    model = EMBEDDER if call == "embeddings" else WRITER
    plain = {"messages": TURNS, "prompt": "a", "input": "a", "max_tokens": 1}
    for field in FIELDS[call]:
        for value in ODD:
            answer = ask(f"/v1/{call}", user=user, **{**plain, "model": model, field: value})
            assert answer.status in {200, 400}, (field, value, answer)
    for field in ("parameters", "inputs"):
        for value in ODD:
            answer = ask(f"/models/{model}", user=user, **{"inputs": "a", field: value})
            assert answer.status in {200, 400}, (field, value, answer)


def test_unknown_fields_are_passed_over(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model=WRITER,
        messages=[{"role": "developer", "content": "be brief"}, *TURNS],
        max_completion_tokens=3,
        user="somebody",
        metadata={"a": "b"},
        extra_body={"n_predict": 4000, "grammar": "root ::= [0-9]", "cache_prompt": False},
    )
    assert answer.usage is not None
    assert answer.usage.completion_tokens <= 3


def test_whoever_may_not_read_a_gated_model_may_not_run_it(served: HubServer) -> None:
    api = HfApi(endpoint=served.url, token=served.tokens["ada"])
    api.create_repo("ada/behind-a-gate", exist_ok=True)
    api.update_repo_settings("ada/behind-a-gate", gated="manual")
    bob = OpenAI(base_url=f"{served.url}/v1", api_key=served.tokens["bob"], max_retries=0)
    with bob, pytest.raises(PermissionDeniedError):
        bob.chat.completions.create(model="ada/behind-a-gate", messages=TURNS)
