"""What follows from log-probabilities: which choice is likeliest, how surprising a text is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from llmos.lab.metrics.counting import Counted, mean_of

Unit = Literal["byte", "word", "token"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Log-probabilities of all choices of a row, their lengths in letters, and the right one."""

    logprobs: tuple[float, ...]
    letters: tuple[int, ...]
    right: int

    def likeliest(self, *, per_letter: bool = False) -> int:
        """Of equals the first, as everywhere."""
        values = [
            logprob / max(1, length) if per_letter else logprob
            for logprob, length in zip(self.logprobs, self.letters, strict=True)
        ]
        return max(range(len(values)), key=values.__getitem__)


@dataclass(frozen=True, slots=True)
class Surprise:
    """The log-probability of a text (natural), and its length in each unit."""

    logprob: float
    byte: int
    word: int
    token: int


def accuracy(rows: Sequence[Chosen]) -> Counted:
    values = [float(row.likeliest() == row.right) for row in rows]
    return mean_of("accuracy", "accuracy|by:logprob", values)


def accuracy_norm(rows: Sequence[Chosen]) -> Counted:
    values = [float(row.likeliest(per_letter=True) == row.right) for row in rows]
    return mean_of("accuracy_norm", "accuracy_norm|by:logprob/letter", values)


def perplexity(rows: Sequence[Surprise], *, unit: Unit) -> Counted:
    """The exponential of the mean negative log-probability over all units of all rows."""
    counts = np.array([[-row.logprob, getattr(row, unit)] for row in rows], dtype=np.float64)

    def total(sums: np.ndarray) -> float:
        # e^700 is the largest that a float holds; a model that bad has said enough.
        return math.exp(min(700.0, float(sums[0]) / max(1.0, float(sums[1]))))

    return Counted(
        name="perplexity",
        signature=f"perplexity|unit:{unit}",
        counts=counts,
        total=total,
        rows=[total(row) for row in counts],
        higher_is_better=False,
    )
