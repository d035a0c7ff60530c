"""Texts that end before a stop word, told whole or in pieces."""

from collections.abc import Iterator, Sequence


def up_to(text: str, stops: Sequence[str]) -> str:
    """The text before the first stop word in it."""
    found = [place for place in (text.find(stop) for stop in stops) if place >= 0]
    return text[: min(found)] if found else text


def pieces_up_to(pieces: Iterator[str], stops: Sequence[str]) -> Iterator[str]:
    """The same in pieces: what may be the beginning of a stop word is held back."""
    longest = max((len(stop) for stop in stops), default=0)
    held = ""
    for piece in pieces:
        held += piece
        kept = up_to(held, stops)
        if len(kept) < len(held):
            yield kept
            return
        sure = len(held) - max(0, longest - 1)
        if sure > 0:
            yield held[:sure]
            held = held[sure:]
    yield held
