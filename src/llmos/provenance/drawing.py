"""Where the boxes and lines of a lineage graph stand: geometry and words, drawn by a template.

Time runs from left to right; the repository that was asked for stands at column 0.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Literal
from unicodedata import east_asian_width

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from llmos.provenance.graph import Lineage, Node, Step
from llmos.provenance.words import deed, lasted, private_thing

MOST_BOXES = 80
_WIDTH = {"commit": 184, "step": 148}
_HEIGHT, _ROW, _GAP, _MARGIN = 46, 60, 44, 8
_LETTERS = {"commit": 23, "step": 18}  # that fit into a box; a Chinese character counts twice


@dataclass(frozen=True, slots=True)
class Box:
    kind: Literal["commit", "step"]
    x: int
    y: int
    width: int
    height: int
    title: str
    line: str
    full: str  # what the box would say with more room
    url: str
    is_focus: bool
    is_stale: bool
    is_private: bool
    is_cut: bool


@dataclass(frozen=True, slots=True)
class Drawing:
    width: int
    height: int
    boxes: list[Box]
    lines: list[tuple[str, bool]]  # path, whether it comes from an outdated source


@dataclass(slots=True)
class _Item:
    """A box before it has a place."""

    kind: Literal["commit", "step"]
    column: int
    title: str
    line: str
    url: str
    is_focus: bool = False
    is_stale: bool = False
    is_private: bool = False


@dataclass(slots=True)
class _Sketch:
    items: dict[str, _Item] = field(default_factory=dict)
    lines: dict[tuple[str, str], bool] = field(default_factory=dict)


def drawn(before: Lineage, after: Lineage) -> Drawing:
    """One picture of both directions."""
    sketch = _Sketch()
    focus = before.nodes[before.focus]
    sketch.items[_box_of(focus)] = _commit(focus, 0, is_focus=True)
    _take(sketch, before, backwards=True)
    _take(sketch, after, backwards=False)
    return _placed(sketch)


def _take(sketch: _Sketch, graph: Lineage, *, backwards: bool) -> None:
    """Add a walk, level by level as it was made; its steps come in that order."""
    stale = graph.stale()
    uses: dict[str, list[Any]] = defaultdict(list)
    makes: dict[str, list[str]] = defaultdict(list)
    for use in graph.uses:
        uses[use.step].append(use)
    for step, node in graph.makes:
        makes[step].append(node)
    private: Counter[str] = Counter()
    for step, activity in graph.steps.items():
        near = makes[step] if backwards else [use.node for use in uses[step]]
        columns = [
            sketch.items[box].column
            for key in near
            if (box := _box_of(graph.nodes[key])) in sketch.items
        ]
        if not columns or len(sketch.items) >= MOST_BOXES:
            continue
        column = min(columns) - 1 if backwards else max(columns) + 1
        key = step
        if activity is None:
            # All private work on one source is one box with its number.
            key = f"private-of-{near[0]}"
            private[key] += 1
        sketch.items[key] = _step(activity, step, column, private[key], is_stale=step in stale)
        for use in uses[step]:
            box = _box_of(graph.nodes[use.node])
            sketch.items.setdefault(box, _commit(graph.nodes[use.node], column - 1))
            sketch.lines[box, key] = use.is_outdated or sketch.lines.get((box, key), False)
        for made in makes[step] if activity is not None else ():
            box = _box_of(graph.nodes[made])
            item = sketch.items.setdefault(box, _commit(graph.nodes[made], column + 1))
            item.is_stale = item.is_stale or step in stale
            sketch.lines[key, box] = False


def _placed(sketch: _Sketch) -> Drawing:
    columns: dict[int, list[str]] = defaultdict(list)
    for key, item in sketch.items.items():
        columns[item.column].append(key)
    tallest = max(len(keys) for keys in columns.values())
    boxes: dict[str, Box] = {}
    x = _MARGIN
    for column in sorted(columns):
        kinds = {sketch.items[key].kind for key in columns[column]}
        y = _MARGIN + (tallest - len(columns[column])) * _ROW // 2
        for key in columns[column]:
            boxes[key] = _box(sketch.items[key], x, y)
            y += _ROW
        x += max(_WIDTH[kind] for kind in kinds) + _GAP
    lines = [
        (_curve(boxes[start], boxes[end]), outdated)
        for (start, end), outdated in sketch.lines.items()
    ]
    height = tallest * _ROW - (_ROW - _HEIGHT) + 2 * _MARGIN
    return Drawing(x - _GAP + _MARGIN, height, list(boxes.values()), lines)


def _curve(start: Box, end: Box) -> str:
    x1, y1 = start.x + start.width, start.y + start.height // 2
    x2, y2 = end.x, end.y + end.height // 2
    bend = max(20, abs(x2 - x1) // 2)
    return f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"


def _box(item: _Item, x: int, y: int) -> Box:
    title, line = _cut(item.title, _LETTERS[item.kind]), _cut(item.line, _LETTERS[item.kind] + 4)
    return Box(
        kind=item.kind,
        x=x,
        y=y,
        width=_WIDTH[item.kind],
        height=_HEIGHT,
        title=title,
        line=line,
        full=f"{item.title}, {item.line}" if item.line else item.title,
        url=item.url,
        is_focus=item.is_focus,
        is_stale=item.is_stale,
        is_private=item.is_private,
        is_cut=(title, line) != (item.title, item.line),
    )


def _box_of(node: Node) -> str:
    """Commits of one repository share a box."""
    return f"{node.kind}:{node.name}" if node.name else node.key


def _commit(node: Node, column: int, *, is_focus: bool = False) -> _Item:
    if not node.name:
        return _Item("commit", column, private_thing(node.kind), "", "", is_private=True)
    owner, _slash, name = node.name.partition("/")
    line = f"{owner} @ {node.commit[:8]}"
    if node.is_gone:
        line = _("%(owner)s, deleted") % {"owner": owner}
    url = "" if is_focus else f"{node.url}/lineage" if node.url else ""
    return _Item("commit", column, name, line, url, is_focus=is_focus)


def _step(activity: Step | None, key: str, column: int, count: int, *, is_stale: bool) -> _Item:
    if activity is None:
        title = ngettext("private work once", "private work %(n)d times", count) % {"n": count}
        return _Item("step", column, title, "", "", is_private=True)
    return _Item(
        "step",
        column,
        deed(activity.activity),
        lasted(activity),
        activity.url,
        is_stale=is_stale,
    )


def _cut(text: str, letters: int) -> str:
    room = letters
    for place, letter in enumerate(text):
        room -= 2 if east_asian_width(letter) in "WF" else 1
        if room < 0:
            return text[: place - 1] + "…"
    return text
