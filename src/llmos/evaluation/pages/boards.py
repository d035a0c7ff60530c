"""Benchmarks and their boards, in the browser."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.evaluation.access import board_for
from llmos.evaluation.models import Board
from llmos.evaluation.plots import Plot, Point, plot_of
from llmos.evaluation.queries import (
    BOARDS_A_PAGE,
    Row,
    boards,
    boards_of_task,
    rows_of,
    table,
    tasks_measured,
    versions_of,
)
from llmos.evaluation.wishes import SIZES, STATES, Wish, wish_from
from llmos.evaluation.words import SPOKEN
from llmos.hub.additions import Named, beside
from llmos.hub.door import viewer_of_page
from llmos.hub.errors import RepoMoved, RepoNotFound, RepoNotFoundForAnonymous
from llmos.kit.errors import NotFound
from llmos.lab.benchmarks import Benchmark

LONGEST_TEXT = 200


def benchmarks(request: HttpRequest) -> HttpResponse:
    """All current boards, by task and text."""
    viewer = viewer_of_page(request)
    task = request.GET.get("task", "")[:30]
    text = request.GET.get("q", "").strip()[:LONGEST_TEXT]
    page = request.GET.get("page", "")
    number = max(1, int(page)) if page.isdecimal() and len(page) < 5 else 1
    found, count = boards(viewer, task=task, text=text, start=(number - 1) * BOARDS_A_PAGE)
    context = {
        "rows": found,
        "count": count,
        "task": task,
        "text": text,
        "tasks": tasks_measured(viewer),
        "page": number,
        "more": number * BOARDS_A_PAGE < count,
        **SPOKEN,
    }
    return render(request, "evaluation/benchmarks.html", context)


def board(request: HttpRequest, ns: str, name: str) -> HttpResponse:
    """One board: who stands where, at what cost, and what exactly was asked."""
    viewer, wish = viewer_of_page(request), wish_from(request.GET)
    found = _board(request, viewer, f"{ns}/{name}", wish.board)
    context = {
        **_table_context(viewer, [found], wish),
        "board": found,
        "definition": _written(found.definition),
        "versions": versions_of(found),
        "twin": f"/api/benchmarks/{found.repository.full_name}",
    }
    return render(request, "evaluation/board.html", context)


def task_board(request: HttpRequest, task: str) -> HttpResponse:
    """All models on all benchmarks of a task, by how many others they hold their place against."""
    viewer, wish = viewer_of_page(request), wish_from(request.GET)
    found = boards_of_task(viewer, task)
    if not found:
        raise NotFound(_("There is no benchmark for this task yet"))
    context = {
        **_table_context(viewer, found, wish),
        "task": task,
        "beside": beside(request, Named("task", task, f"tasks/{task}")),
        "twin": f"/api/benchmark-tasks/{task}",
    }
    return render(request, "evaluation/task.html", context)


def _board(request: HttpRequest, viewer: Viewer, full_name: str, digest: str) -> Board:
    """A moved benchmark leads on; a private one looks like none."""
    try:
        return board_for(viewer, full_name, digest)
    except RepoNotFoundForAnonymous:
        raise RepoNotFound from None
    except RepoMoved as moved:
        moved.headers["Location"] = moved.location(request.get_full_path())
        raise


def _written(definition: dict[str, Any]) -> str:
    """As YAML, without what is empty: a reader sees what was decided."""
    said = {
        key: {name: item for name, item in value.items() if item != ""}
        if isinstance(value, dict)
        else value
        for key in _KEYS
        if (value := definition.get(key)) not in ("", [], False, None)
    }
    said["metrics"] = [
        {key: value for key, value in one.items() if value} for one in said["metrics"]
    ]
    return yaml.dump(said, Dumper=_Dumper, allow_unicode=True, sort_keys=False)


_KEYS = [field.name for field in fields(Benchmark)]  # in the order in which one thinks of them
# The same in C where there is one: ten times as fast.
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def _table_context(viewer: Viewer, found: Sequence[Board], wish: Wish) -> dict[str, Any]:
    rows = rows_of(viewer, found, every_commit=wish.every_commit)
    fitting = table(rows, found, wish)
    plot = _plot(fitting.rows, found)
    return {
        "boards": {one.pk: one for one in found},
        "table": fitting,
        "wish": wish,
        "sizes": list(SIZES),
        "states": list(STATES),
        "plot": plot,
        **SPOKEN,
    }


def _plot(rows: Sequence[Row], found: Sequence[Board]) -> Plot | None:
    """Score against cost; over several benchmarks the standing against the cost of a sample."""
    if len(found) == 1:
        return plot_of(
            [
                Point(row.cpu_seconds, row.value, row.model, row.low, row.high)
                for row in rows
                if row.cpu_seconds is not None
            ],
            higher_is_better=found[0].higher_is_better,
        )
    return plot_of(
        [
            Point(row.cost_per_sample, 100 * row.standing, row.model)
            for row in rows
            if row.standing is not None and row.cost_per_sample is not None
        ]
    )


urlpatterns = [
    path("benchmarks", benchmarks, name="benchmarks"),
    path("benchmarks/tasks/<str:task>", task_board, name="task-board"),
    path("benchmarks/<str:ns>/<str:name>", board, name="board"),
]
