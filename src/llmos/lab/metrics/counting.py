"""From counts of each row to a score with its interval.

A metric says what it counts in a row and how a score follows from the sum of counts. So the
score of all rows and that of every resample are the same quantity: corpus BLEU of a resample is
computed from its n-gram counts, not as a mean over sentences.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
SEED = 20260101  # the same for all, so that two models are compared on the same resamples
_CHUNK = 4_000_000  # drawn places at a time: 32 MB

Counts = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Score:
    """A metric over all rows, its 95 % interval, and each row's own."""

    name: str
    value: float
    low: float
    high: float
    signature: str
    higher_is_better: bool
    rows: tuple[float, ...] = field(repr=False)

    def as_dict(self) -> dict[str, Any]:
        """What travels in a result; rows stay with the samples."""
        names = ("name", "value", "low", "high", "signature", "higher_is_better")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True, slots=True)
class Counted:
    """`counts` is (rows, what is counted); `total` makes a score of their sum."""

    name: str
    signature: str
    counts: Counts
    total: Callable[[Counts], float]
    rows: Sequence[float]
    higher_is_better: bool = True


def scored(counted: Counted) -> Score:
    """The score of all rows with the interval of seeded resamples (percentiles 2.5 and 97.5)."""
    low, high = interval(counted.counts, counted.total)
    return Score(
        name=counted.name,
        value=float(counted.total(counted.counts.sum(axis=0))),
        low=low,
        high=high,
        signature=counted.signature,
        higher_is_better=counted.higher_is_better,
        rows=tuple(float(row) for row in counted.rows),
    )


def interval(counts: Counts, total: Callable[[Counts], float]) -> tuple[float, float]:
    found = sorted(total(sums) for sums in resampled_sums(counts))
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def resampled_sums(counts: Counts) -> list[Counts]:
    """Sums of counts over each resample of the rows, drawn with replacement."""
    rows = len(counts)
    chance = np.random.default_rng(SEED)
    at_once = max(1, min(RESAMPLES, _CHUNK // rows))
    sums: list[Counts] = []
    while len(sums) < RESAMPLES:
        some = min(at_once, RESAMPLES - len(sums))
        drawn = chance.integers(0, rows, size=(some, rows))
        often = np.stack([np.bincount(one, minlength=rows) for one in drawn])
        sums.extend(often @ counts)
    return sums


def mean_of(name: str, signature: str, values: Sequence[float]) -> Counted:
    """A metric that is the mean of what each row scores, from 0 to 1; told from 0 to 100."""
    number = len(values)
    return Counted(
        name=name,
        signature=signature,
        counts=np.array(values, dtype=np.float64)[:, None],
        total=lambda sums: 100.0 * (float(sums[0]) / number),
        rows=[100.0 * value for value in values],
    )
