"""What a job has told of itself, read once from its stream: curves, looks, log.

The stream may go on while it is read; `after` is where whoever follows it live goes on.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from llmos.jobs.folders import SPOKEN, read_events
from llmos.jobs.models import Job

LOG_LINES = 400
MOST_POINTS = 2000
# What each step tells, as the names of curves.
OF_STEPS = ("loss", "learning_rate", "tokens_per_second")
VALIDATION = "validation "

Point = tuple[int, float]


@dataclass(frozen=True, slots=True)
class Look:
    """What the model wrote at a step, beside what it should have written."""

    step: int
    samples: list[dict[str, str]]


@dataclass(slots=True)
class Story:
    curves: dict[str, list[Point]] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)  # oldest first
    log: deque[dict[str, str]] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    lines: int = 0  # of the whole log
    after: int = 0

    def take(self, event: dict[str, Any]) -> None:
        """One event more. A resumed run repeats steps: its newest word on each counts."""
        match event["event"]:
            case "step":
                self._forget_from(event["step"])
                for name in OF_STEPS:
                    self._add(name, event["step"], event.get(name))
            case "evaluation":
                for name, value in event["metrics"].items():
                    self._add(VALIDATION + name, event["step"], value)
            case "sample":
                self._take_sample(event)
            case kind if kind in SPOKEN:
                self.lines += 1
                self.log.append({"at": event["at"], "kind": kind, "text": event["text"]})

    def rows(self) -> list[tuple[int, dict[str, float]]]:
        """The curves as a table: a step, and what was measured at it."""
        found: dict[int, dict[str, float]] = {}
        for name, points in self.curves.items():
            for step, value in points:
                found.setdefault(step, {})[name] = value
        return sorted(found.items())

    def _add(self, name: str, step: int, value: float | None) -> None:
        if value is None:
            return
        points = self.curves.setdefault(name, [])
        if points and points[-1][0] == step:
            points.pop()
        points.append((step, value))
        if len(points) > MOST_POINTS:
            del points[1::2]

    def _forget_from(self, step: int) -> None:
        for name, points in self.curves.items():
            # What was measured after a step came with that same step.
            first = step if name in OF_STEPS else step + 1
            while points and points[-1][0] >= first:
                points.pop()
        while self.looks and self.looks[-1].step > step:
            self.looks.pop()

    def _take_sample(self, event: dict[str, Any]) -> None:
        shown = {key: str(event.get(key, "")) for key in ("source", "target", "output")}
        if not self.looks or self.looks[-1].step != event["step"]:
            self.looks.append(Look(event["step"], []))
        known = self.looks[-1].samples
        # A look that was taken twice, before and after a loss of the runner, shows once.
        same = [n for n, one in enumerate(known) if one["source"] == shown["source"]]
        if same:
            known[same[0]] = shown
        else:
            known.append(shown)


def story_of(job: Job) -> Story:
    story = Story()
    for place in read_events(job.pk):
        story.take(place.event)
        story.after = place.after
    return story
