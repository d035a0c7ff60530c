"""Discussions and change requests of a repository in one list, as clients list them."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from llmos.community.discussions import queries
from llmos.community.discussions.models import Discussion
from llmos.community.discussions.pages.panels import guide_of
from llmos.community.threads.frame import asked_page, rows
from llmos.hub.door import Opened, opened
from llmos.hub.frame import repo_page

ROWS_A_PAGE = 50
_DEFAULTS = {"status": "open", "type": "all", "by": "all"}


@dataclass(frozen=True, slots=True)
class Chip:
    """One choice of the list's filters."""

    text: str
    address: str
    is_current: bool


def discussions(request: HttpRequest, type_: str, ns: str, name: str) -> HttpResponse:
    at = opened(request, type_, ns, name, wants="see")
    chosen = {key: request.GET.get(key, default) for key, default in _DEFAULTS.items()}
    wish = queries.Wish(
        type=chosen["type"] if chosen["type"] in {"discussion", "change"} else "",
        status=chosen["status"] if chosen["status"] in {"open", "closed"} else "",
        author=at.viewer.name if chosen["by"] == "me" else "",
    )
    found = queries.discussions(at.repository.pk, wish).order_by("-thread__is_pinned", "-number")
    page = asked_page(request)
    start = (page - 1) * ROWS_A_PAGE
    shown = list(found[start : start + ROWS_A_PAGE + 1])
    more, shown = len(shown) > ROWS_A_PAGE, shown[:ROWS_A_PAGE]
    return repo_page(
        request,
        at,
        "discussions/list.html",
        "discussions",
        rows=rows(at.viewer, [row.thread for row in shown]),
        places={row.pk: (f"#{row.number}", row.thread.address) for row in shown},
        badges={row.pk: badge for row in shown if (badge := state_badge(row))},
        chips_of=_chips(at, chosen),
        is_filtered=chosen != _DEFAULTS,
        previous=_address(at, chosen, page - 1) if page > 1 else None,
        following=_address(at, chosen, page + 1) if more else None,
        guide=guide_of(at),
    )


def state_badge(discussion: Discussion) -> tuple[str, str] | None:
    """What a row and a head say of its state; an open discussion says nothing."""
    if discussion.change_request is None:
        return None if discussion.is_open else (_("closed"), "")
    words = {
        "open": (_("change"), "good"),
        "draft": (_("change, draft"), ""),
        "merged": (_("change, merged"), "good"),
        "closed": (_("change, closed"), "wrong"),
    }
    return words[discussion.status]


def _chips(at: Opened, chosen: dict[str, str]) -> list[list[Chip]]:
    groups = [
        [
            ("status", "open", _("Open")),
            ("status", "closed", _("Closed or merged")),
            ("status", "all", _("All")),
        ],
        [
            ("type", "all", _("Everything")),
            ("type", "discussion", _("Discussions")),
            ("type", "change", _("Change requests")),
        ],
    ]
    if not at.viewer.is_anonymous:
        groups.append([("by", "me", _("Mine"))])
    return [[_chip(at, chosen, *choice) for choice in group] for group in groups]


def _chip(at: Opened, chosen: dict[str, str], key: str, value: str, text: str) -> Chip:
    is_current = chosen[key] == value
    # The one chip that stands alone is taken back by a second click.
    wanted = _DEFAULTS[key] if is_current and key == "by" else value
    return Chip(text, _address(at, {**chosen, key: wanted}), is_current)


def _address(at: Opened, chosen: dict[str, str], page: int = 1) -> str:
    asked = {key: value for key, value in chosen.items() if value != _DEFAULTS[key]}
    if page > 1:
        asked["page"] = str(page)
    query = urlencode(asked)
    return f"{at.url}/discussions" + (f"?{query}" if query else "")
