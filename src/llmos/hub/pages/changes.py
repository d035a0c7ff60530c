"""Change requests: the list, and one with its commits and what it would change."""

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from llmos.hub.git import refs
from llmos.hub.git.repos import open_repository
from llmos.hub.models import ChangeRequest
from llmos.hub.pages.addresses import repo_paths
from llmos.hub.pages.commits import commits_between
from llmos.hub.pages.differences import difference
from llmos.hub.pages.door import Opened, opened
from llmos.hub.pages.frame import repo_page
from llmos.hub.queries import change_request, change_requests
from llmos.kit.errors import NotFound
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
