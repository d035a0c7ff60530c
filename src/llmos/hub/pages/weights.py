"""The tensors of a weights file, from its header alone."""

from dataclasses import dataclass
from math import prod
from typing import Any

from llmos.hub.facts.safetensors import NotSafetensors, count_parameters, read_header
from llmos.hub.git.tree import Entry
from llmos.hub.snapshots import open_entry


@dataclass(frozen=True, slots=True)
class Tensor:
    name: str
    dtype: str
    shape: list[int]
    parameters: int


@dataclass(frozen=True, slots=True)
class WeightsTable:
    tensors: list[Tensor]
    total: int
    by_dtype: dict[str, int]
    metadata: dict[str, str]


def weights_table(repository_id: int, entry: Entry) -> WeightsTable | None:
    """The header as a table; None when there is none to read."""
    try:
        with open_entry(repository_id, entry) as file:
            header = read_header(file)
    except (NotSafetensors, OSError):
        return None
    counts = count_parameters([header])
    metadata: Any = header.get("__metadata__") or {}
    return WeightsTable(
        tensors=[_tensor(n, facts) for n, facts in header.items() if n != "__metadata__"],
        total=counts["total"],
        by_dtype=counts["parameters"],
        metadata={str(key): str(value) for key, value in metadata.items()},
    )


def _tensor(name: str, facts: Any) -> Tensor:
    return Tensor(name, facts["dtype"], facts["shape"], prod(facts["shape"]))
