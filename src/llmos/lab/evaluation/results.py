"""What came of an evaluation: scores, every single output, and a root that binds the two."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from llmos.lab.metrics import Score
from llmos.wire.receipts import SAMPLES, canonical, merkle_root


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`notes` counts what a reader of the scores should know; `samples` are in the data's order."""

    task: str
    scores: Sequence[Score]  # the primary first
    samples: Sequence[Mapping[str, Any]] = field(repr=False)
    notes: Mapping[str, int]
    decoding: Mapping[str, Any]
    engine: str

    @property
    def primary(self) -> Score:
        return self.scores[0]

    def lines(self) -> list[bytes]:
        """One line of canonical JSON for each sample; these are the leaves of the root."""
        return [canonical(sample) for sample in self.samples]

    def result(
        self,
        *,
        benchmark: Mapping[str, Any] | None,
        model: Mapping[str, Any],
        data: Mapping[str, Any],
    ) -> dict[str, Any]:
        """What a job reports and a receipt signs (docs/reference/benchmarks.md)."""
        lines = self.lines()
        return {
            "benchmark": benchmark,
            "model": model,
            "data": data,
            "task": self.task,
            "metrics": [score.as_dict() for score in self.scores],
            "primary": self.primary.name,
            "decoding": dict(self.decoding),
            "engine": self.engine,
            "notes": dict(self.notes),
            "samples": {"count": len(lines), "merkle_root": merkle_root(lines), "file": SAMPLES},
        }
