"""The first page: what this is, what is new here, and the lines that bring one's own work in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from llmos.hub.additions import home_panels
from llmos.hub.door import viewer_of_page
from llmos.hub.pages.shelves import Wish, shelf

ROWS = 5


def home(request: HttpRequest) -> HttpResponse:
    viewer = viewer_of_page(request)
    context = {
        "models": shelf(viewer, Wish(kind="model", rows=ROWS)).repositories,
        "datasets": shelf(viewer, Wish(kind="dataset", rows=ROWS)).repositories,
        "panels": home_panels(request),
    }
    return render(request, "hub/home.html", context)


urlpatterns = [path("", home, name="home")]
