"""What provenance tells rooms to its right."""

from dataclasses import dataclass

from llmos.store.events import Event


@dataclass(frozen=True, slots=True)
class ActivityRecorded(Event):
    activity_id: str


@dataclass(frozen=True, slots=True)
class RebuildRecorded(Event):
    activity_id: str
    equal: bool
