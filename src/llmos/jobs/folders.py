"""The files of a job: its spec, its stream, what it left behind.

`stream.jsonl` holds one event per line, each with the time `at` which it came; a byte offset is
a place in it. It is only ever appended to, so readers need no lock.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmos.kit.home import home_from_environment

STREAM, SPEC, EXIT, LOCK = "stream.jsonl", "spec.json", "exit.json", "keeper.lock"
CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Place:
    """An event and the offset just behind it."""

    event: dict[str, Any]
    after: int


def job_folder(job_id: str) -> Path:
    return home_from_environment().root / "jobs" / job_id


def artefact_path(job_id: str, name: str) -> Path:
    return job_folder(job_id) / "artefacts" / name


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
            except ValueError:  # cut off by a power cut, then written on
                continue
            yield Place(event, after)


def tail_offset(job_id: str, lines: int) -> int:
    """Where the last so many lines begin."""
    path = job_folder(job_id) / STREAM
    if not path.exists():
        return 0
    size = path.stat().st_size
    with path.open("rb") as file:
        start, content = size, b""
        while start and content.count(b"\n") <= lines:
            start = max(0, start - CHUNK)
            file.seek(start)
            content = file.read(size - start)
    kept = content.split(b"\n")[-lines - 1 :]
    return size - len(b"\n".join(kept))


def read_exit(job_id: str) -> dict[str, Any] | None:
    """How the job's process ended, or None while nobody knows."""
    try:
        found: dict[str, Any] = json.loads((job_folder(job_id) / EXIT).read_text("utf-8"))
    except FileNotFoundError:
        return None
    return found
