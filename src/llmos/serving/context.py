"""What of a conversation a model is shown: all of it, or the newest part that fits.

An engine alone knows how many tokens a text has. What it counted for earlier answers gives the
rate; when it still says "too long", the oldest turns go and it is asked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from llmos.serving.models import Turn

Message = dict[str, str]

_CHARACTERS_A_TOKEN = 3.0  # until an engine has counted; Chinese is nearer to 1.5, English to 4
_SHARE_FOR_ANSWER = 4  # at least a quarter of the context stays for the answer, or what it may use


@dataclass(frozen=True, slots=True)
class Shown:
    messages: list[Message]
    left_out: int  # turns before the first one shown


def shown(turns: Sequence[Turn], system: str, *, context: int, answer: int, drop: int = 0) -> Shown:
    """The messages for the engine: the system's, then the newest turns that fit.

    `turns` end with a member's message, which is always shown. `context` 0 means unknown. `drop`
    leaves out at least so many turns.
    """
    spoken = [turn for turn in turns if turn.text.strip()]
    room = (context - min(answer, context // _SHARE_FOR_ANSWER)) * _rate(spoken)
    used, first = float(len(system)), len(spoken)
    for place in range(len(spoken) - 1, -1, -1):
        used += len(spoken[place].text)
        if context and used > room and first < len(spoken):
            break
        first = place
    first = _at_a_message(spoken, max(first, min(drop, len(spoken) - 1)))
    head: list[Message] = [{"role": "system", "content": system}] if system.strip() else []
    return Shown(head + _alternating(spoken[first:]), first)


def _rate(turns: Sequence[Turn]) -> float:
    """Characters a token, as the newest counted answer had them."""
    for place in range(len(turns) - 1, -1, -1):
        cost = turns[place].cost or {}
        tokens = int(cost.get("prompt_tokens", 0)) + int(cost.get("new_tokens", 0))
        if tokens > 0 and not turns[place].left_out:
            return max(1.0, sum(len(turn.text) for turn in turns[: place + 1]) / tokens)
    return _CHARACTERS_A_TOKEN


def _alternating(turns: Sequence[Turn]) -> list[Message]:
    """Where an answer is missing, two messages become one: templates want the sides in turn."""
    said: list[Message] = []
    for turn in turns:
        if said and said[-1]["role"] == turn.role:
            said[-1]["content"] += f"\n\n{turn.text}"
        else:
            said.append({"role": str(turn.role), "content": turn.text})
    return said


def _at_a_message(turns: Sequence[Turn], first: int) -> int:
    """Templates want a member's message first: an answer without its question goes too."""
    while first < len(turns) - 1 and turns[first].role != Turn.Role.USER:
        first += 1
    return first
