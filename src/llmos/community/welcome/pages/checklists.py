"""Where newcomers begin: four checklists, ticked by deeds, and the ways on."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from llmos.accounts.models import User
from llmos.community.welcome.actions import tick
from llmos.community.welcome.queries import progress_of
from llmos.community.welcome.steps import CHECKLISTS
from llmos.hub.additions import Panel


def start(request: HttpRequest) -> HttpResponse:
    user = request.user if isinstance(request.user, User) else None
    done = tick(user) if user else set()
    name = user.username if user else ""
    return render(request, "welcome/start.html", {"lists": progress_of(name, done)})


def home_panel(request: HttpRequest) -> Panel | None:
    """On the first page, until somebody has done all of the first list."""
    user = request.user
    if not isinstance(user, User):
        return None
    first = progress_of(user.username, tick(user, CHECKLISTS[0].steps))[0]
    if first.done == len(first.steps):
        return None
    return Panel("welcome/next_step.html", {"progress": first})


urlpatterns = [path("start", start, name="start")]
