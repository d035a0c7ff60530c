"""One discussion; that of a change request with its commits and what it would change."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from llmos.community.discussions import actions
from llmos.community.discussions.access import discussion_for, discussion_rights
from llmos.community.discussions.models import Discussion
from llmos.community.discussions.pages.lists import state_badge
from llmos.community.discussions.pages.panels import guide_of
from llmos.community.threads.frame import conversation
from llmos.hub.changes import UNDER_WAY, ends
from llmos.hub.commits import commits_between
from llmos.hub.differences import difference
from llmos.hub.door import Opened, opened
from llmos.hub.frame import repo_page
from llmos.hub.git import signoff
from llmos.hub.models import ChangeRequest
from llmos.kit.errors import Invalid, Refusal


def discussion(request: HttpRequest, type_: str, ns: str, name: str, number: int) -> HttpResponse:
    at = opened(request, type_, ns, name, wants="see")
    found = discussion_for(at.viewer, at.repository, number)
    if request.method == "POST":
        return _decide(request, at, found)
    change = found.change_request
    return repo_page(
        request,
        at,
        "discussions/change.html" if change else "discussions/discussion.html",
        "discussions",
        discussion=found,
        state=state_badge(found),
        may=discussion_rights(at.viewer, found),
        guide=guide_of(at),
        **conversation(request, found.thread),
        **(_proposal(at, change) if change else {}),
    )


def _proposal(at: Opened, change: ChangeRequest) -> dict[str, Any]:
    """What is proposed, for those who may read the files."""
    base, head = ends(change)
    is_open = change.status in UNDER_WAY
    shown = {"change": change, "head": head, "is_open": is_open}
    if not at.rights.read or head == base:
        return {**shown, "commits": [], "difference": None, "unsigned": {}, "asks_sign_off": False}
    asks = is_open and at.repository.sign_off
    signed = signoff.signed_between(at.repository.pk, base, head) if asks else []
    return {
        **shown,
        "commits": commits_between(at.repository.pk, base, head),
        "difference": difference(at.repository.pk, base, head),
        "asks_sign_off": asks,
        "unsigned": {commit.sha for commit in signed if not commit.is_signed_off},
    }


def _decide(request: HttpRequest, at: Opened, found: Discussion) -> HttpResponse:
    """Merge, close, open or rename; a refusal is said on the page itself."""
    deed = _DEEDS.get(request.POST.get("deed", ""))
    try:
        if deed is None:
            raise Invalid(_("The form was not complete"))
        messages.success(request, deed(request, at, found))
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return HttpResponseRedirect(found.thread.address)


def _merge(request: HttpRequest, at: Opened, found: Discussion) -> str:
    if found.status == ChangeRequest.Status.DRAFT:
        actions.set_status(at.viewer, discussion=found, status="open")
    actions.merge(at.viewer, discussion=found)
    return _("Merged")


def _close(request: HttpRequest, at: Opened, found: Discussion) -> str:
    actions.set_status(at.viewer, discussion=found, status="closed")
    return _("Closed")


def _open(request: HttpRequest, at: Opened, found: Discussion) -> str:
    actions.set_status(at.viewer, discussion=found, status="open")
    return _("Opened")


def _rename(request: HttpRequest, at: Opened, found: Discussion) -> str:
    actions.rename(at.viewer, discussion=found, title=request.POST.get("title", ""))
    return _("Saved")


_DEEDS: dict[str, Callable[[HttpRequest, Opened, Discussion], str]] = {
    "merge": _merge,
    "close": _close,
    "open": _open,
    "rename": _rename,
}
