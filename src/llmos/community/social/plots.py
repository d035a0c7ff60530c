"""Contributions by month as bars: numbers in, places on a sheet out. Templates draw them."""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, GAP = 240, 48, 4
SMALLEST = 3  # of a bar that is not empty


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Plot:
    bars: list[Bar]
    width: int = WIDTH
    height: int = HEIGHT


def bars_of(counts: Sequence[int]) -> Plot:
    """One bar for each count, the highest as high as the sheet."""
    step = WIDTH / max(1, len(counts))
    most = max(counts, default=0) or 1
    heights = [max(SMALLEST, count / most * HEIGHT) if count else 0.0 for count in counts]
    return Plot(
        [
            Bar(
                round(place * step, 1),
                round(HEIGHT - high, 1),
                round(step - GAP, 1),
                round(high, 1),
            )
            for place, high in enumerate(heights)
        ]
    )
