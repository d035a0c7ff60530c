"""Trying a model for what it is made for, once: from what a form says to what a page shows.

Runs on the event loop; the views in `pages/playground.py` stream it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from llmos.kit.errors import Invalid
from llmos.serving.attention import Attention, attention_of
from llmos.serving.live import Say
from llmos.serving.openai import Fields
from llmos.serving.queries import Servable
from llmos.serving.speaking import spoken, told
from llmos.store.threads import page_text as _

BEAM = 5
ALTERNATIVES = 3
ANSWERS = 3
MOST_TEXTS = 50
LONGEST_TEXT = 100_000  # characters


@dataclass(frozen=True, slots=True)
class Tries:
    """What a form said; each task reads its own fields."""

    text: str = ""
    context: str = ""  # question answering: where the answer stands
    others: str = ""  # similarity: texts to compare with, one a line
    max_tokens: int = 256
    temperature: float = 0.7
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Way:
    """One translation, and how likely the model found it: the mean over its tokens."""

    text: str
    likelihood: float | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the context, before, in and behind an answer."""

    before: str
    text: str
    behind: str
    score: float


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of it, with what it cost."""

    text: str = ""
    ways: tuple[Way, ...] = ()
    attention: Attention | None = None
    stretches: tuple[Stretch, ...] = ()
    similar: tuple[tuple[str, float], ...] = ()
    is_cut: bool = False  # the model would have gone on
    ms: int = 0
    tokens_read: int = 0
    tokens_written: int = 0
    details: dict[str, Any] = field(default_factory=dict)


async def tried(who: str, model: Servable, tries: Tries, *, chat: bool, say: Say) -> Tried:
    """Raises Invalid for empty or endless input, and what the engine refuses."""
    _check(model.task, tries)
    if model.task in {"translation", "summarization"}:
        return await _translated(who, model, tries)
    if model.task == "question-answering":
        return await _answered(who, model, tries)
    if model.task in {"feature-extraction", "sentence-similarity"}:
        return await _compared(who, model, tries)
    return await _continued(who, model, tries, chat=chat, say=say)


async def _translated(who: str, model: Servable, tries: Tries) -> Tried:
    question: Fields = {
        "texts": [tries.text],
        "beam": BEAM,
        "alternatives": ALTERNATIVES if model.task == "translation" else 1,
        "attention": model.task == "translation",
        "max_new": tries.max_tokens,
    }
    answer = await told(who, model, "/translate", question)
    (found,) = answer.value
    best = found["alternatives"][0]
    ways: dict[str, Way] = {}  # different tokens may spell the same text
    for one in found["alternatives"]:
        likelihood = math.exp(one["score"]) if one["score"] else None
        ways.setdefault(one["text"], Way(one["text"], likelihood))
    return Tried(
        text=best["text"],
        ways=tuple(ways.values()),
        attention=attention_of(found["source"], best["tokens"], best["attention"]),
        ms=answer.ms,
        tokens_read=len(found["source"]),
        tokens_written=len(best["tokens"]),
    )


async def _answered(who: str, model: Servable, tries: Tries) -> Tried:
    question = {"question": tries.text, "context": tries.context, "top": ANSWERS}
    answer = await told(who, model, "/answer", question)
    stretches = tuple(
        Stretch(
            before=tries.context[: one["start"]],
            text=tries.context[one["start"] : one["end"]],
            behind=tries.context[one["end"] :],
            score=one["score"],
        )
        for one in answer.value
    )
    best = stretches[0].text if stretches else ""
    return Tried(text=best, stretches=stretches, ms=answer.ms)


async def _compared(who: str, model: Servable, tries: Tries) -> Tried:
    texts = [tries.text, *lines_of(tries.others)]
    answer = await told(who, model, "/embeddings", {"input": texts, "normalize": True})
    vectors = [one["embedding"] for one in answer.value["data"]]
    pairs = zip(texts[1:], (_cosine(vectors[0], other) for other in vectors[1:]), strict=True)
    return Tried(
        similar=tuple(sorted(pairs, key=lambda pair: -pair[1])),
        ms=answer.ms,
        tokens_read=answer.value["usage"]["prompt_tokens"],
        details={"dimensions": len(vectors[0])},
    )


async def _continued(who: str, model: Servable, tries: Tries, *, chat: bool, say: Say) -> Tried:
    sampling = {"max_tokens": tries.max_tokens, "temperature": tries.temperature}
    if tries.seed is not None:
        sampling["seed"] = tries.seed

    asked: Fields = {"prompt": tries.text}
    if chat:
        asked = {"messages": [{"role": "user", "content": tries.text}]}
    path = "/chat/completions" if chat else "/completions"
    answer = await spoken(who, model, path, {**asked, **sampling}, say=say)
    return Tried(
        text=answer.text,
        is_cut=answer.is_cut,
        ms=answer.ms,
        tokens_read=answer.tokens_read,
        tokens_written=answer.tokens_written,
        details={"first_ms": answer.first_ms},
    )


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _check(task: str, tries: Tries) -> None:
    wanted = [tries.text]
    if task == "question-answering":
        wanted.append(tries.context)
    if task in {"feature-extraction", "sentence-similarity"}:
        wanted.append(tries.others)
        if len(lines_of(tries.others)) > MOST_TEXTS:
            raise Invalid(_("Compare with at most %(n)d texts at once") % {"n": MOST_TEXTS})
    if not all(text.strip() for text in wanted):
        raise Invalid(_("Write something for the model first"))
    if any(len(text) > LONGEST_TEXT for text in wanted):
        raise Invalid(_("The text has over %(n)d characters; shorten it") % {"n": LONGEST_TEXT})


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    """Of vectors of length 1, so the product alone; a model may hand out zeros."""
    return sum(a * b for a, b in zip(one, other, strict=True))
