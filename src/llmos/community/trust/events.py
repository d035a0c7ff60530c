"""What trust tells rooms to its right."""

from dataclasses import dataclass

from llmos.store.events import Event


@dataclass(frozen=True, slots=True)
class LevelChanged(Event):
    """A member's deeds, or a moderator, brought another level; a reason only from moderators."""

    user_id: int
    was: int
    level: int
    reason: str


@dataclass(frozen=True, slots=True)
class KeptApart(Event):
    """A member mutes, ignores or blocks another."""

    user_id: int
    other_id: int
    degree: str
