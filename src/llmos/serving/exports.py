"""A conversation as a file: all of its ways as JSON, or one way as Markdown to read."""

from collections.abc import Iterable
from typing import Any

from llmos.serving.branches import Step
from llmos.serving.models import Conversation, Turn

VERSION = 1


def as_object(conversation: Conversation) -> dict[str, Any]:
    """Every turn with its parent, so that nothing said is lost."""
    return {
        "format": "llmos-conversation",
        "version": VERSION,
        "id": conversation.pk,
        "title": conversation.title,
        "model": conversation.model,
        "system": conversation.system,
        "sampling": conversation.sampling,
        "created_at": conversation.created_at.isoformat(),
        "turns": [_turn(turn) for turn in conversation.turns.order_by("pk")],
    }


def as_markdown(conversation: Conversation, steps: Iterable[Step]) -> str:
    parts = [f"# {conversation.title}"]
    if conversation.system:
        parts.append(f"> {conversation.system}".replace("\n", "\n> "))
    for step in steps:
        turn = step.turn
        said_by = turn.model if turn.role == Turn.Role.ASSISTANT else conversation.user.username
        parts += [f"## {said_by}", turn.text or f"*{turn.message or turn.state}*"]
    return "\n\n".join(parts) + "\n"


def _turn(turn: Turn) -> dict[str, Any]:
    told: dict[str, Any] = {
        "id": turn.pk,
        "parent": turn.parent_id,
        "role": turn.role,
        "text": turn.text,
        "at": turn.created_at.isoformat(),
    }
    if turn.role == Turn.Role.ASSISTANT:
        told |= {"model": turn.model, "state": turn.state, "cost": turn.cost}
    return told
