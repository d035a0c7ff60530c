"""The first page of a repository: its card, how to get it, and the heart that one may leave."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_POST

from llmos.hub import actions
from llmos.hub.additions import panels_of
from llmos.hub.addresses import repo_paths
from llmos.hub.door import Opened, opened, signed_in
from llmos.hub.facts.cards import read_card
from llmos.hub.frame import repo_page
from llmos.hub.git.tree import entries, read_file
from llmos.hub.pages.uses import endpoint_line, uses_of
from llmos.hub.pictures import Measure
from llmos.store.markup import LinkBase, render_markdown

CARD = "README.md"


def card(request: HttpRequest, type_: str, ns: str, name: str) -> HttpResponse:
    at = opened(request, type_, ns, name, wants="see")
    content = read_file(at.repository.pk, at.sha, CARD)
    found = read_card(content.decode("utf-8", "replace")) if content else None
    text = render_markdown(found.text, card_links(at)) if found and found.text.strip() else ""
    address = f"{request.scheme}://{request.get_host()}"
    return repo_page(
        request,
        at,
        "hub/card.html",
        "card",
        card_html=text,
        card_problems=found.errors if found else (),
        has_card=content is not None,
        uses=uses_of(at.repository, address, example_file=_example_file(at)),
        endpoint_line=endpoint_line(address),
        panels=panels_of(request, at, "above", "main", "aside"),
        trained_on=[
            tag.removeprefix("dataset:") for tag in at.repository.tags if tag.startswith("dataset:")
        ],
    )


def card_links(at: Opened, folder: str = "") -> LinkBase:
    """Relative links of a text in `folder` lead into the repository at this revision."""
    below = f"{folder}/" if folder else ""
    pages, raw = at.at("blob", "") + "/", at.at("resolve", "") + "/"
    return LinkBase(
        pages=pages + below,
        raw=raw + below,
        top_pages=pages,
        top_raw=raw,
        measure=Measure(at.repository.pk, at.sha, raw),
    )


@require_POST
def like(request: HttpRequest, type_: str, ns: str, name: str) -> HttpResponse:
    """Leave a heart or take it back."""
    viewer = signed_in(request)
    at = opened(request, type_, ns, name, wants="see")
    assert viewer.user_id is not None
    liked = request.POST.get("liked") == "yes"
    change = actions.like if liked else actions.unlike
    change(repository=at.repository, user_id=viewer.user_id)
    at.repository.refresh_from_db(fields=["likes"])
    if request.headers.get("HX-Request"):
        context: dict[str, Any] = {"repository": at.repository, "liked": liked, "at": at}
        return render(request, "hub/parts/like.html", context)
    return HttpResponseRedirect(at.url)


def _example_file(at: Opened) -> str:
    """A file worth fetching: weights or rows if there are any at the top, else the card."""
    page = entries(at.repository.pk, at.sha, limit=200)
    large = [entry.path for entry in page.entries if entry.pointer]
    return large[0] if large else CARD


urlpatterns = [*repo_paths("", card, "card"), *repo_paths("/like", like, "like")]
