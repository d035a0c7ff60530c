"""What a task tells the loop: its rows' lengths, the loss of some rows, how well it does."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from torch import Tensor, nn

from llmos.lab.recipes.schema import Recipe


@dataclass(frozen=True, slots=True)
class Sample:
    """What the model writes now, beside what it should."""

    source: str
    target: str
    output: str


class Task(Protocol):
    lengths: list[tuple[int, ...]]  # of the training rows, in tokens
    parameters: int  # of the model that is saved

    @property
    def model(self) -> nn.Module: ...

    def loss(self, rows: list[int]) -> tuple[Tensor, int]:
        """The summed loss over the tokens to predict, and how many they are."""

    def validation(self, part: int, parts: int) -> tuple[float, int]:
        """Summed loss of every `parts`-th unseen batch, in nats and without smoothing or
        dropout, and how many tokens that is.
        """

    def look(self, loss: float) -> tuple[dict[str, float], list[Sample]]:
        """More measures (BLEU, or perplexity from the validation loss) and some samples."""

    def save(self, folder: Path) -> None:
        """The model in the standard layout."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A task's data as numbers: what every worker starts from. `kind` finds the class."""

    kind: str
    recipe: Recipe
    content: dict[str, Any]
    skipped: dict[str, int]

    def identity(self) -> str:
        """A hash of all that decides the numbers."""
        recipe = replace(self.recipe, base="")  # a path; what lies there is in the content
        digest = hashlib.sha256(f"{self.kind} {recipe}".encode())
        for name, value in sorted(self.content.items()):
            digest.update(name.encode())
            for item in value:
                digest.update(repr(item).encode())
        return digest.hexdigest()[:16]


def parameters_of(model: nn.Module) -> int:
    return sum(weight.numel() for weight in model.parameters())


def task_of(prepared: Prepared) -> Task:
    """Build the task with its model; equal seeds give equal models. Raises Refusal."""
    if prepared.kind == "translate":
        from llmos.lab.training.translation import Translation

        return Translation(prepared)
    if prepared.kind == "language-model":
        from llmos.lab.training.language import Language

        return Language(prepared)
    from llmos.lab.training.finetuning import Finetuning

    return Finetuning(prepared)
