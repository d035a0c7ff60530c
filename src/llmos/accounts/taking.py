"""What members take along and what becomes of the rest: rooms to the right say it here.

Accounts know of no repository and no post; `web/wiring.py` names what each room provides.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from llmos.accounts.models import User

# Names in the archive and what stands there: text as it is, anything else as JSON.
Part = tuple[str, Any]
Exporter = Callable[[User], Iterable[Part]]


@dataclass(frozen=True, slots=True)
class Farewell:
    """What one room does when a member leaves.

    `hindrances` are sentences about what must be settled before; `goes` are lines about what
    is deleted with the account. `forget` may run twice: it takes away what would stay.
    """

    forget: Callable[[User, bool], None]  # the text of her posts too?
    hindrances: Callable[[User], list[str]] = lambda user: []
    goes: Callable[[User], list[str]] = lambda user: []


_exporters: list[Exporter] = []
_farewells: list[Farewell] = []


def provide_export(exporter: Exporter) -> None:
    if exporter not in _exporters:
        _exporters.append(exporter)


def provide_farewell(farewell: Farewell) -> None:
    """In the order given; what was given first is forgotten last."""
    if farewell not in _farewells:
        _farewells.append(farewell)


def parts_of(user: User) -> Iterable[Part]:
    for export in _exporters:
        yield from export(user)


def hindrances_of(user: User) -> list[str]:
    return [line for farewell in _farewells for line in farewell.hindrances(user)]


def what_goes_with(user: User) -> list[str]:
    return [line for farewell in _farewells for line in farewell.goes(user)]


def farewells() -> list[Farewell]:
    return _farewells[::-1]
