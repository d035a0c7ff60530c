"""Score against cost as a drawing: numbers in, places on a sheet out. Templates draw them.

Cost runs logarithmically to the right. Every point is also a row of the table beside the plot.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from llmos.evaluation.ranking import pareto

WIDTH, HEIGHT = 960, 340
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 14, 44
MOST_NAMES = 8
MOST_WHISKERS = 100
NAME_WIDTH, NAME_HEIGHT = 6.6, 15  # of a letter, of a line


class Point(NamedTuple):  # a board makes thousands of them
    cost: float
    value: float
    name: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of the Pareto line, with its name beside it where there is room."""

    x: float
    y: float
    point: Point
    label: str = ""
    label_x: float = 0
    label_y: float = 0
    anchor: str = "end"

    @property
    def name(self) -> str:
        return self.point.name


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """The many points are two paths, since a thousand elements take longer than the board."""

    cloud: str  # every point, as strokes without length
    whiskers: str  # their intervals
    line: str  # the Pareto line
    best: list[Dot]  # its points, cheapest first
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    count: int
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def plot_of(points: Sequence[Point], *, higher_is_better: bool = True) -> Plot | None:
    """None where there are not two points to compare."""
    points = [point for point in points if point.cost > 0]
    if len(points) < 2:
        return None
    across = _Log(min(p.cost for p in points), max(p.cost for p in points))
    up = _Linear(
        min(p.value if p.low is None else p.low for p in points),
        max(p.value if p.high is None else p.high for p in points),
    )
    line = pareto([(p.cost, p.value) for p in points], higher_is_better=higher_is_better)
    where = [(across.place(p.cost), up.place(p.value)) for p in points]
    best = [Dot(*where[i], points[i]) for i in line]
    # Points that fall on one another are drawn once.
    cloud = dict.fromkeys((round(x), round(y)) for x, y in where)
    whiskers = [
        (x, up.place(p.high), up.place(p.low))
        for (x, _), p in zip(where, points, strict=True)
        # More would be one grey area.
        if p.low is not None and p.high is not None and len(points) <= MOST_WHISKERS
    ]
    return Plot(
        cloud="".join(f"M{x} {y}h0" for x, y in cloud),
        whiskers="".join(f"M{x} {top}V{bottom}" for x, top, bottom in whiskers),
        line=_steps(best),
        best=_named(best, higher_is_better=higher_is_better),
        x_ticks=across.ticks(),
        y_ticks=up.ticks(),
        count=len(points),
    )


class _Log:
    def __init__(self, least: float, most: float) -> None:
        self.low, self.high = math.log10(least) - 0.08, math.log10(most) + 0.08

    def place(self, value: float) -> float:
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def ticks(self) -> list[Tick]:
        """1, 2, 5, 10, … where few decades are shown, powers of ten where many are."""
        steps = (1, 2, 5) if self.high - self.low < 3 else (1,)
        found = [
            step * 10.0**power
            for power in range(math.floor(self.low), math.ceil(self.high) + 1)
            for step in steps
        ]
        return [
            Tick(self.place(value), f"{value:,.10g}")
            for value in found
            if self.low <= math.log10(value) <= self.high
        ]


class _Linear:
    def __init__(self, least: float, most: float) -> None:
        margin = (most - least or abs(most) or 1.0) * 0.06
        self.low, self.high = least - margin, most + margin

    def place(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    def ticks(self) -> list[Tick]:
        rough = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough)
        first = math.ceil(self.low / step)
        last = math.floor(self.high / step)
        return [
            Tick(self.place(count * step), f"{count * step:,.6g}")
            for count in range(first, last + 1)
        ]


def _steps(dots: Sequence[Dot]) -> str:
    """Between two costs nothing better is known than the cheaper one: a staircase."""
    parts = [f"M{dots[0].x} {dots[0].y}"]
    parts += [f"H{dot.x}V{dot.y}" for dot in dots[1:]]
    return "".join([*parts, f"H{WIDTH - RIGHT}"])


def _named(best: Sequence[Dot], *, higher_is_better: bool) -> list[Dot]:
    """Names on the side of better and cheaper, where no point can lie, as long as there is room."""
    named: list[Dot] = []
    taken: list[tuple[float, ...]] = []
    for dot in reversed(best):
        label = dot.name.rpartition("/")[2]
        width = len(label) * NAME_WIDTH
        anchor = "end" if dot.x - 7 - width > LEFT else "start"
        x = dot.x - 7 if anchor == "end" else dot.x + 9
        y = dot.y - 7 if higher_is_better else dot.y + NAME_HEIGHT
        left = x - width if anchor == "end" else x
        box = (left, left + width, y - NAME_HEIGHT, y)
        if len(taken) < MOST_NAMES and not any(_overlap(box, other) for other in taken):
            taken.append(box)
            named.append(replace(dot, label=label, label_x=x, label_y=y, anchor=anchor))
        else:
            named.append(dot)
    return named[::-1]


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[1] and b[0] < a[1] and a[2] < b[3] and b[2] < a[3]
