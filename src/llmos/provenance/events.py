"""What provenance tells rooms to its right."""

from dataclasses import dataclass

from llmos.store.events import Event


@dataclass(frozen=True, slots=True)
class ActivityRecorded(Event):
    activity_id: str


@dataclass(frozen=True, slots=True)
class RebuildRecorded(Event):
    activity_id: str
    job_id: str
    equal: bool


@dataclass(frozen=True, slots=True)
class SourceMovedOn(Event):
    """A repository is gone, or holds other content now than went into these activities."""

    repository_id: int
    activity_ids: list[str]
