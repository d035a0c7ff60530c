"""Safetensors headers: how many parameters of which type, without reading the weights.

A file begins with the header's length (8 bytes, little-endian) and the header, JSON.
Spec: https://huggingface.co/docs/safetensors
"""

import math
from collections import Counter
from collections.abc import Iterable
from typing import IO, Any

import orjson

# The format's own limit; real headers of 100,000 tensors take about 10 MB.
LONGEST_HEADER = 100_000_000

Header = dict[str, Any]


class NotSafetensors(ValueError):
    """The bytes are no safetensors header; the message says what is wrong."""


def read_header(file: IO[bytes]) -> Header:
    """Tensors by name, `__metadata__` among them, as the header says. Raises NotSafetensors."""
    length = int.from_bytes(_exactly(file, 8), "little")
    if not 2 <= length <= LONGEST_HEADER:
        raise NotSafetensors(f"the header claims {length} bytes")
    try:
        header = orjson.loads(_exactly(file, length))
    except orjson.JSONDecodeError as error:
        raise NotSafetensors(f"the header is not JSON: {error}") from error
    if not isinstance(header, dict):
        raise NotSafetensors("the header is not a JSON object")
    return header


def count_parameters(headers: Iterable[Header]) -> dict[str, Any]:
    """`{"parameters": {dtype: n}, "total": n}` over all shards of one model."""
    counts: Counter[str] = Counter()
    for header in headers:
        for name, tensor in header.items():
            shape = tensor.get("shape") if name != "__metadata__" and _is_tensor(tensor) else None
            if shape is not None:
                counts[tensor["dtype"]] += math.prod(shape)
    # A claim of more than 2^63 parameters is nonsense, and no database takes it.
    counts = Counter({dtype: n for dtype, n in counts.items() if n < 2**62})
    return {"parameters": dict(counts), "total": sum(counts.values())}


def shards_of(index: bytes) -> list[str]:
    """File names that a `model.safetensors.index.json` lists. Raises NotSafetensors."""
    try:
        weights = orjson.loads(index)["weight_map"]
        return sorted({str(name) for name in weights.values()})
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise NotSafetensors(f"the index has no weight_map: {error}") from error


def _is_tensor(tensor: Any) -> bool:
    if not isinstance(tensor, dict) or not isinstance(tensor.get("dtype"), str):
        return False
    shape = tensor.get("shape")
    return (
        isinstance(shape, list)
        and len(shape) <= 64
        and all(type(size) is int and 0 <= size < 2**48 for size in shape)
    )


def _exactly(file: IO[bytes], length: int) -> bytes:
    parts = file.read(length)
    if len(parts) != length:
        raise NotSafetensors(f"the file ends after {len(parts)} of {length} bytes")
    return parts
