"""The calls that hub clients make to a model by its task: what they send, what they read.

`POST /models/{model}` with `{"inputs": …, "parameters": {…}}`, as `InferenceClient` sends it.
Reference: https://huggingface.co/docs/inference-providers/tasks
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from llmos.kit.errors import Refusal
from llmos.serving.errors import BadField
from llmos.serving.openai import Fields, Wish, checked_schema, completion_wish
from llmos.serving.sse import event, events

_NEW_TOKENS = 100  # text generation's default, as text-generation-inference has it
_SAMPLES = ("temperature", "top_p", "top_k", "typical_p")
_NOT_DONE = ("adapter_id", "best_of", "decoder_input_details", "top_n_tokens", "truncate")
_MOST_TEXTS = 256


def parameters_of(asked: Fields) -> Fields:
    found = asked.get("parameters") or {}
    if not isinstance(found, dict):
        raise BadField("parameters", "parameters is an object")
    return found


def texts_of(asked: Fields) -> list[str]:
    """Raises BadField."""
    told = asked.get("inputs")
    texts = [told] if isinstance(told, str) else told
    if not isinstance(texts, list) or not texts or not all(isinstance(one, str) for one in texts):
        raise BadField("inputs", "inputs is a text or a list of texts")
    if len(texts) > _MOST_TEXTS:
        raise BadField("inputs", f"One request takes {_MOST_TEXTS} texts, not {len(texts)}")
    return texts


def translation_body(asked: Fields) -> Fields:
    """Raises BadField. `alternatives` and `attention` are ours, for a look inside."""
    parameters = parameters_of(asked)
    if parameters.get("src_lang") or parameters.get("tgt_lang"):
        raise BadField("src_lang", "This model has one direction: leave src_lang and tgt_lang out")
    generate = parameters.get("generate_parameters") or parameters.get("generation_parameters")
    how = {**parameters, **(generate if isinstance(generate, dict) else {})}
    alternatives = _number(how, "alternatives", _number(how, "num_return_sequences", 1, 16), 16)
    return {
        "texts": texts_of(asked),
        "beam": _number(how, "num_beams", 5, 32),
        "alternatives": alternatives,
        "attention": how.get("attention") is True,
        "max_new": _number(how, "max_new_tokens", _number(how, "max_length", 256, 4096), 4096),
    }


def translated(found: list[Fields], key: str, *, looked_into: bool) -> list[Fields]:
    """Each text under the client's own key; all that the engine told, if it was asked for."""
    return [{key: one["alternatives"][0]["text"], **(one if looked_into else {})} for one in found]


def question_body(asked: Fields) -> Fields:
    """Raises BadField."""
    told = asked.get("inputs")
    texts = [told.get(name) for name in ("question", "context")] if isinstance(told, dict) else []
    if not texts or not all(isinstance(one, str) and one for one in texts):
        raise BadField("inputs", "inputs is an object with a question and a context")
    top = _number(parameters_of(asked), "top_k", 1, 20)
    return {"question": texts[0], "context": texts[1], "top": top}


def similar_texts(asked: Fields) -> tuple[str, list[str]]:
    """The sentence and those it is compared with. Raises BadField."""
    told = asked.get("inputs")
    source = told.get("source_sentence") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(source, str):
        raise BadField("inputs", "inputs is an object with source_sentence and sentences")
    return source, texts_of({"inputs": told.get("sentences")})


def generation_wish(asked: Fields) -> Wish:
    """Text generation as a completion. Raises BadField."""
    parameters, prompt = parameters_of(asked), texts_of(asked)
    for name in _NOT_DONE:
        if parameters.get(name):
            raise BadField(name, f"Engines of this hub do not know {name}")
    samples = bool(parameters.get("do_sample")) or any(parameters.get(one) for one in _SAMPLES)
    told = {name: parameters.get(name) for name in (*_SAMPLES, "seed", "stop", "frequency_penalty")}
    told["temperature"] = (told["temperature"] or 1.0) if samples else 0.0
    told["repeat_penalty"] = parameters.get("repetition_penalty")
    told["max_tokens"] = parameters.get("max_new_tokens") or _NEW_TOKENS
    stream = asked.get("stream") is True
    options = {"stream": stream, "stream_options": {"include_usage": stream}}
    wish = completion_wish({"prompt": prompt, **told, **options})
    extra = {**_grammar(parameters.get("grammar")), "details": bool(parameters.get("details"))}
    return replace(wish, bodies=tuple({**body, **extra} for body in wish.bodies))


def generated(asked: Fields, answer: Fields) -> list[Fields]:
    """The completions as hub clients read them, one for each prompt."""
    parameters = parameters_of(asked)
    found = []
    for prompt, choice in zip(texts_of(asked), answer["choices"], strict=True):
        before = prompt if parameters.get("return_full_text") else ""
        one: Fields = {"generated_text": before + choice["text"]}
        if parameters.get("details"):
            one["details"] = {
                **_ending(choice, answer["usage"], parameters),
                "prefill": [],
                "tokens": [_token(told) for told in _told_tokens(choice)],
            }
        found.append(one)
    return found


async def token_events(asked: Fields, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """A completion's stream as the token stream of text-generation-inference.

    The last token comes with the whole text; it is held back until the end is known.
    """
    parameters, text, last = parameters_of(asked), "", None
    choice: Fields = {}
    usage: Fields = {}
    async for one in events(pieces):
        usage = one.get("usage") or usage
        choice = next(iter(one.get("choices") or []), choice)
        piece = choice.get("text") if one.get("choices") else ""
        if piece:
            if last is not None:
                yield event(last)
            text += piece
            token = next((_token(told) for told in _told_tokens(choice)), _UNKNOWN)
            last = {**_UNFINISHED, "token": {**token, "text": piece}}
    ending = _ending(choice, usage, parameters)
    closing = last or {**_UNFINISHED, "token": {**_UNKNOWN, "special": True}}
    yield event({**closing, "generated_text": text, "details": ending})


def failure(refusal: Refusal) -> Fields:
    """A refusal in mid-stream."""
    kind = "overloaded" if refusal.status == 429 else "generation"
    return {"error": refusal.message, "error_type": kind}


_UNKNOWN: Fields = {"id": None, "logprob": None, "special": False, "text": ""}
_UNFINISHED: Fields = {"generated_text": None, "details": None}


def _told_tokens(choice: Fields) -> list[Fields]:
    return (choice.get("logprobs") or {}).get("content") or []


def _token(told: Fields) -> Fields:
    names = {"id": told.get("id"), "logprob": told.get("logprob"), "text": told.get("token", "")}
    return {**names, "special": False}


def _ending(choice: Fields, usage: Fields, parameters: Fields) -> Fields:
    finish = choice.get("finish_reason")
    stopped = "stop_sequence" if parameters.get("stop") else "eos_token"
    return {
        "finish_reason": "length" if finish == "length" else stopped,
        "generated_tokens": usage.get("completion_tokens", 0),
        "seed": parameters.get("seed"),
    }


def _grammar(told: Any) -> Fields:
    if told is None:
        return {}
    kind = told.get("type") if isinstance(told, dict) else None
    schema = told.get("value") if isinstance(told, dict) else None
    if kind not in ("json", "json_schema"):
        raise BadField("grammar", "Engines of this hub keep to a JSON schema, and no other grammar")
    if kind == "json_schema" and isinstance(schema, dict):
        schema = schema.get("schema", schema)
    return {"json_schema": checked_schema(schema, "grammar")}


def _number(told: Fields, name: str, default: int, most: int) -> int:
    value = told.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
        raise BadField(name, f"{name} is a whole number from 1 to {most}")
    return value
