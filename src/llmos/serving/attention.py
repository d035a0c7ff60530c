"""Where a translation looked: tokens as one reads them, and how strongly each pair was tied.

Tokens are spelled as tokenisers spell them: bytes in letters' clothing, marks for spaces, a
character cut in two. Here they become text again; pieces of one character are put together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

MOST_TOKENS = 48  # of each side; a larger picture is no picture
_ENDS = frozenset({"</s>", "<s>", "<pad>", "<unk>", "<|endoftext|>"})
_LONGEST_CHARACTER = 4  # bytes, in UTF-8


@dataclass(frozen=True, slots=True)
class Token:
    text: str
    is_mark: bool = False  # the end of the sentence and the like, no text of it


@dataclass(frozen=True, slots=True)
class Row:
    """A written token: its weight for each source token, and the three strongest by name."""

    token: Token
    weights: tuple[float, ...]
    strongest: tuple[tuple[Token, float], ...]


@dataclass(frozen=True, slots=True)
class Attention:
    source: tuple[Token, ...]
    rows: tuple[Row, ...]
    cut: bool  # whether the picture leaves out the end of a long text


def attention_of(
    source: Sequence[str], target: Sequence[str], weights: Sequence[Sequence[float]]
) -> Attention | None:
    """None when the model told no attention, or not for these tokens."""
    if not weights or len(weights) != len(target) or len(weights[0]) != len(source):
        return None
    read, written = _grouped(source), _grouped(target)
    tokens = tuple(token for token, _ in read[:MOST_TOKENS])
    rows = []
    for token, places in written[:MOST_TOKENS]:
        merged = tuple(
            sum(weights[at][column] for at in places for column in columns) / len(places)
            for _, columns in read[:MOST_TOKENS]
        )
        order = sorted(range(len(merged)), key=lambda at: -merged[at])[:3]
        strongest = tuple((tokens[at], merged[at]) for at in order if merged[at] >= 0.05)
        rows.append(Row(token, merged, strongest))
    return Attention(tokens, tuple(rows), max(len(read), len(written)) > MOST_TOKENS)


def _grouped(tokens: Sequence[str]) -> list[tuple[Token, list[int]]]:
    """Tokens as text with their places; those that are one character only together as one."""
    found: list[tuple[Token, list[int]]] = []
    waiting, places = b"", list[int]()
    plain = any("▁" in token for token in tokens)
    for place, token in enumerate(tokens):
        if token in _ENDS:
            found += _rest(waiting, places)
            waiting, places = b"", []
            found.append((Token(token, is_mark=True), [place]))
            continue
        waiting, places = waiting + _bytes_of(token, plain=plain), [*places, place]
        try:
            text = waiting.decode()
        except UnicodeDecodeError:
            if len(waiting) < _LONGEST_CHARACTER:
                continue
            text = waiting.decode(errors="replace")  # a model may write bytes that are no text
        found.append((Token(_visible(text)), places))
        waiting, places = b"", []
    return found + _rest(waiting, places)


def _rest(waiting: bytes, places: list[int]) -> list[tuple[Token, list[int]]]:
    return [(Token(_visible(waiting.decode(errors="replace"))), places)] if places else []


def _bytes_of(token: str, *, plain: bool) -> bytes:
    if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
        return bytes([int(token[3:5], 16)])
    letters = _byte_letters()
    if not plain and all(letter in letters for letter in token):
        return bytes(letters[letter] for letter in token)
    return token.replace("▁", " ").encode()


def _visible(text: str) -> str:
    return text.strip() or "␣"


@cache
def _byte_letters() -> dict[str, int]:
    """The letters in which byte-level tokenisers write bytes (GPT-2's table)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    table = {chr(byte): byte for byte in plain}
    return table | {chr(256 + at): byte for at, byte in enumerate(rest)}
