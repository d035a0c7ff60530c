"""What each call makes of a model and a request: the engine's answer in the client's shape."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack
from typing import Any

from starlette.responses import Response

from llmos.lab.engines.errors import CannotDo
from llmos.serving import openai, task_calls
from llmos.serving.asking import Model, all_choices, answer_to, merged, whole
from llmos.serving.openai import Fields, Wish
from llmos.serving.queries import Remote
from llmos.serving.relay import Relayed
from llmos.store.http import reply

# The stack keeps open what a streamed answer comes from; whoever sends the answer closes it.
Call = Callable[[Model, Fields, AsyncExitStack], Coroutine[Any, Any, Response]]

WRITING = frozenset({"text-generation"})
TRANSLATING = frozenset({"translation", "summarization"})
EMBEDDING = frozenset({"feature-extraction", "sentence-similarity"})
_TRANSLATED_KEYS = {"translation": "translation_text", "summarization": "summary_text"}


def task_of(model: Model) -> str:
    return "text-generation" if isinstance(model, Remote) else model.task


async def chat(model: Model, asked: Fields, opened: AsyncExitStack) -> Response:
    if isinstance(model, Remote):
        return await _passed_on(model, "/chat/completions", asked, opened)
    _require(model, WRITING, "chat")
    return await _answered(model, openai.chat_wish(asked), opened)


async def complete(model: Model, asked: Fields, opened: AsyncExitStack) -> Response:
    if isinstance(model, Remote):
        return await _passed_on(model, "/completions", asked, opened)
    _require(model, WRITING | TRANSLATING, "continue text")
    return await _answered(model, openai.completion_wish(asked), opened)


async def embed(model: Model, asked: Fields, opened: AsyncExitStack) -> Response:
    if isinstance(model, Remote):
        return await _passed_on(model, "/embeddings", asked, opened)
    _require(model, EMBEDDING, "embed text")
    answer = await whole(model, "/embeddings", openai.embedding_body(asked))
    return reply(openai.embedded(answer, asked))


async def by_task(model: Model, asked: Fields, opened: AsyncExitStack) -> Response:
    """The model's own task, as hub clients ask for it."""
    task = task_of(model)
    if task in TRANSLATING:
        return await _translate(model, asked)
    if task == "question-answering":
        return await _answer_question(model, asked)
    if task in EMBEDDING:
        inputs = asked.get("inputs")
        compares = isinstance(inputs, dict) and "source_sentence" in inputs
        return await (_compare(model, asked) if compares else _vectors(model, asked))
    return await _generate(model, asked, opened)


async def _translate(model: Model, asked: Fields) -> Response:
    body = task_calls.translation_body(asked)
    found = await whole(model, "/translate", body)
    looked_into = body["attention"] or body["alternatives"] > 1
    key = _TRANSLATED_KEYS[task_of(model)]
    return reply(task_calls.translated(found, key, looked_into=looked_into))


async def _answer_question(model: Model, asked: Fields) -> Response:
    body = task_calls.question_body(asked)
    told = await whole(model, "/answer", body)
    answers = [{"answer": one.pop("text"), **one} for one in told]
    return reply(answers if body["top"] > 1 else answers[0])


async def _vectors(model: Model, asked: Fields) -> Response:
    body = {"input": task_calls.texts_of(asked), "normalize": asked.get("normalize")}
    answer = await whole(model, "/embeddings", body)
    return reply([one["embedding"] for one in openai.embedded(answer, asked)["data"]])


async def _compare(model: Model, asked: Fields) -> Response:
    source, others = task_calls.similar_texts(asked)
    answer = await whole(model, "/embeddings", {"input": [source, *others], "normalize": True})
    first, *rest = [one["embedding"] for one in answer["data"]]
    return reply([sum(a * b for a, b in zip(first, one, strict=True)) for one in rest])


async def _generate(model: Model, asked: Fields, opened: AsyncExitStack) -> Response:
    wish = task_calls.generation_wish(asked)
    if not wish.stream:
        return reply(task_calls.generated(asked, await all_choices(model, wish)))
    answer = await opened.enter_async_context(answer_to(model, wish.path, wish.bodies[0]))
    pieces = task_calls.token_events(asked, answer.pieces())
    return Relayed(pieces, failure=task_calls.failure)


async def _answered(model: Model, wish: Wish, opened: AsyncExitStack) -> Response:
    if not wish.stream:
        return reply(await all_choices(model, wish))
    if len(wish.bodies) == 1 and not wish.old_logprobs:
        answer = await opened.enter_async_context(answer_to(model, wish.path, wish.bodies[0]))
        return Relayed(answer.pieces())
    pieces = merged(model, wish)
    opened.push_async_callback(pieces.aclose)
    # What the engine refuses is refused with a status, before the stream begins.
    return Relayed(_beginning_with(await anext(pieces), pieces))


async def _passed_on(model: Remote, path: str, asked: Fields, opened: AsyncExitStack) -> Response:
    """Somebody else's server knows best what it can do: it gets the request as it came."""
    if asked.get("stream") is not True:
        return reply(await whole(model, path, asked))
    answer = await opened.enter_async_context(answer_to(model, path, asked))
    return Relayed(answer.pieces())


async def _beginning_with(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield first
    async for piece in rest:
        yield piece


def _require(model: Model, tasks: frozenset[str], deed: str) -> None:
    if task_of(model) not in tasks:
        raise CannotDo(f"{model.name} is a model for {task_of(model)}; it cannot {deed}")
