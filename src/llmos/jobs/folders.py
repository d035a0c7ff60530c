"""The files of a job: its spec, its stream, what it left behind.

`stream.jsonl` holds one event per line, each with the time `at` which it came; a byte offset is
a place in it. It is only ever appended to, so readers need no lock.

`exit.json` says how an attempt ended; `usage.json` what the newest one has used so far. The rest
of the folder is the job's own: checkpoints, caches, the model before it is pushed.
"""

import json
from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmos.kit.home import home_from_environment

STREAM, SPEC, EXIT, USAGE, LOCK = (
    "stream.jsonl",
    "spec.json",
    "exit.json",
    "usage.json",
    "keeper.lock",
)
ARTEFACTS = "artefacts"
# What is kept of every job; the rest serves to go on, and goes when there is nothing to go on with.
RECORD = frozenset({STREAM, SPEC, EXIT, USAGE, LOCK, ARTEFACTS})
# Events that a person reads as lines of a log.
SPOKEN = frozenset({"log", "status", "refused"})


@dataclass(frozen=True, slots=True)
class Place:
    """An event and the offset just behind it."""

    event: dict[str, Any]
    after: int


def jobs_folder() -> Path:
    return home_from_environment().root / "jobs"


def job_folder(job_id: str) -> Path:
    return jobs_folder() / job_id


def artefact_path(job_id: str, name: str) -> Path:
    return job_folder(job_id) / ARTEFACTS / name


def read_events(job_id: str, *, after: int = 0) -> Iterator[Place]:
    """Whole events behind an offset; one that is being written now is left for later."""
    try:
        file = (job_folder(job_id) / STREAM).open("rb")
    except FileNotFoundError:
        return
    with file:
        file.seek(after)
        for line in file:
            if not line.endswith(b"\n"):
                return
            after += len(line)
            try:
                event = json.loads(line)
            except ValueError:  # cut off by a power cut, or an offset in the middle of a line
                continue
            if isinstance(event, dict) and "event" in event:
                yield Place(event, after)


def tail_offset(job_id: str, lines: int, *, kinds: Collection[str] = SPOKEN) -> int:
    """Where the last so many events of these kinds begin."""
    starts: deque[int] = deque([0], maxlen=max(0, lines))
    end = start = 0
    for place in read_events(job_id):
        start, end = end, place.after
        if place.event["event"] in kinds:
            starts.append(start)
    return starts[0] if starts else end


def read_exit(job_id: str, attempt: int) -> dict[str, Any] | None:
    """How this attempt ended, or None while nobody knows."""
    found = _read_json(job_folder(job_id) / EXIT)
    return found if found is not None and found.get("attempt") == attempt else None


def read_usage(job_id: str, attempt: int) -> dict[str, Any] | None:
    """What this attempt uses, or used when it was last looked at."""
    found = _read_json(job_folder(job_id) / USAGE)
    return found if found is not None and found.get("attempt") == attempt else None


def _read_json(path: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found
