"""What the forum tells rooms to its right."""

from dataclasses import dataclass

from llmos.store.events import Event


@dataclass(frozen=True, slots=True)
class AnswerAccepted(Event):
    """An answer was marked as the one that helped, by `user_id`."""

    thread_id: int
    post_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class AnswerWithdrawn(Event):
    """A post that was the accepted answer is it no more: taken back, hidden, or another one is."""

    thread_id: int
    post_id: int


@dataclass(frozen=True, slots=True)
class QuestionRouted(Event):
    """A question was laid before members who may know the answer. Once for each question."""

    thread_id: int
    user_ids: list[int]


@dataclass(frozen=True, slots=True)
class PollClosed(Event):
    """The day to which one could vote has passed.

    `leading` are the choices with most votes, none where nobody voted; `share` is how many of a
    hundred who voted chose one of them. Who listens may not ask the forum, so all is here.
    """

    poll_id: int
    post_id: int
    leading: list[str]
    share: int
    voters: list[int]
