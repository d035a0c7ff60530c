"""What an engine answers, in the OpenAI shape: from the JSON that was asked to JSON, or events.

Every call hears whether whoever asked is gone, and then ends as soon as the engine can.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any
from uuid import uuid4

from llmos.lab.engines import Engine, Generated, Pieces, Sampling
from llmos.lab.engines.errors import CannotDo

Asked = dict[str, Any]

# What llama.cpp does when a request does not say: clients must not feel which engine answers.
_TEMPERATURE, _TOP_P, _TOP_K = 0.8, 0.95, 40
_AT_ONCE = 64  # texts between two looks whether anybody still waits
_UNKNOWN = {
    "logprobs": "gives no log-probabilities",
    "response_format": "cannot keep to a JSON schema",
    "json_schema": "cannot keep to a JSON schema",
    "logit_bias": "takes no logit_bias",
    "presence_penalty": "takes no presence_penalty",
    "frequency_penalty": "takes no frequency_penalty",
    "min_p": "takes no min_p",
    "typical_p": "takes no typical_p",
    "repeat_penalty": "takes no repetition penalty",
}


class Gone(Exception):
    """Whoever asked does not wait any more."""


class Answers:
    """The calls of one engine."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self._name = engine, name

    def completion(self, asked: Asked, gone: threading.Event) -> Any:
        sampling = _sampling(asked)
        if self._engine.task != "text-generation":
            if asked.get("stream"):
                raise CannotDo("The engine of this model gives its answers whole, not streamed")
            made = self._engine.generate([asked["prompt"]], sampling=sampling)[0]
            return self._whole("text_completion", made, {"text": made.text})
        pieces = self._engine.stream(asked["prompt"], sampling=sampling)
        if asked.get("stream"):
            return self._stream("text_completion", asked, pieces, gone, lambda text: {"text": text})
        made = _joined(pieces, gone)
        return self._whole("text_completion", made, {"text": made.text})

    def chat(self, asked: Asked, gone: threading.Event) -> Any:
        pieces = self._engine.chat(asked["messages"], sampling=_sampling(asked))
        if asked.get("stream"):
            kind = "chat.completion.chunk"
            return self._stream(kind, asked, pieces, gone, lambda text: {"delta": _said(text)})
        made = _joined(pieces, gone)
        return self._whole("chat.completion", made, {"message": _said(made.text)})

    def embedding(self, asked: Asked, gone: threading.Event) -> Any:
        vectors, tokens, texts = [], 0, asked["input"]
        for start in range(0, len(texts), _AT_ONCE):
            _look(gone)
            part = texts[start : start + _AT_ONCE]
            found = self._engine.embed(part, normalize=asked.get("normalize"))
            vectors += found.vectors
            tokens += found.tokens
        data = [
            {"object": "embedding", "index": place, "embedding": vector}
            for place, vector in enumerate(vectors)
        ]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "data": data, "model": self._name, "usage": usage}

    def translation(self, asked: Asked, gone: threading.Event) -> Any:
        found, texts = [], asked["texts"]
        for start in range(0, len(texts), _AT_ONCE):
            _look(gone)
            found += self._engine.translate(
                texts[start : start + _AT_ONCE],
                beam=asked["beam"],
                alternatives=asked["alternatives"],
                attention=asked["attention"],
                max_new=asked["max_new"],
            )
        return [asdict(one) for one in found]

    def answer(self, asked: Asked, gone: threading.Event) -> Any:
        found = self._engine.answer(asked["question"], asked["context"], top=asked["top"])
        return [asdict(one) for one in found]

    def _stream(
        self,
        kind: str,
        asked: Asked,
        pieces: Pieces,
        gone: threading.Event,
        choice: Callable[[str], Asked],
    ) -> Iterator[Asked]:
        head = self._head(kind)
        # What the engine refuses is refused before the stream begins.
        first, made = _next(pieces)

        def one(text: str, finish: str | None = None) -> Asked:
            told = {"index": 0, "finish_reason": finish, "logprobs": None, **choice(text)}
            return {**head, "choices": [told]}

        def events() -> Iterator[Asked]:
            piece, over = first, made
            while over is None:
                if gone.is_set():
                    pieces.close()
                    return
                if piece:
                    yield one(piece)
                piece, over = _next(pieces)
            yield one("", over.finish)
            if (asked.get("stream_options") or {}).get("include_usage"):
                yield {**head, "choices": [], "usage": _usage(over)}

        return events()

    def _whole(self, kind: str, made: Generated, told: Asked) -> Asked:
        choice = {"index": 0, "finish_reason": made.finish, "logprobs": None, **told}
        return {**self._head(kind), "choices": [choice], "usage": _usage(made)}

    def _head(self, kind: str) -> Asked:
        prefix = "cmpl" if kind == "text_completion" else "chatcmpl"
        return {
            "id": f"{prefix}-{uuid4().hex}",
            "object": kind,
            "created": int(time.time()),
            "model": self._name,
        }


def _next(pieces: Pieces) -> tuple[str, Generated | None]:
    """The next piece, or at the end what was made."""
    try:
        return next(pieces), None
    except StopIteration as end:
        made: Generated = end.value
        return "", made


def _joined(pieces: Pieces, gone: threading.Event) -> Generated:
    """Raises Gone."""
    while True:
        if gone.is_set():
            pieces.close()
            raise Gone
        _, made = _next(pieces)
        if made is not None:
            return made


def _look(gone: threading.Event) -> None:
    if gone.is_set():
        raise Gone


def _said(text: str) -> Asked:
    return {"role": "assistant", "content": text}


def _sampling(asked: Asked) -> Sampling:
    """Raises CannotDo for what this engine would have to pass over in silence."""
    for name, lack in _UNKNOWN.items():
        if asked.get(name):
            raise CannotDo(f"The engine of this model {lack}")
    temperature = asked.get("temperature")
    top_p, top_k = asked.get("top_p"), asked.get("top_k")
    return Sampling(
        max_new=asked["max_tokens"],
        temperature=_TEMPERATURE if temperature is None else float(temperature),
        top_p=_TOP_P if top_p is None else float(top_p),
        top_k=_TOP_K if top_k is None else top_k,
        seed=asked.get("seed"),
        stop=tuple(asked.get("stop") or ()),
    )


def _usage(made: Generated) -> Asked:
    return {
        "prompt_tokens": made.prompt_tokens,
        "completion_tokens": made.new_tokens,
        "total_tokens": made.prompt_tokens + made.new_tokens,
    }
