"""The hub's own InferenceClient against a running hub, unmodified: by the model's address."""

import json
from typing import Any

import pytest
from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError
from tests.conftest import HubServer
from tests.serving.conftest import Ask
from tests.serving.models import EMBEDDER, OTHER, READER, TRANSLATOR, WRITER

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def client_of(served: HubServer, model: str) -> InferenceClient:
    return InferenceClient(model=f"{served.url}/models/{model}", token=served.tokens["ada"])


def test_a_text_is_translated(served: HubServer) -> None:
    client = client_of(served, TRANSLATOR)

    made = client.translation("the cat sat", generate_parameters={"max_new_tokens": 8})
    again = client.translation("the cat sat", generate_parameters={"max_new_tokens": 8})

    assert made.translation_text
    assert made == again


def test_alternatives_and_attention_are_told_to_whoever_asks(ask: Ask) -> None:
    answer = ask(
        f"/models/{TRANSLATOR}",
        inputs=["the cat sat", "a dog"],
        parameters={"alternatives": 3, "attention": True, "max_new_tokens": 6},
    )
    first, second = json.loads(answer.body)

    assert len(first["alternatives"]) == len(second["alternatives"]) == 3
    best = first["alternatives"][0]
    assert best["text"] == first["translation_text"]
    assert [len(row) for row in best["attention"]] == [len(first["source"])] * len(best["tokens"])


def test_a_direction_that_the_model_does_not_have_is_refused(served: HubServer) -> None:
    with pytest.raises(HfHubHTTPError, match="one direction"):
        client_of(served, TRANSLATOR).translation("x", src_lang="de", tgt_lang="en")


def test_a_question_is_answered_from_the_text(served: HubServer) -> None:
    context = "the cat sat " * 3
    client = client_of(served, READER)

    one: Any = client.question_answering(question="who sat ?", context=context)
    several: Any = client.question_answering(question="who sat ?", context=context, top_k=3)

    assert context[one.start : one.end] == one.answer
    assert len(several) == 3
    assert several[0].score >= several[1].score


@pytest.mark.parametrize("model", [WRITER, OTHER], ids=["llama_cpp", "transformers"])
def test_text_goes_on_whole_in_pieces_and_with_details(served: HubServer, model: str) -> None:
    client = client_of(served, model)

    text = client.text_generation("the cat sat", max_new_tokens=9)
    pieces = list(client.text_generation("the cat sat", max_new_tokens=9, stream=True))
    details = client.text_generation("the cat sat", max_new_tokens=9, details=True)
    told = list(client.text_generation("the cat sat", max_new_tokens=9, stream=True, details=True))

    # Nobody asked for chance, so the likeliest text comes each time.
    assert "".join(pieces).strip() == text.strip() == details.generated_text.strip()
    assert details.details is not None
    assert details.details.finish_reason == "length"
    assert details.details.generated_tokens == 9
    assert told[-1].details is not None
    assert told[-1].details.generated_tokens == 9
    assert (told[-1].generated_text or "").strip() == text.strip()
    if model == WRITER:
        assert all(token.logprob <= 0 for token in details.details.tokens)


def test_text_generation_keeps_to_a_grammar_and_a_stop_word(served: HubServer) -> None:
    client = client_of(served, WRITER)
    schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}

    made = client.text_generation(
        "the cat", max_new_tokens=80, grammar={"type": "json", "value": schema}, seed=1
    )
    assert made.lstrip().startswith("{")

    full = client.text_generation("the cat", max_new_tokens=3, return_full_text=True)
    assert full.startswith("the cat")
    with pytest.raises(HfHubHTTPError, match="truncate"):
        client.text_generation("the cat", truncate=3)


def test_vectors_and_likeness(served: HubServer) -> None:
    client = client_of(served, EMBEDDER)

    vectors = client.feature_extraction(["the cat", "a dog"], normalize=True)
    likeness = client.sentence_similarity("the cat", ["the cat", "a dog"])

    assert vectors.shape == (2, 32)
    assert (vectors**2).sum(axis=1) == pytest.approx([1, 1], abs=1e-4)
    assert likeness[0] == pytest.approx(1, abs=1e-4)
    assert likeness[1] == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-4)


def test_a_chat_by_the_models_address_and_by_the_house(served: HubServer) -> None:
    turns = [{"role": "user", "content": "hello"}]
    schema = {"name": "a", "schema": {"type": "boolean"}}
    by_model = client_of(served, WRITER)
    by_house = InferenceClient(base_url=f"{served.url}/v1", api_key=served.tokens["ada"])

    answer = by_model.chat_completion(turns, max_tokens=4, temperature=0)
    stream = by_house.chat_completion(
        turns, model=WRITER, max_tokens=24, temperature=0, stream=True
    )
    shaped = by_model.chat_completion(
        turns, max_tokens=240, response_format={"type": "json_schema", "json_schema": schema}
    )

    assert answer.usage.completion_tokens == 4
    assert len([part for part in stream if part.choices]) > 2
    # The engine takes a fence around JSON for its own and leaves it out where the answer ends.
    assert json.loads(shaped.choices[0].message.content or "") in {True, False}


def test_an_endpoint_tells_what_it_is(served: HubServer) -> None:
    client = InferenceClient(
        model=f"{served.url}/models/{WRITER}",
        provider="hf-inference",
        token=served.tokens["ada"],
    )
    told = client.get_endpoint_info()

    assert (told["model_id"], told["model_task"]) == (WRITER, "text-generation")
    assert client.health_check()


def test_a_task_that_is_not_the_models_is_refused(ask: Ask) -> None:
    answer = ask(f"/models/{WRITER}/pipeline/feature-extraction", inputs="x")

    assert (answer.status, answer.code) == (400, "TaskNotSupported")
    assert "text-generation" in answer.error


def test_a_private_model_looks_missing_to_others(served: HubServer, ask: Ask) -> None:
    from huggingface_hub import HfApi

    api = HfApi(endpoint=served.url, token=served.tokens["ada"])
    api.create_repo("ada/hidden-one", private=True, exist_ok=True)

    hidden, missing = (
        ask(f"/models/ada/{name}", user="bob", inputs="x") for name in ("hidden-one", "not-there")
    )
    assert (hidden.status, hidden.body) == (missing.status, missing.body) == (404, missing.body)
    with pytest.raises(HfHubHTTPError, match="404"):
        client_of(served, "ada/not-there").translation("x")
