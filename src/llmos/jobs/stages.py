"""The life of a job as data: which stages there are, and which may follow which."""

from enum import StrEnum


class Stage(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"  # what ran it is gone, and nobody knows how it ended


FOLLOWING: dict[Stage, frozenset[Stage]] = {
    Stage.QUEUED: frozenset({Stage.RUNNING, Stage.CANCELLED}),
    Stage.RUNNING: frozenset(
        {Stage.SUCCEEDED, Stage.FAILED, Stage.CANCELLED, Stage.LOST, Stage.QUEUED}
    ),
    Stage.SUCCEEDED: frozenset(),
    # A member may take these up again: checkpoints were kept.
    Stage.FAILED: frozenset({Stage.QUEUED}),
    Stage.CANCELLED: frozenset({Stage.QUEUED}),
    Stage.LOST: frozenset({Stage.QUEUED}),
}
ENDED = frozenset({Stage.SUCCEEDED, Stage.FAILED, Stage.CANCELLED, Stage.LOST})
RESUMABLE = frozenset(stage for stage in ENDED if Stage.QUEUED in FOLLOWING[stage])

# As hub clients spell them.
CLIENT_NAMES = {
    Stage.QUEUED: "SCHEDULING",
    Stage.RUNNING: "RUNNING",
    Stage.SUCCEEDED: "COMPLETED",
    Stage.FAILED: "ERROR",
    Stage.CANCELLED: "CANCELED",
    Stage.LOST: "ERROR",
}


def may_follow(before: str, after: str) -> bool:
    return Stage(after) in FOLLOWING[Stage(before)]
