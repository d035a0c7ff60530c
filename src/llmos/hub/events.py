"""What the hub tells rooms to its right."""

from dataclasses import dataclass

from llmos.store.events import Event


@dataclass(frozen=True, slots=True)
class RepositoryCreated(Event):
    repository_id: int


@dataclass(frozen=True, slots=True)
class RepositoryChanged(Event):
    """Name, visibility or settings are new."""

    repository_id: int


@dataclass(frozen=True, slots=True)
class RepositoryDeleted(Event):
    repository_id: int
    type: str
    full_name: str


@dataclass(frozen=True, slots=True)
class RefUpdated(Event):
    """A branch, tag or change request points elsewhere; all-zero ids mean none."""

    repository_id: int
    ref: str
    old: str
    new: str
    user_id: int | None


@dataclass(frozen=True, slots=True)
class RepositoryLiked(Event):
    repository_id: int
    user_id: int


@dataclass(frozen=True, slots=True)
class ChangeRequestOpened(Event):
    repository_id: int
    number: int


@dataclass(frozen=True, slots=True)
class ChangeRequestChanged(Event):
    """Its title or status is new; `status` is what it is now."""

    repository_id: int
    number: int
    status: str


@dataclass(frozen=True, slots=True)
class AccessAsked(Event):
    """A member asks to read a gated repository, or got her answer; `status` is what it is now."""

    repository_id: int
    user_id: int
    status: str
