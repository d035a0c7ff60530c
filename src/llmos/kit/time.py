"""Moments as the wire spells them."""

from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


def iso(moment: datetime) -> str:
    """ISO-8601 with milliseconds and `Z`: `2026-11-23T09:30:00.000Z`, as hub clients parse it."""
    there = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    return there.isoformat(timespec="milliseconds")[:-6] + "Z"
