"""What rooms to the right add to posts and threads: buttons, panels, live cards, checks.

Threads know none of them: `web/wiring.py` adds them, and each decides by what the viewer may
see whether it has something to say.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.http import HttpRequest

from llmos.accounts.access import Viewer
from llmos.community.threads.models import Post, Thread
from llmos.hub.additions import Panel


class Control(NamedTuple):
    """What one may do with a post: a button that sends `name` with `value`, or a link."""

    action: str
    label: str
    icon: str
    name: str = "on"
    value: str = "1"
    is_link: bool = False
    is_pressed: bool = False


@dataclass(frozen=True, slots=True)
class Card:
    """What a live card says of a thing: its name, what it is, and a few facts."""

    title: str
    address: str
    icon: str
    kind: str  # in the viewer's language
    facts: Sequence[str] = ()
    text: str = ""


ControlMaker = Callable[[Viewer, Thread, Sequence[Post]], dict[int, list[Control]]]
PanelMaker = Callable[[HttpRequest, Thread, Sequence[Post]], dict[int, Panel]]
ThreadPanelMaker = Callable[[HttpRequest, Thread], Panel | None]
# Of the asked keys (as `CardKind.pattern` finds them in addresses), those that she may see.
CardLoader = Callable[[Viewer, Collection[str]], Mapping[str, Card]]
# (viewer, thread or where it is to be opened, text, what rendering found) → a reason to hold
# the post back until a moderator has looked, or None; it may also refuse by raising.
PostCheck = Callable[[Viewer, Any, str, Any], str | None]


@dataclass(frozen=True, slots=True)
class CardKind:
    """Things whose address on a line of its own becomes a card.

    `pattern` is a regular expression for what `naming.place_of` makes of it; its group `key`
    names the thing.
    """

    name: str
    pattern: str
    load: CardLoader


_controls: list[ControlMaker] = []
_menu: list[ControlMaker] = []
_panels: list[PanelMaker] = []
_thread_panels: list[ThreadPanelMaker] = []
_checks: list[PostCheck] = []
_cards: dict[str, CardKind] = {}


def add_post_control(maker: ControlMaker) -> None:
    """Shown under a post, beside the reactions."""
    if maker not in _controls:
        _controls.append(maker)


def add_to_post_menu(maker: ControlMaker) -> None:
    """Shown when somebody asks what else there is to do with a post."""
    if maker not in _menu:
        _menu.append(maker)


def add_post_panel(maker: PanelMaker) -> None:
    """Shown inside a post, below its text."""
    if maker not in _panels:
        _panels.append(maker)


def add_thread_panel(maker: ThreadPanelMaker) -> None:
    """Shown beside a conversation."""
    if maker not in _thread_panels:
        _thread_panels.append(maker)


def add_card(kind: str, loader: CardLoader, *, pattern: str) -> None:
    """Let links to further kinds of things become live cards; `kind` is a lower-case word."""
    _cards[kind] = CardKind(kind, pattern, loader)


def add_post_check(check: PostCheck) -> None:
    if check not in _checks:
        _checks.append(check)


def controls_of(viewer: Viewer, thread: Thread, posts: Sequence[Post]) -> dict[int, list[Control]]:
    found: dict[int, list[Control]] = {}
    for make in _controls:
        for post_id, controls in make(viewer, thread, posts).items():
            found.setdefault(post_id, []).extend(controls)
    return found


def menu_of(viewer: Viewer, post: Post) -> list[Control]:
    return [one for make in _menu for one in make(viewer, post.thread, [post]).get(post.pk, [])]


def panels_of(
    request: HttpRequest, thread: Thread, posts: Sequence[Post]
) -> dict[int, list[Panel]]:
    found: dict[int, list[Panel]] = {}
    for make in _panels:
        for post_id, panel in make(request, thread, posts).items():
            found.setdefault(post_id, []).append(panel)
    return found


def thread_panels(request: HttpRequest, thread: Thread) -> list[Panel]:
    return [panel for make in _thread_panels if (panel := make(request, thread))]


def card_kinds() -> Mapping[str, CardKind]:
    return _cards


def reason_to_hold(viewer: Viewer, where: Any, text: str, rendered: Any) -> str | None:
    """The first reason that any check gives. Raises what checks raise."""
    for check in _checks:
        reason = check(viewer, where, text, rendered)
        if reason:
            return reason
    return None
