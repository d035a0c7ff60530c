"""What rooms to the right add to a repository's pages: tabs, and panels beside the card.

The hub knows none of them: `web/wiring.py` adds them, and each decides by what the viewer
may see whether it has something to say about this repository.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from django.http import HttpRequest

from llmos.hub.door import Opened

Tab = tuple[str, str, str, int | None]  # name, address, text, count beside the text
Place = Literal["above", "main", "aside"]  # above the columns, under the card, beside it


@dataclass(frozen=True, slots=True)
class Panel:
    """A template of the adding room and what it shows; several stand in the order added."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


TabMaker = Callable[[Opened], Tab | None]
PanelMaker = Callable[[HttpRequest, Opened], Panel | None]

_tabs: list[TabMaker] = []
_panels: dict[Place, list[PanelMaker]] = {"above": [], "main": [], "aside": []}


def add_tab(tab: TabMaker) -> None:
    if tab not in _tabs:
        _tabs.append(tab)


def add_panel(place: Place, panel: PanelMaker) -> None:
    if panel not in _panels[place]:
        _panels[place].append(panel)


def tabs_of(at: Opened) -> list[Tab]:
    return [tab for make in _tabs if (tab := make(at))]


def panels_of(request: HttpRequest, at: Opened) -> dict[Place, list[Panel]]:
    return {
        place: [panel for make in makers if (panel := make(request, at))]
        for place, makers in _panels.items()
    }
