"""What rooms to the right add to pages of repositories, members and names, and to the first page.

The hub knows none of them: `web/wiring.py` adds them, and each decides by what the viewer
may see whether it has something to say here.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from django.http import HttpRequest

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.hub.door import Opened
from llmos.hub.models import Repository

Tab = tuple[str, str, str, int | None]  # name, address, text, count beside the text
# On the card's page above the columns, above the card and beside it; in the settings before
# what cannot be undone; and on pages that commit, before the button.
HomePlace = Literal["main", "aside"]
Place = Literal["above", "main", "aside", "settings", "commit"]
# On the page of a member or an organisation: in the line of facts under the name, beside the
# lists, and below them.
ProfilePlace = Literal["facts", "aside", "below"]
NameKind = Literal["member", "organisation", "repository", "tag", "task"]


@dataclass(frozen=True, slots=True)
class Panel:
    """A template of the adding room and what it shows; several stand in the order added."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Named:
    """Something that has a name here and a page, and that others may want to follow.

    `path` is how addresses spell it: `ada`, `ada/model`, `datasets/ada/rows`,
    `tags/translation`, `tasks/translation`.
    """

    kind: NameKind
    target: str  # an id, or the name of a task
    path: str


Property = Callable[[Viewer, Repository, str], Any]  # the text is the hub's address

TabMaker = Callable[[Opened], Tab | None]
PanelMaker = Callable[[HttpRequest, Opened], Panel | None]
HomePanelMaker = Callable[[HttpRequest], Panel | None]
ProfilePanelMaker = Callable[[HttpRequest, Namespace], Panel | None]
BesideMaker = Callable[[HttpRequest, Named], Panel | None]

_tabs: list[TabMaker] = []
_properties: dict[str, Property] = {}
_home: dict[HomePlace, list[HomePanelMaker]] = {place: [] for place in get_args(HomePlace)}
_beside: list[BesideMaker] = []
_profile: dict[ProfilePlace, list[ProfilePanelMaker]] = {
    place: [] for place in get_args(ProfilePlace)
}
_panels: dict[Place, list[PanelMaker]] = {place: [] for place in get_args(Place)}


def add_tab(tab: TabMaker) -> None:
    if tab not in _tabs:
        _tabs.append(tab)


def add_panel(place: Place, panel: PanelMaker) -> None:
    if panel not in _panels[place]:
        _panels[place].append(panel)


def add_home_panel(place: HomePlace, panel: HomePanelMaker) -> None:
    """On the first page, below its lists (`main`) or beside them."""
    if panel not in _home[place]:
        _home[place].append(panel)


def add_profile_panel(place: ProfilePlace, panel: ProfilePanelMaker) -> None:
    if panel not in _profile[place]:
        _profile[place].append(panel)


def add_beside(panel: BesideMaker) -> None:
    """Beside the name of a member, an organisation, a repository, a tag or a task."""
    if panel not in _beside:
        _beside.append(panel)


def add_property(name: str, make: Property) -> None:
    """What clients get that ask for the property `name` of a repository."""
    _properties[name] = make


def properties_of(
    viewer: Viewer, repository: Repository, names: Iterable[str], base: str
) -> dict[str, Any]:
    """Those of the asked properties that other rooms provide."""
    return {
        name: _properties[name](viewer, repository, base) for name in names if name in _properties
    }


def tabs_of(at: Opened) -> list[Tab]:
    return [tab for make in _tabs if (tab := make(at))]


def panels_of(request: HttpRequest, at: Opened, *places: Place) -> dict[Place, list[Panel]]:
    return {
        place: [panel for make in _panels[place] if (panel := make(request, at))]
        for place in places
    }


def home_panels(request: HttpRequest) -> dict[HomePlace, list[Panel]]:
    return {
        place: [panel for make in makers if (panel := make(request))]
        for place, makers in _home.items()
    }


def profile_panels(request: HttpRequest, place: Namespace) -> dict[ProfilePlace, list[Panel]]:
    return {
        where: [panel for make in makers if (panel := make(request, place))]
        for where, makers in _profile.items()
    }


def beside(request: HttpRequest, named: Named) -> list[Panel]:
    return [panel for make in _beside if (panel := make(request, named))]
