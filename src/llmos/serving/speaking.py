"""A model's answer for our own pages, with what it cost; loading the engine does not count.

Runs on the event loop.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from llmos.serving.asking import Model, answer_to, whole
from llmos.serving.errors import EngineFailed
from llmos.serving.limits import within_limits
from llmos.serving.openai import Fields
from llmos.serving.pool import Running, pool
from llmos.serving.queries import Servable
from llmos.serving.sse import events
from llmos.store.threads import page_text as _


@dataclass(frozen=True, slots=True)
class Spoken:
    """A text that came in pieces. `context` is how many tokens the model takes in, 0: unknown."""

    text: str
    is_cut: bool  # by the most tokens it might have
    ms: int
    first_ms: int
    tokens_read: int
    tokens_written: int
    context: int


@dataclass(frozen=True, slots=True)
class Told:
    """An answer that came whole."""

    value: Any
    ms: int


async def told(who: str, model: Model, path: str, body: Fields) -> Told:
    """Raises what `answer_to` and `within_limits` raise."""
    asked = time.time()
    with within_limits(who):
        value = await whole(model, path, body)
    return Told(value, _ms(_begun(model, asked), time.time()))


async def spoken(
    who: str, model: Model, path: str, body: Fields, *, say: Callable[[str], None]
) -> Spoken:
    """Each piece goes to `say` as it comes. Raises what `answer_to` and `within_limits` raise,
    EngineFailed and EngineSilent in mid-stream too.
    """
    asked, first = time.time(), 0.0
    parts: list[str] = []
    finish = ""
    usage: Fields = {}
    streamed = {**body, "stream": True, "stream_options": {"include_usage": True}}
    with within_limits(who):
        async with answer_to(model, path, streamed) as answer:
            async for event in events(answer.pieces()):
                if "error" in event:
                    raise EngineFailed(
                        _("The engine failed: %(why)s") % {"why": event["error"].get("message", "")}
                    )
                usage = event.get("usage") or usage
                for choice in event.get("choices", ()):
                    text = choice.get("text") or (choice.get("delta") or {}).get("content")
                    finish = choice.get("finish_reason") or finish
                    if text:
                        first = first or time.time()
                        parts.append(text)
                        say(text)
    begun, over = _begun(model, asked), time.time()
    return Spoken(
        text="".join(parts),
        is_cut=finish == "length",
        ms=_ms(begun, over),
        first_ms=_ms(begun, first or over),
        tokens_read=int(usage.get("prompt_tokens") or 0),
        tokens_written=int(usage.get("completion_tokens") or 0),
        context=context_of(model),
    )


def is_loading(model: Model | None) -> bool:
    """Whether who waits for this model waits for its engine."""
    return isinstance(model, Servable) and _engine(model) is None


def context_of(model: Model) -> int:
    """Tokens that a loaded engine takes in, 0 while nobody knows."""
    engine = _engine(model)
    return engine.context if engine else 0


def _begun(model: Model, asked: float) -> float:
    """When work on a question could begin: at once, or when the engine stood ready."""
    engine = _engine(model)
    return max(asked, engine.started_at) if engine else asked


def _engine(model: Model) -> Running | None:
    if not isinstance(model, Servable):
        return None
    return next((one for one in pool().loaded() if one.model.key == model.key), None)


def _ms(start: float, end: float) -> int:
    return max(0, round((end - start) * 1000))
