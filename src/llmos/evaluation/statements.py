"""What a receipt says about an evaluation: who was asked what, on what, and what came out.

A pure function of the finished job and its board. docs/reference/receipts.md lists the fields.
"""

from typing import Any

from llmos.evaluation.models import Board
from llmos.jobs.models import Job
from llmos.kit.time import iso
from llmos.lab.software import lock_hash
from llmos.wire.receipts import SAMPLES, statement


def statement_of(job: Job, board: Board | None, *, samples_sha256: str) -> dict[str, Any]:
    """The in-toto statement, about the model at its commit and the samples."""
    assert job.result is not None
    said, made = job.result, job.made or {}
    model, benchmark = said["model"], said.get("benchmark")
    subjects = [
        {"name": model["repo"], "digest": {"gitCommit": model["commit"]}},
        {"name": SAMPLES, "digest": {"sha256": samples_sha256}},
    ]
    software = made.get("software", {})
    predicate = {
        "benchmark": {**benchmark, "board": board.digest} if benchmark and board else None,
        "model": model,
        "data": said["data"],
        "settings": made.get("recipe") or job.spec["recipe"],
        "metrics": said["metrics"],
        "primary": said["primary"],
        "engine": said.get("engine", ""),
        "decoding": said.get("decoding", {}),
        "notes": said.get("notes", {}),
        "samples": said["samples"],
        "software": software,
        "software_lock": lock_hash(software),
        "hardware": made.get("hardware", {}),
        "seed": job.spec["seed"],
        "cost": job.cost or {},
        "job": job.pk,
        "run_by": job.user.username,
        "started_at": iso(job.started_at) if job.started_at else None,
        "ended_at": iso(job.ended_at) if job.ended_at else None,
    }
    return statement(subjects, predicate)
