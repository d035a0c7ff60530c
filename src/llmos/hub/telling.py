"""Where the story of a change request is told, for rooms to the right that talk about it.

Unlike listeners of an announcement they hear in the very transaction that changes one, so
that a change request is never there without its conversation. `web/wiring.py` adds them.
"""

from collections.abc import Callable

from llmos.hub.models import ChangeRequest

# With the description that its author gave; and, later, who did what, in which words.
Opened = Callable[[ChangeRequest, str], None]
Done = Callable[[ChangeRequest, int | None, str, str], None]

_tellers: list[tuple[Opened, Done]] = []


def tell_of_changes(opened: Opened, done: Done) -> None:
    if (opened, done) not in _tellers:
        _tellers.append((opened, done))


def tell_opened(change: ChangeRequest, description: str) -> None:
    for opened, _done in _tellers:
        opened(change, description)


def tell_done(change: ChangeRequest, *, user_id: int | None, deed: str, text: str = "") -> None:
    """`deed` is renamed, open, closed or merged; `text` is the former title."""
    for _opened, done in _tellers:
        done(change, user_id, deed, text)
