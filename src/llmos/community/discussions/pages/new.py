"""Beginning a discussion on a repository."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from llmos.community.discussions.actions import open_discussion
from llmos.community.discussions.pages.panels import guide_of
from llmos.community.threads.attaching import with_files
from llmos.community.threads.deeds import forget_draft
from llmos.community.threads.frame import new_key
from llmos.community.threads.queries import draft_of
from llmos.hub.door import Opened, opened
from llmos.hub.frame import repo_page
from llmos.kit.errors import Refusal


def new(request: HttpRequest, type_: str, ns: str, name: str) -> HttpResponse:
    at = opened(request, type_, ns, name, wants="contribute")
    if request.method != "POST":
        return _form(request, at, {**draft_of(at.viewer.user_id, form_of(at)), "key": new_key()})
    values = {key: request.POST.get(key, "") for key in ("title", "text", "language", "key")}
    try:
        values["text"] = with_files(at.viewer, values["text"], request.FILES.getlist("files"))
        made = open_discussion(
            at.viewer,
            repository=at.repository,
            title=values["title"],
            text=values["text"],
            language=values["language"],
            key=values["key"] or None,
        )
    except Refusal as refusal:
        return _form(request, at, values, refusal)
    assert at.viewer.user_id is not None  # nobody contributes unnamed
    forget_draft(user_id=at.viewer.user_id, form=form_of(at))
    return HttpResponseRedirect(made.thread.address)


def form_of(at: Opened) -> str:
    """The name under which a begun discussion is kept."""
    return f"new-discussion:{at.repository.pk}"


def _form(
    request: HttpRequest, at: Opened, values: dict[str, str], refusal: Refusal | None = None
) -> HttpResponse:
    response = repo_page(
        request,
        at,
        "discussions/new.html",
        "discussions",
        form_name=form_of(at),
        values=values,
        refusal=refusal,
        guide=guide_of(at),
    )
    response.status_code = refusal.status if refusal else 200
    return response
