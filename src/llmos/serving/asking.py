"""From a wish to answers: who asks is counted, an engine found, and its words passed on."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import orjson

from llmos.kit.config import current
from llmos.kit.errors import Refusal
from llmos.lab.engines.errors import PromptTooLong
from llmos.serving.config import ServingSettings
from llmos.serving.connection import EngineAnswer, asked
from llmos.serving.errors import EngineBusy, EngineFailed, EngineRefused
from llmos.serving.openai import Fields, Wish, shaped
from llmos.serving.pool import Running, pool
from llmos.serving.queries import Remote, Servable
from llmos.serving.relay import together
from llmos.serving.sse import DONE, event, events
from llmos.store.threads import page_text as _

Model = Servable | Remote


@asynccontextmanager
async def answer_to(model: Model, path: str, body: Fields) -> AsyncIterator[EngineAnswer]:
    """The engine's answer, begun. Leaving the block ends it, and the engine stops working on it.

    Raises what `Pool.engine` raises, PromptTooLong, EngineRefused, EngineFailed, EngineSilent.
    """
    settings = current(ServingSettings)
    seconds = settings.answer_seconds if body.get("stream") else settings.whole_seconds
    if isinstance(model, Remote):
        raw, key = orjson.dumps({**body, "model": model.model}), os.environ.get(model.key_variable)
        async with asked(model.url, path, raw, key=key or "", seconds=seconds) as answer:
            yield await _accepted(answer)
        return
    async with pool().engine(model) as engine:
        raw, address = orjson.dumps(_fitted(body, engine)), f"{engine.address}/v1"
        async with asked(address, path, raw, key=engine.key, seconds=seconds) as answer:
            yield await _accepted(answer)


async def whole(model: Model, path: str, body: Fields) -> Any:
    """The engine's answer as JSON. Raises what `answer_to` raises."""
    async with answer_to(model, path, body) as answer:
        raw = await answer.whole()
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise EngineFailed(_("The engine's answer cannot be read")) from error


async def all_choices(model: Model, wish: Wish) -> Fields:
    """One answer with every choice, and what all of them took."""
    answers = await together([whole(model, wish.path, body) for body in wish.bodies])
    choices = [
        shaped(choice, place, wish)
        for place, answer in enumerate(answers)
        for choice in answer["choices"][:1]
    ]
    return {**answers[0], "choices": choices, "usage": _sum([one.get("usage") for one in answers])}


async def merged(model: Model, wish: Wish) -> AsyncGenerator[bytes, None]:
    """The streams of all choices as one, each event with the number of its choice."""
    arriving: asyncio.Queue[Fields | None] = asyncio.Queue()

    async def listen(place: int, body: Fields) -> None:
        async with answer_to(model, wish.path, body) as answer:
            async for one in events(answer.pieces()):
                choices = [shaped(choice, place, wish) for choice in one.get("choices", [])]
                arriving.put_nowait({**one, "choices": choices})

    listening = asyncio.ensure_future(
        together([listen(place, body) for place, body in enumerate(wish.bodies)])
    )
    listening.add_done_callback(lambda _: arriving.put_nowait(None))
    last: Fields = {}
    usages: list[Fields] = []
    try:
        while (one := await arriving.get()) is not None:
            if one.get("usage"):
                usages.append(one.pop("usage"))
            # All choices are one answer to the client: the first engine's id is its name.
            last = {**one, **{name: last[name] for name in ("id", "created") if name in last}}
            if last["choices"]:
                yield event(last)
        await listening
        if wish.wants_usage:
            yield event({**last, "choices": [], "usage": _sum(usages)})
        yield DONE
    finally:
        listening.cancel()


def _fitted(body: Fields, engine: Running) -> Fields:
    """What only llama.cpp can be told: that a tokeniser puts a space before, each token's facts."""
    details = body.get("details")
    body = {name: value for name, value in body.items() if name != "details"}
    if engine.kind != "llama_cpp":
        return body
    if details:
        body["logprobs"] = 1
    prompt = body.get("prompt")
    if isinstance(prompt, str) and engine.adds_space and not prompt[:1].isspace():
        body["prompt"] = f" {prompt}"
    return body


async def _accepted(answer: EngineAnswer) -> EngineAnswer:
    if answer.status == 200:
        return answer
    try:
        told = orjson.loads(await answer.whole())
        error = told["error"] if isinstance(told["error"], dict) else {"message": told["error"]}
    except (orjson.JSONDecodeError, KeyError, TypeError) as cause:
        raise EngineFailed(
            _("The engine answered %(status)d and no reason") % {"status": answer.status}
        ) from cause
    raise _refusal(answer.status, error)


def _refusal(status: int, error: dict[str, Any]) -> Refusal:
    message = str(error.get("message", ""))
    if "n_prompt_tokens" in error:
        refused = PromptTooLong(error["n_prompt_tokens"], error["n_ctx"])
        # The laboratory speaks English; a page says it in its reader's language.
        refused.message = _(
            "The text has %(tokens)d tokens, but this model takes at most %(most)d; shorten it"
        ) % {"tokens": error["n_prompt_tokens"], "most": error["n_ctx"]}
        return refused
    if status == 429:
        return EngineBusy(message, seconds=5)
    if status in {400, 404, 413, 422}:
        code = error.get("code")
        return EngineRefused(message, code=code if isinstance(code, str) else "invalid_request")
    # Also 401 and 403: a key that the hub has and a remote refuses is no fault of the client.
    return EngineFailed(f"The engine failed: {message}")


def _sum(usages: Iterable[Fields | None]) -> Fields:
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    found = [usage for usage in usages if usage]
    return {name: sum(int(usage.get(name) or 0) for usage in found) for name in names}
