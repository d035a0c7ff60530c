"""What the runner has heard of a job: its progress, and the facts that its row will keep."""

from dataclasses import dataclass, field
from typing import Any

from llmos.jobs.folders import Place

# Events that become columns of the row when the job ends.
FACTS = ("made", "output", "result", "cost")
LONGEST_WORDS = 500


@dataclass(slots=True)
class Heard:
    """Of the newest attempt; `until` is the offset in the stream behind what was heard."""

    progress: dict[str, Any]
    until: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    refused: str = ""  # what the member can mend, in the job's own words
    last_words: str = ""

    def note(self, place: Place) -> None:
        self.until = place.after
        event = place.event
        kind = event["event"]
        content = {key: value for key, value in event.items() if key not in {"event", "at"}}
        if kind == "attempt":
            self.facts, self.refused, self.last_words = {}, "", ""
        elif kind in FACTS:
            self.facts[kind] = content
        elif kind == "step":
            self.progress["step"] = content
        elif kind == "evaluation":
            self.progress["metrics"] = content.get("metrics", {})
        elif kind in {"plan", "status"}:
            self.progress |= content
        elif kind == "refused":
            self.refused = content["text"]
        elif kind == "log" and content["text"].strip():
            self.last_words = content["text"].strip()[-LONGEST_WORDS:]
