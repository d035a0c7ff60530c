"""A conversation's tree as one reads it: one path from the first turn to the last.

Pure: turns in, steps out. Where the talk forked, a step knows its siblings.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from llmos.serving.models import Turn


@dataclass(frozen=True, slots=True)
class Step:
    """A turn on the path; `place` of `ways` siblings, and where its neighbours lead."""

    turn: Turn
    place: int
    ways: int
    before: int | None  # the turn to show for the sibling before
    after: int | None


def path_through(turns: Iterable[Turn], number: int | None = None) -> list[Step]:
    """The path through turn `number` down to the newest end below it; by default the newest."""
    ordered = sorted(turns, key=lambda turn: turn.pk)
    known = {turn.pk: turn for turn in ordered}
    children: dict[int | None, list[Turn]] = defaultdict(list)
    for turn in ordered:
        children[turn.parent_id].append(turn)
    chosen = known.get(number) if number is not None else None
    leaf = _newest_below(chosen, children) if chosen else (ordered[-1] if ordered else None)
    path: list[Turn] = []
    while leaf is not None:
        path.append(leaf)
        leaf = known.get(leaf.parent_id) if leaf.parent_id is not None else None
    return [_step(turn, children[turn.parent_id]) for turn in reversed(path)]


def _newest_below(turn: Turn, children: dict[int | None, list[Turn]]) -> Turn:
    newest, frontier = turn, [turn]
    while frontier:
        frontier = [child for one in frontier for child in children.get(one.pk, ())]
        newest = max([newest, *frontier], key=lambda one: one.pk)
    return newest


def _step(turn: Turn, siblings: Sequence[Turn]) -> Step:
    at = next(place for place, one in enumerate(siblings) if one.pk == turn.pk)
    return Step(
        turn=turn,
        place=at + 1,
        ways=len(siblings),
        before=siblings[at - 1].pk if at else None,
        after=siblings[at + 1].pk if at + 1 < len(siblings) else None,
    )
