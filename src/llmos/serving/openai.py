"""Requests in the OpenAI shape: checked here, and written anew for an engine.

Only fields that are known travel on: engines have switches that are not for strangers. What is
unknown is passed over, as the original does; what is known and cannot be done is refused.
Reference: https://platform.openai.com/docs/api-reference
"""

import base64
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import orjson

from llmos.kit.config import current
from llmos.serving.config import ServingSettings
from llmos.serving.errors import BadField

Fields = dict[str, Any]

MOST_CHOICES = 8  # answers to one request
_MOST_STOPS = 16
_MOST_BIASES = 300
_MOST_LIKELIEST = 20
_LONGEST_SCHEMA = 2**16  # bytes
_COMPLETION_TOKENS = 16  # the original's own default
_ROLES = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
_RANGES: dict[str, tuple[type[int] | type[float], float, float]] = {
    "temperature": (float, 0, 2),
    "top_p": (float, 0, 1),
    "min_p": (float, 0, 1),
    "typical_p": (float, 0, 1),
    "top_k": (int, 0, 1_000_000),
    "presence_penalty": (float, -2, 2),
    "frequency_penalty": (float, -2, 2),
    "repeat_penalty": (float, 0, 10),
    "seed": (int, -(2**63), 2**63 - 1),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be asked of an engine: at `path` each of `bodies`, one choice for each."""

    path: str
    bodies: tuple[Fields, ...]
    stream: bool
    wants_usage: bool  # in a stream; a whole answer always tells it
    old_logprobs: bool = False  # in the shape of completions, which chat does not share


def chat_wish(asked: Fields) -> Wish:
    """Raises BadField."""
    common = {
        "messages": _messages(asked.get("messages")),
        **_sampling(asked),
        **_format(asked),
        "max_tokens": _most_tokens(asked, current(ServingSettings).most_tokens),
    }
    if asked.get("tools") or asked.get("functions"):
        raise BadField("tools", "Engines of this hub call no tools")
    if asked.get("logprobs"):
        likeliest = _integer(asked, "top_logprobs", 0, least=0, most=_MOST_LIKELIEST)
        # llama.cpp tells none at all when it is asked for 0.
        common |= {"logprobs": True, "top_logprobs": max(1, likeliest)}
    return _wish("/chat/completions", asked, [common])


def completion_wish(asked: Fields) -> Wish:
    """Raises BadField."""
    common = {**_sampling(asked), "max_tokens": _most_tokens(asked, _COMPLETION_TOKENS)}
    likeliest = asked.get("logprobs")
    if likeliest is not None and likeliest is not False:
        common["logprobs"] = max(1, _integer(asked, "logprobs", 0, least=0, most=_MOST_LIKELIEST))
    for name in ("echo", "suffix"):
        if asked.get(name):
            raise BadField(name, f"Engines of this hub do not know {name}")
    choices = _integer(asked, "n", 1, least=1, most=MOST_CHOICES)
    if _integer(asked, "best_of", 1, least=0, most=MOST_CHOICES) > choices:
        raise BadField("best_of", "Engines of this hub give all they make: best_of is n at most")
    prompts = _texts(asked, "prompt")
    wish = _wish("/completions", asked, [{**common, "prompt": prompt} for prompt in prompts])
    return replace(wish, old_logprobs="logprobs" in common)


def embedding_body(asked: Fields) -> Fields:
    """Raises BadField."""
    if asked.get("encoding_format") not in (None, "float", "base64"):
        raise BadField("encoding_format", "encoding_format is float or base64")
    return {"input": _texts(asked, "input")}


def shaped(choice: Fields, place: int, wish: Wish) -> Fields:
    """An engine's only choice as the one at `place` of what was wished for."""
    found = {**choice, "index": place}
    tokens = (choice.get("logprobs") or {}).get("content")
    if wish.old_logprobs and isinstance(tokens, list):
        found["logprobs"] = {
            "tokens": [one["token"] for one in tokens],
            "token_logprobs": [one["logprob"] for one in tokens],
            "top_logprobs": [
                {top["token"]: top["logprob"] for top in one["top_logprobs"]} for one in tokens
            ],
            "text_offset": _offsets([one["token"] for one in tokens]),
        }
    return found


def embedded(answer: Fields, asked: Fields) -> Fields:
    """Vectors as they were asked for. Raises BadField for a length that the model does not have."""
    width = len(answer["data"][0]["embedding"])
    if asked.get("dimensions") not in (None, width):
        raise BadField("dimensions", f"This model's vectors have {width} numbers")
    if asked.get("encoding_format") != "base64":
        return answer
    data = [{**one, "embedding": _base64(one["embedding"])} for one in answer["data"]]
    return {**answer, "data": data}


def text_of(content: Any, field: str = "messages") -> str:
    """A message's text, told whole or in parts. Raises BadField for pictures and sound."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise BadField(field, "A message's content is a text or a list of parts")
    texts = []
    for part in content:
        if not isinstance(part, dict) or not isinstance(part.get("text"), str):
            kind = part.get("type") if isinstance(part, dict) else None
            raise BadField(field, f"Engines of this hub read text, not {kind or 'such parts'}")
        texts.append(part["text"])
    return "".join(texts)


def _wish(path: str, asked: Fields, bodies: list[Fields]) -> Wish:
    choices = _integer(asked, "n", 1, least=1, most=MOST_CHOICES)
    if choices * len(bodies) > MOST_CHOICES:
        raise BadField("n", f"One request may have {MOST_CHOICES} answers, not more")
    stream = asked.get("stream") is True
    options = asked.get("stream_options") or {}
    if not isinstance(options, dict):
        raise BadField("stream_options", "stream_options is an object")
    wants_usage = bool(options.get("include_usage"))
    streamed: Fields = {"stream": True} if stream else {}
    if stream and wants_usage:
        streamed["stream_options"] = {"include_usage": True}
    made = [_seeded({**one, **streamed}, place) for one in bodies for place in range(choices)]
    return Wish(path, tuple(made), stream, wants_usage)


def _seeded(body: Fields, place: int) -> Fields:
    """Choices of one request differ, and are the same again with the same seed."""
    return {**body, "seed": body["seed"] + place} if place and "seed" in body else body


def _messages(told: Any) -> list[Fields]:
    if not isinstance(told, list) or not told:
        raise BadField("messages", "messages is a list with one message at least")
    return [_message(one) for one in told]


def _message(told: Any) -> Fields:
    role = told.get("role") if isinstance(told, dict) else None
    if not isinstance(role, str) or role not in _ROLES:
        raise BadField("messages", f"A message's role is one of {', '.join(_ROLES)}")
    return {"role": _ROLES[role], "content": text_of(told.get("content"))}


def _sampling(asked: Fields) -> Fields:
    found: Fields = {}
    for name, (kind, least, most) in _RANGES.items():
        value: Any = asked.get(name)
        if value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, (int, kind)):
            raise BadField(name, f"{name} is a {'whole ' if kind is int else ''}number")
        if not least <= value <= most:
            raise BadField(name, f"{name} lies between {least} and {most}, not {value}")
        # Engines count seeds from 0 to 2³²; others would all mean "by chance".
        found[name] = value % 2**32 if name == "seed" else value
    stop = asked.get("stop")
    if stop is not None:
        stops = [stop] if isinstance(stop, str) else stop
        if not _is_texts(stops) or len(stops) > _MOST_STOPS:
            raise BadField("stop", f"stop is a text, or at most {_MOST_STOPS} of them")
        found["stop"] = [one for one in stops if one]
    bias = asked.get("logit_bias")
    if bias:
        if not isinstance(bias, dict) or len(bias) > _MOST_BIASES or not _are_numbers(bias):
            raise BadField("logit_bias", "logit_bias is an object of token numbers and numbers")
        found["logit_bias"] = bias
    return found


def _format(asked: Fields) -> Fields:
    """The asked shape of the answer. Clients of the hub spell the schema in ways of their own."""
    told = asked.get("response_format")
    if told is None or told == {"type": "text"}:
        return {}
    kind = told.get("type") if isinstance(told, dict) else None
    if kind not in ("json_object", "json_schema", "json"):
        raise BadField("response_format", "response_format is text, json_object or json_schema")
    named = told.get("json_schema")
    schema = named.get("schema") if isinstance(named, dict) else None
    schema = schema or told.get("value") or told.get("schema")
    if schema is None and kind == "json_object":
        return {"response_format": {"type": "json_object"}}
    shape = {"name": "answer", "schema": checked_schema(schema, "response_format")}
    return {"response_format": {"type": "json_schema", "json_schema": shape}}


def checked_schema(schema: Any, field: str) -> Fields:
    """A JSON schema that an engine can be given. Raises BadField."""
    if not isinstance(schema, dict):
        raise BadField(field, f"{field} has no JSON schema")
    # llama.cpp takes ten seconds for one of five megabytes, and others wait meanwhile.
    if len(orjson.dumps(schema)) > _LONGEST_SCHEMA:
        raise BadField(field, f"A JSON schema may have {_LONGEST_SCHEMA} bytes")
    return schema


def _most_tokens(asked: Fields, default: int) -> int:
    name = "max_completion_tokens" if asked.get("max_completion_tokens") else "max_tokens"
    limit: int = current(ServingSettings).most_tokens
    return min(limit, _integer(asked, name, min(default, limit), least=1, most=2**31))


def _integer(asked: Fields, name: str, default: int, *, least: int, most: int) -> int:
    value = asked.get(name)
    if value is None:
        return default
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
        return int(value)
    raise BadField(name, f"{name} is a whole number from {least} to {most}")


def _texts(asked: Fields, name: str) -> list[str]:
    value = asked.get(name)
    texts = [value] if isinstance(value, str) else value
    if not _is_texts(texts) or not texts:
        raise BadField(name, f"{name} is a text or a list of texts; token numbers are not taken")
    return list(texts)


def _offsets(tokens: list[str]) -> list[int]:
    return list(accumulate((len(token) for token in tokens), initial=0))[:-1]


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _are_numbers(bias: Fields) -> bool:
    is_number: Callable[[Any], bool] = lambda one: isinstance(one, int | float)  # noqa: E731
    return all(key.isdecimal() and is_number(value) for key, value in bias.items())
