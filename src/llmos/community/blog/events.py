"""What the blog tells rooms to its right. A published article is threads' ThreadOpened."""

from dataclasses import dataclass

from llmos.store.events import Event


@dataclass(frozen=True, slots=True)
class ArticleScheduled(Event):
    """It is to be published later, or at another time than was said before."""

    thread_id: int


@dataclass(frozen=True, slots=True)
class CoauthorInvited(Event):
    """A member is asked to stand beside the authors of an article."""

    thread_id: int
    user_id: int
    by_id: int


@dataclass(frozen=True, slots=True)
class FileRefused(Event):
    """A pushed file wants to be an article and cannot; who pushed it is told why."""

    repository_id: int
    path: str
    message: str
    user_id: int | None
