"""What moderation tells rooms to its right."""

from dataclasses import dataclass

from llmos.store.events import Event


@dataclass(frozen=True, slots=True)
class Reported(Event):
    """Members who keep order may want to look: a case is open."""

    case_id: int


@dataclass(frozen=True, slots=True)
class CaseClosed(Event):
    """What these members reported was decided."""

    case_id: int
    user_ids: list[int]


@dataclass(frozen=True, slots=True)
class PostDecided(Event):
    """A moderator decided about a post. `reason` is for its author; `state` is the new one."""

    post_id: int
    state: str
    reason: str
    author_id: int | None


@dataclass(frozen=True, slots=True)
class MemberDecided(Event):
    """A moderator warned, silenced or suspended a member, or took that back."""

    user_id: int
    act: str
    reason: str


@dataclass(frozen=True, slots=True)
class RepositoryDecided(Event):
    """A moderator hid a whole repository, or shows it again. `reason` is for who keeps it."""

    repository_id: int
    decision_id: int
    hidden: bool
    reason: str
