"""The OpenAI shape in front of an engine that has no server of its own; on loopback only.

Beside completions, chat and embeddings there are two calls that OpenAI does not know: `translate`
and `answer`. Only `serving` calls this, with the key it made up for the process.
"""

import asyncio
import hmac
import signal
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import Any
from uuid import uuid4

import orjson
from granian.constants import Interfaces
from granian.server.embed import Server
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from llmos.kit.errors import Invalid, Refusal
from llmos.lab.engines import Engine, Sampling
from llmos.lab.engines.errors import CannotDo

_POOL = ThreadPoolExecutor(max_workers=16, thread_name_prefix="engine")
Asked = dict[str, Any]


async def serve(engine: Engine, *, key: str, name: str, ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM; `ready` hears the address once somebody may call it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(
        application(engine, key=key, name=name),
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGI,
        log_access=False,
        log_enabled=False,
        websockets=False,
    )
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, server.stop)
    serving = asyncio.ensure_future(server.serve())
    while not serving.done():
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        ready(f"http://127.0.0.1:{port}")
        break
    await serving


def application(engine: Engine, *, key: str, name: str) -> Starlette:
    """The routes of one engine."""
    answers = _Answers(engine, name)

    def door(call: Callable[[Asked], Any]) -> Callable[[Request], Any]:
        async def view(request: Request) -> Response:
            sent = request.headers.get("authorization", "")
            if not hmac.compare_digest(sent, f"Bearer {key}"):
                return Response(status_code=401)
            asked = orjson.loads(await request.body())
            try:
                found = await asyncio.get_running_loop().run_in_executor(_POOL, call, asked)
            except Refusal as refusal:
                return _refused(refusal)
            if isinstance(found, Iterator):
                return StreamingResponse(_events(found), media_type="text/event-stream")
            return Response(orjson.dumps(found), media_type="application/json")

        return view

    calls = {
        "/v1/completions": answers.completion,
        "/v1/chat/completions": answers.chat,
        "/v1/embeddings": answers.embedding,
        "/v1/translate": answers.translation,
        "/v1/answer": answers.answer,
    }
    return Starlette(
        routes=[Route(path, door(call), methods=["POST"]) for path, call in calls.items()]
    )


class _Answers:
    """Each call: from the JSON that was asked to the JSON that is answered, or an iterator of it."""

    def __init__(self, engine: Engine, name: str) -> None:
        self._engine, self._name = engine, name

    def completion(self, asked: Asked) -> Any:
        prompts = asked.get("prompt", "")
        prompts = [prompts] if isinstance(prompts, str) else prompts
        _texts(prompts, "prompt")
        sampling = _sampling(asked)
        if asked.get("stream"):
            pieces = self._engine.stream(prompts[0], sampling=sampling)
            return self._stream("text_completion", pieces, lambda text: {"text": text})
        prompts = [prompt for prompt in prompts for _ in range(int(asked.get("n") or 1))]
        made = self._engine.generate(prompts, sampling=sampling)
        choices = [
            {"index": place, "text": one.text, "finish_reason": one.finish, "logprobs": None}
            for place, one in enumerate(made)
        ]
        read, new = sum(one.prompt_tokens for one in made), sum(one.new_tokens for one in made)
        return {**self._head("text_completion"), "choices": choices, "usage": _usage(read, new)}

    def chat(self, asked: Asked) -> Any:
        messages = asked.get("messages")
        if not isinstance(messages, list) or not messages:
            raise Invalid("messages must be a list with at least one message")
        pieces = self._engine.chat(messages, sampling=_sampling(asked))
        if asked.get("stream"):
            return self._stream(
                "chat.completion.chunk", pieces, lambda text: {"delta": {"content": text}}
            )
        text = "".join(pieces)
        message = {"role": "assistant", "content": text}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return {**self._head("chat.completion"), "choices": [choice], "usage": _usage(0, 0)}

    def embedding(self, asked: Asked) -> Any:
        texts = asked.get("input", "")
        texts = [texts] if isinstance(texts, str) else texts
        _texts(texts, "input")
        found = self._engine.embed(texts, normalize=asked.get("normalize"))
        data = [
            {"object": "embedding", "index": place, "embedding": vector}
            for place, vector in enumerate(found.vectors)
        ]
        usage = {"prompt_tokens": found.tokens, "total_tokens": found.tokens}
        return {"object": "list", "data": data, "model": self._name, "usage": usage}

    def translation(self, asked: Asked) -> Any:
        _texts(asked["texts"], "inputs")
        return [
            asdict(one)
            for one in self._engine.translate(
                asked["texts"],
                beam=asked["beam"],
                alternatives=asked["alternatives"],
                attention=asked["attention"],
                max_new=asked["max_new"],
            )
        ]

    def answer(self, asked: Asked) -> Any:
        found = self._engine.answer(asked["question"], asked["context"], top=asked["top"])
        return [asdict(one) for one in found]

    def _stream(
        self, kind: str, pieces: Iterator[str], choice: Callable[[str], Asked]
    ) -> Iterator[Asked]:
        head = self._head(kind)
        first = next(pieces, "")  # what the engine refuses is refused before the stream begins

        def events() -> Iterator[Asked]:
            try:
                yield {**head, "choices": [{"index": 0, "finish_reason": None, **choice(first)}]}
                for piece in pieces:
                    if piece:
                        one = {"index": 0, "finish_reason": None, **choice(piece)}
                        yield {**head, "choices": [one]}
            finally:
                close = getattr(pieces, "close", None)
                if close is not None:
                    close()
            yield {**head, "choices": [{"index": 0, "finish_reason": "stop", **choice("")}]}

        return events()

    def _head(self, kind: str) -> Asked:
        prefix = "cmpl" if kind == "text_completion" else "chatcmpl"
        return {
            "id": f"{prefix}-{uuid4().hex}",
            "object": kind,
            "created": int(time.time()),
            "model": self._name,
        }


async def _events(found: Iterator[Any]) -> AsyncIterator[bytes]:
    """Server-sent events, made in a thread; when the client goes, the engine hears it."""
    loop = asyncio.get_running_loop()
    try:
        while (one := await loop.run_in_executor(_POOL, next, found, None)) is not None:
            yield b"data: " + orjson.dumps(one) + b"\n\n"
        yield b"data: [DONE]\n\n"
    finally:
        close = getattr(found, "close", None)
        if close is not None:
            _POOL.submit(close)


def _sampling(asked: Asked) -> Sampling:
    if (asked.get("response_format") or {}).get("type", "text") != "text":
        raise CannotDo("The engine of this model cannot keep to a JSON schema")
    if asked.get("logprobs"):
        raise CannotDo("The engine of this model gives no log-probabilities")
    stop = asked.get("stop") or ()
    temperature = asked.get("temperature")
    return Sampling(
        max_new=int(asked.get("max_tokens") or 256),
        temperature=1.0 if temperature is None else float(temperature),
        top_p=float(asked.get("top_p") or 1.0),
        top_k=int(asked.get("top_k") or 0),
        seed=asked.get("seed"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
    )


def _texts(value: Any, name: str) -> None:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise Invalid(f"{name} must be a text or a list of texts")


def _usage(read: int, new: int) -> Asked:
    return {"prompt_tokens": read, "completion_tokens": new, "total_tokens": read + new}


def _refused(refusal: Refusal) -> Response:
    error = {"message": refusal.message, "type": "invalid_request_error", "code": refusal.code}
    return Response(orjson.dumps({"error": error}), refusal.status, media_type="application/json")
