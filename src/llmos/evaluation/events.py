"""What evaluation tells rooms to its right."""

from dataclasses import dataclass

from llmos.store.events import Event


@dataclass(frozen=True, slots=True)
class ResultRecorded(Event):
    """A score was measured here and signed. `result_id` is its job's id, too."""

    result_id: str
    repository_id: int  # the model's


@dataclass(frozen=True, slots=True)
class BoardOpened(Event):
    """A benchmark was pushed for the first time, or in a version that was not there before."""

    board_id: int
    repository_id: int  # the benchmark's
