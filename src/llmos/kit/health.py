"""What a check says when something is not as it should be."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault. `repair` mends it without losing anything, or is None when only people can."""

    subject: str
    fault: str
    repair: Callable[[], object] | None = None
