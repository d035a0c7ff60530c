"""Writing an answer in a conversation: from the rows to the engine and back into the rows.

The answer is kept each second while it grows, and closed however it ends: by itself, by its
reader, by a refusal. What a killed hub leaves behind shows as unfinished (`Turn.is_lost`).
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.kit.errors import NotFound, Refusal, Unauthenticated
from llmos.lab.engines.errors import PromptTooLong
from llmos.serving.actions import finish, keep
from llmos.serving.asking import Model
from llmos.serving.branches import path_through
from llmos.serving.context import shown
from llmos.serving.errors import EngineRefused, ModelUnknown
from llmos.serving.live import Over, Piece, Say, Waiting, happenings
from llmos.serving.models import Turn
from llmos.serving.queries import model_named
from llmos.serving.speaking import Spoken, context_of, is_loading, spoken
from llmos.store.threads import in_thread

_KEEP_EVERY = 1.0  # seconds


@dataclass(slots=True)
class _Draft:
    """An answer as far as it is written."""

    turn_id: int
    model: Model | None = None
    text: str = ""
    state: str = Turn.State.STOPPED
    message: str = ""
    cost: dict[str, Any] = field(default_factory=dict)
    left_out: int = 0


async def written(viewer: Viewer, turn: Turn) -> AsyncIterator[Waiting | Piece]:
    """Write the answer `turn`, telling what happens. Refusals end up in the turn, in words."""
    draft = _Draft(turn.pk)
    keeping = asyncio.ensure_future(_kept(draft))
    try:
        async for happening in happenings(
            lambda say: _answer(viewer, turn, draft, say),
            is_loading=lambda: is_loading(draft.model),
        ):
            if isinstance(happening, Over):
                _close(draft, happening.result)
                continue
            if isinstance(happening, Piece):
                draft.text += happening.text
            yield happening
    except Refusal as refusal:
        draft.state, draft.message = Turn.State.FAILED, refusal.message
    finally:
        keeping.cancel()
        with suppress(asyncio.CancelledError):
            await keeping
        # Shielded: a reader who goes must not take the last words along.
        await asyncio.shield(in_thread(_finish, draft))


async def _answer(viewer: Viewer, turn: Turn, draft: _Draft, say: Say) -> Spoken:
    model = draft.model = await in_thread(_model_for, viewer, turn.model)
    conversation, turns = turn.conversation, await in_thread(_before, turn)
    sampling, drop = conversation.sampling, 0
    while True:
        found = shown(
            turns,
            conversation.system,
            context=context_of(model),
            answer=sampling.get("max_tokens", 0),
            drop=drop,
        )
        draft.left_out = found.left_out
        body = {"messages": found.messages, **sampling}
        try:
            return await spoken(
                f"member {viewer.user_id}", model, "/chat/completions", body, say=say
            )
        except (PromptTooLong, EngineRefused) as refusal:
            # The first engine to be asked tells how long is too long; then less is shown.
            left = len(turns) - found.left_out
            if refusal.code != PromptTooLong.code or left <= 1:
                raise
            drop = found.left_out + max(1, left // 4)


def _model_for(viewer: Viewer, name: str) -> Model:
    """Raises ModelUnknown for one that is gone or closed to the viewer, and why none runs it."""
    try:
        return model_named(viewer, name)
    except (NotFound, Unauthenticated) as missing:
        raise ModelUnknown(
            _("The model %(name)s is gone, or closed to you. Choose another one and retry.")
            % {"name": name}
        ) from missing


def _before(turn: Turn) -> list[Turn]:
    """The turns that led to this answer, oldest first."""
    turns = Turn.objects.filter(conversation=turn.conversation, pk__lte=turn.pk)
    return [step.turn for step in path_through(turns, turn.pk)][:-1]


def _close(draft: _Draft, answer: Spoken) -> None:
    draft.state = Turn.State.WHOLE
    draft.cost = {
        "ms": answer.ms,
        "first_ms": answer.first_ms,
        "prompt_tokens": answer.tokens_read,
        "new_tokens": answer.tokens_written,
        "context": answer.context,
        "is_cut": answer.is_cut,
    }


async def _kept(draft: _Draft) -> None:
    while True:
        await asyncio.sleep(_KEEP_EVERY)
        await in_thread(lambda: keep(turn_id=draft.turn_id, text=draft.text))


def _finish(draft: _Draft) -> None:
    finish(
        turn_id=draft.turn_id,
        text=draft.text,
        state=draft.state,
        message=draft.message,
        cost=draft.cost,
        left_out=draft.left_out,
    )
