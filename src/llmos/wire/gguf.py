"""GGUF headers: architecture, context length, chat template and parameters of one file.

Only the front of the file is read, through a bounded window: the format's own package maps
the whole file and brings numpy, and trusts the lengths that a stranger wrote.
Spec: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import math
import struct
from dataclasses import dataclass
from typing import IO, Any

# Vocabularies of 250,000 pieces with merges take about 20 MB of header.
LONGEST_HEADER = 64 * 2**20
MOST_KEYS = 10_000
MOST_TENSORS = 100_000
LONGEST_KEPT_TEXT = 100_000  # characters; chat templates are the longest that clients read

_NUMBERS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
_TEXT, _ARRAY = 8, 9

# Bits a number takes in the commonest packings: F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, BF16.
_BITS = {0: 32, 1: 16, 2: 4, 3: 5, 6: 5, 7: 6, 8: 8, 30: 16}


class NotGguf(ValueError):
    """The bytes are no GGUF header within bounds; the message says what is wrong."""


def read_facts(file: IO[bytes]) -> dict[str, Any]:
    """What clients read of a GGUF file: `total`, `architecture`, and the fields it states.

    Raises NotGguf.
    """
    fields, tensors = _header(file)
    return _facts(fields, min(sum(tensor.count for tensor in tensors), 2**62))


def _header(file: IO[bytes]) -> tuple[dict[str, Any], list["_Tensor"]]:
    reader = _Reader(file)
    if reader.take(4) != b"GGUF":
        raise NotGguf("the file does not begin with GGUF")
    version = reader.number("I")
    if version not in {2, 3}:
        raise NotGguf(f"version {version} is not known here")
    count, keys = reader.number("Q"), reader.number("Q")
    if count > MOST_TENSORS or keys > MOST_KEYS:
        raise NotGguf(f"the header claims {count} tensors and {keys} keys")
    fields = {reader.text(): reader.value(reader.number("I")) for _ in range(keys)}
    return fields, [_tensor(reader) for _ in range(count)]


def check(file: IO[bytes], size: int) -> dict[str, Any]:
    """The same facts, of a file of `size` bytes whose every tensor lies inside it.

    To be called before an engine maps the file: it trusts what the header claims. Adds
    `bytes_per_token`, what a conversation takes in memory. Raises NotGguf.
    """
    fields, tensors = _header(file)
    alignment = fields.get("general.alignment", 32)
    if not isinstance(alignment, int) or not 0 < alignment <= 2**16:
        raise NotGguf("the alignment is no small number")
    start = -(-file.tell() // alignment) * alignment
    for tensor in tensors:
        if start + tensor.offset + tensor.least_bytes > size:
            raise NotGguf(f"the tensor {tensor.name[:80]!r} lies outside the file")
    facts = _facts(fields, min(sum(tensor.count for tensor in tensors), 2**62))
    return {**facts, "bytes_per_token": _bytes_per_token(fields)}


@dataclass(frozen=True, slots=True)
class _Tensor:
    name: str
    count: int
    packing: int
    offset: int

    @property
    def least_bytes(self) -> int:
        """What it takes at least: exact for plain numbers, else one bit for each."""
        return self.count * _BITS.get(self.packing, 1) // 8


def _facts(fields: dict[str, Any], total: int) -> dict[str, Any]:
    architecture = fields.get("general.architecture")
    facts = {
        "total": total,
        "architecture": architecture,
        "context_length": fields.get(f"{architecture}.context_length"),
        "chat_template": fields.get("tokenizer.chat_template"),
        "bos_token": _token(fields, "bos"),
        "eos_token": _token(fields, "eos"),
        "quantize_imatrix_file": fields.get("quantize.imatrix.file"),
    }
    return {name: value for name, value in facts.items() if value is not None}


def _bytes_per_token(fields: dict[str, Any]) -> int:
    """A key and a value, in 16-bit numbers, for each layer and head; 0 when it is not told."""

    def told(name: str) -> int:
        value = fields.get(f"{fields.get('general.architecture')}.{name}")
        return value if isinstance(value, int) and value > 0 else 0

    heads = told("attention.head_count")
    width = told("embedding_length") // heads if heads else 0
    keys = told("attention.key_length") or width
    values = told("attention.value_length") or width
    return told("block_count") * (told("attention.head_count_kv") or heads) * (keys + values) * 2


def _token(fields: dict[str, Any], name: str) -> str | None:
    tokens = fields.get("tokenizer.ggml.tokens")
    number = fields.get(f"tokenizer.ggml.{name}_token_id")
    if isinstance(tokens, list) and isinstance(number, int) and 0 <= number < len(tokens):
        return str(tokens[number])
    return None


def _tensor(reader: "_Reader") -> _Tensor:
    name = reader.text()
    dimensions = reader.number("I")
    if dimensions > 8:
        raise NotGguf(f"a tensor claims {dimensions} dimensions")
    count: int = math.prod(reader.number("Q") for _ in range(dimensions))
    return _Tensor(name, count, packing=reader.number("I"), offset=reader.number("Q"))


class _Reader:
    """Reads forwards, never past the bound."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._left = LONGEST_HEADER

    def take(self, length: int) -> bytes:
        if length > self._left:
            raise NotGguf(f"the header is over {LONGEST_HEADER} bytes")
        self._left -= length
        taken = self._file.read(length)
        if len(taken) != length:
            raise NotGguf("the file ends within its header")
        return taken

    def number(self, code: str) -> Any:
        return struct.unpack("<" + code, self.take(struct.calcsize("<" + code)))[0]

    def text(self) -> str:
        raw = self.take(self.number("Q"))
        return raw[: 4 * LONGEST_KEPT_TEXT].decode("utf-8", "replace")[:LONGEST_KEPT_TEXT]

    def value(self, kind: int) -> Any:
        if kind == _TEXT:
            return self.text().replace("\0", "")
        if kind == _ARRAY:
            return self._array()
        if kind in _NUMBERS:
            return self.number(_NUMBERS[kind])
        raise NotGguf(f"a field has the unknown type {kind}")

    def _array(self) -> list[str] | None:
        """Texts are kept, since token numbers point into them; numbers are skipped."""
        kind, count = self.number("I"), self.number("Q")
        if kind in _NUMBERS:
            self.take(count * struct.calcsize("<" + _NUMBERS[kind]))
            return None
        if kind == _TEXT and count <= self._left // 8:
            return [self.text() for _ in range(count)]
        raise NotGguf("an array of arrays, or longer than the header can be")
