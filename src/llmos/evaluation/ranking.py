"""Places on a board, and which scores cost least: pure functions over numbers.

**Ties.** Two scores whose 95 % intervals overlap cannot be told apart by this benchmark, so they
share places. A score's first place is one behind all those that are surely better (their whole
interval lies above its own), its last place is one before all those that are surely worse.
Overlap is the cautious test: scores that it parts are apart, some that it joins are, too.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple


class Score(NamedTuple):
    """A value with its interval; without one the value stands for both ends."""

    value: float
    low: float | None = None
    high: float | None = None

    def ends(self, *, higher_is_better: bool) -> tuple[float, float]:
        """The worse and the better end, so that more is better."""
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return (low, high) if higher_is_better else (-high, -low)


Places = tuple[int, int]  # first and last, from 1


def places(scores: Sequence[Score], *, higher_is_better: bool = True) -> list[Places]:
    """The range of places of each score, in the order given."""
    ends = [score.ends(higher_is_better=higher_is_better) for score in scores]
    lows, highs = sorted(low for low, _ in ends), sorted(high for _, high in ends)
    count = len(ends)
    return [
        (1 + count - bisect_right(lows, high), count - bisect_left(highs, low))
        for low, high in ends
    ]


def place_among(score: Score, others: Sequence[Score], *, higher_is_better: bool = True) -> int:
    """The first place that a score would have among others that it is not one of."""
    _, best = score.ends(higher_is_better=higher_is_better)
    return 1 + sum(other.ends(higher_is_better=higher_is_better)[0] > best for other in others)


def pareto(points: Sequence[tuple[float, float]], *, higher_is_better: bool = True) -> list[int]:
    """Indexes of the (cost, value) that none beats at the same cost or less, cheapest first."""
    sign = 1 if higher_is_better else -1
    order = sorted(range(len(points)), key=lambda i: (points[i][0], -sign * points[i][1]))
    line: list[int] = []
    for index in order:
        if not line or sign * points[index][1] > sign * points[line[-1]][1]:
            line.append(index)
    return line
