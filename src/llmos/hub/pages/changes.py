"""Change requests: the list, and one with its commits and what it would change."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from llmos.hub.addresses import repo_paths
from llmos.hub.changes import merge_change, refuse_strangers, set_status
from llmos.hub.door import Opened, opened
from llmos.hub.frame import repo_page
from llmos.hub.git import refs
from llmos.hub.git.repos import open_repository
from llmos.hub.models import ChangeRequest
from llmos.hub.pages.commits import commits_between
from llmos.hub.pages.differences import difference
from llmos.hub.queries import change_request, change_requests
from llmos.kit.errors import Forbidden, Invalid, NotFound, Refusal
from llmos.store.markup import render_markdown

ROWS = 100
Status = ChangeRequest.Status
UNDER_WAY = (Status.OPEN, Status.DRAFT)


def changes(request: HttpRequest, type_: str, ns: str, name: str) -> HttpResponse:
    at = opened(request, type_, ns, name)
    closed = request.GET.get("status") == "closed"
    found = change_requests(at.repository.pk)
    under_way = found.filter(status__in=UNDER_WAY)
    done = found.exclude(status__in=UNDER_WAY)
    return repo_page(
        request,
        at,
        "hub/changes.html",
        "changes",
        changes=(done if closed else under_way)[:ROWS],
        closed=closed,
        open_count=under_way.count(),
        closed_count=done.count(),
    )


def change(request: HttpRequest, type_: str, ns: str, name: str, number: int) -> HttpResponse:
    at = opened(request, type_, ns, name)
    found = change_request(at.repository.pk, number)
    if found is None:
        raise NotFound(_("There is no change request with this number"))
    if request.method == "POST":
        return _decide(request, at, found)
    base, head = ends(at, found)
    return repo_page(
        request,
        at,
        "hub/change.html",
        "changes",
        change=found,
        head=head,
        commits=commits_between(at.repository.pk, base, head),
        difference=difference(at.repository.pk, base, head) if head != base else None,
        text=render_markdown(found.description) if found.description else "",
        is_open=found.status in UNDER_WAY,
        may_close=at.rights.write or found.author_id == at.viewer.user_id,
    )


def _decide(request: HttpRequest, at: Opened, found: ChangeRequest) -> HttpResponse:
    """Merge, close or open; a refusal is said on the page itself."""
    deed = _DEEDS.get(request.POST.get("deed", ""))
    try:
        if deed is None:
            raise Invalid(_("The form was not complete"))
        refuse_strangers(at.viewer, found)
        messages.success(request, deed(at, found))
    except Refusal as refusal:
        messages.error(request, refusal.message)
    return HttpResponseRedirect(f"{at.url}/discussions/{found.number}")


def _merge(at: Opened, found: ChangeRequest) -> str:
    if not at.rights.write:
        raise Forbidden(_("Only those who may write here merge changes"))
    if found.status == Status.DRAFT:
        set_status(change=found, user_id=at.viewer.user_id, status=Status.OPEN)
    merge_change(change=found, viewer=at.viewer)
    return _("Merged")


def _close(at: Opened, found: ChangeRequest) -> str:
    set_status(change=found, user_id=at.viewer.user_id, status=Status.CLOSED)
    return _("Closed")


def _open(at: Opened, found: ChangeRequest) -> str:
    set_status(change=found, user_id=at.viewer.user_id, status=Status.OPEN)
    return _("Opened")


_DEEDS: dict[str, Callable[[Opened, ChangeRequest], str]] = {
    "merge": _merge,
    "close": _close,
    "open": _open,
}


def ends(at: Opened, found: ChangeRequest) -> tuple[str, str]:
    """Where a change request started and where it is: what lies between is the change.

    Before the merge it starts where it left `main` for the last time.
    """
    head = refs.read_ref(at.repository.pk, f"refs/pr/{found.number}") or found.base
    if found.status not in UNDER_WAY:
        return found.base, head
    repository = open_repository(at.repository.pk)
    base = repository.merge_base(refs.resolve(at.repository.pk, "main"), head)
    return str(base) if base else found.base, head


urlpatterns = [
    *repo_paths("/discussions", changes, "changes"),
    *repo_paths("/discussions/<int:number>", change, "change"),
]
