"""Lists of repositories with filters."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from llmos.hub.door import viewer_of_page
from llmos.hub.kinds import KINDS
from llmos.hub.pages.shelves import (
    COUNTED,
    SIZES,
    SORTS,
    Wish,
    count_of,
    facets,
    shelf,
)

LONGEST_TEXT = 200


def listing(request: HttpRequest, kind: str) -> HttpResponse:
    viewer = viewer_of_page(request)
    wish = wish_of(request, kind)
    found = shelf(viewer, wish)
    context = {
        "wish": wish,
        "sorts": list(SORTS),
        "repositories": found.repositories,
        "first": wish.address() if wish.after else None,
        "next": wish.address(after=found.cursor) if found.cursor else None,
        "count": count_of(viewer, wish),
        "counted": COUNTED,
        "kind": KINDS[kind],
        "facets": facets(kind),
        "sizes": SIZES if kind == "model" else {},
    }
    return render(request, "hub/list.html", context)


def wish_of(request: HttpRequest, kind: str) -> Wish:
    """What the address asks for; what makes no sense is left out."""
    asked = request.GET
    sort, size = asked.get("sort", ""), asked.get("size", "")
    return Wish(
        kind=kind,
        text=asked.get("q", "").strip()[:LONGEST_TEXT],
        tags=tuple(dict.fromkeys(asked.getlist("tag")))[:10],
        size=size if size in SIZES else "",
        author=asked.get("author", "")[:96],
        sort=sort if sort in SORTS else "trending",
        after=asked.get("after", ""),
    )


urlpatterns = [path(k.plural, listing, {"kind": k.name}, name=k.plural) for k in KINDS.values()]
