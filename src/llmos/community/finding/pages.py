"""The search page: a box, filters, and what was found of each kind."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from llmos.community.finding.queries import conversations, people, repositories
from llmos.community.finding.wishes import CONVERSATIONS, REPOSITORIES, TYPES, wish_from
from llmos.hub.door import viewer_of_page


def search(request: HttpRequest) -> HttpResponse:
    viewer, wish = viewer_of_page(request), wish_from(request.GET.dict())
    context = {
        "wish": wish,
        "types": TYPES,
        "repository_types": REPOSITORIES,
        "conversation_types": CONVERSATIONS,
        "people": people(wish),
        "repositories": repositories(viewer, wish),
        "conversations": [] if wish.is_empty else conversations(viewer, wish),
    }
    return render(request, "finding/search.html", context)


urlpatterns = [path("search", search, name="search")]
