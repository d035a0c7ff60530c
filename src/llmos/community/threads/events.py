"""What threads tell rooms to their right."""

from dataclasses import dataclass

from llmos.store.events import Event


@dataclass(frozen=True, slots=True)
class ThreadOpened(Event):
    """A thread can be read by others for the first time; an article may be opened long before."""

    thread_id: int


@dataclass(frozen=True, slots=True)
class ThreadChanged(Event):
    """Title, tags, place, state or openness is new."""

    thread_id: int


@dataclass(frozen=True, slots=True)
class PostWritten(Event):
    """A post can be read by others for the first time; also one that waited for a moderator."""

    post_id: int


@dataclass(frozen=True, slots=True)
class PostHeld(Event):
    """A post waits for a moderator before others can read it."""

    post_id: int


@dataclass(frozen=True, slots=True)
class PostChanged(Event):
    """Its text or state is new."""

    post_id: int


@dataclass(frozen=True, slots=True)
class Reacted(Event):
    post_id: int
    user_id: int
    name: str


@dataclass(frozen=True, slots=True)
class Followed(Event):
    """A member begins to follow something."""

    user_id: int
    kind: str
    target: str
