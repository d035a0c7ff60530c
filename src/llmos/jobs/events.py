"""What the queue tells rooms to its right."""

from dataclasses import dataclass

from llmos.store.events import Event


@dataclass(frozen=True, slots=True)
class JobEnded(Event):
    """A job has reached one of its last stages; told once for each time it ends."""

    job_id: str
    activity: str
    stage: str
