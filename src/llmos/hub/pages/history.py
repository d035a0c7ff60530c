"""The history of a repository or a file, and one commit with what it changed."""

from django.http import HttpRequest, HttpResponse

from llmos.hub.addresses import repo_paths
from llmos.hub.commits import ROWS_A_PAGE, commit_of, log
from llmos.hub.differences import difference
from llmos.hub.door import opened
from llmos.hub.frame import repo_page
from llmos.hub.git import refs
from llmos.hub.pages.files import crumbs

LAST_PAGE = 200


def commits(request: HttpRequest, type_: str, ns: str, name: str, rest: str) -> HttpResponse:
    at = opened(request, type_, ns, name)
    asked = request.GET.get("page", "1")
    page = min(int(asked), LAST_PAGE) if asked.isdecimal() and asked != "0" else 1
    found = log(at.repository.pk, at.sha, at.path, skip=(page - 1) * ROWS_A_PAGE)
    here = at.at("commits")
    return repo_page(
        request,
        at,
        "hub/commits.html",
        "history",
        commits=found[:ROWS_A_PAGE],
        crumbs=crumbs(at, at.path, "blob"),
        revisions=refs.list_refs(at.repository.pk),
        previous=f"{here}?page={page - 1}" if page > 1 else None,
        next=f"{here}?page={page + 1}" if len(found) > ROWS_A_PAGE else None,
        page_number=page,
    )


def commit(request: HttpRequest, type_: str, ns: str, name: str, sha: str) -> HttpResponse:
    at = opened(request, type_, ns, name)
    facts = commit_of(at.repository.pk, at.sha)
    changed = difference(at.repository.pk, facts.parents[0] if facts.parents else None, facts.sha)
    return repo_page(request, at, "hub/commit.html", "history", commit=facts, difference=changed)


urlpatterns = [
    *repo_paths("/commits/<path:rest>", commits, "commits"),
    *repo_paths("/commit/<str:sha>", commit, "commit"),
]
