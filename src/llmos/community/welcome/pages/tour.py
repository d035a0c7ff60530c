"""A tour of five minutes: look, find, meet, and push a model card of one's own."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.accounts.models import User
from llmos.community.threads.models import Tag
from llmos.community.welcome.actions import tick
from llmos.community.welcome.cards import LANGUAGES, LICENCES, TASKS, Answers, card_of, checked
from llmos.hub import listing, queries
from llmos.hub.actions import create_repository, record_push
from llmos.hub.door import signed_in, viewer_of_page
from llmos.hub.errors import NameTaken
from llmos.hub.git import refs, repos
from llmos.hub.git.draft import Draft
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.hub.names import NameRefused
from llmos.kit.errors import Invalid, NotFound
from llmos.store.markup import render_markdown

STEPS = ("look", "find", "meet", "card")
CARD = "README.md"


def tour(request: HttpRequest, step: str = STEPS[0]) -> HttpResponse:
    """One page a step; the last one writes."""
    viewer = viewer_of_page(request)
    place = STEPS.index(step)
    context: dict[str, Any] = {
        "step": step,
        "steps": STEPS,
        "number": place + 1,
        "previous": STEPS[place - 1] if place else None,
        "next": STEPS[place + 1] if place + 1 < len(STEPS) else None,
        **(_SHOWN[step](viewer) if step in _SHOWN else {}),
    }
    return render(request, "welcome/tour.html", context)


def card(request: HttpRequest) -> HttpResponse:
    """The last step: a repository and its card, as one deed."""
    viewer = signed_in(request) if request.method == "POST" else viewer_of_page(request)
    context: dict[str, Any] = {
        "step": "card",
        "steps": STEPS,
        "number": len(STEPS),
        "previous": STEPS[-2],
        "next": None,
        "asked": request.POST,
        "languages_asked": request.POST.getlist("language"),
        **_choices(viewer),
    }
    if request.method != "POST":
        return render(request, "welcome/tour.html", context)
    answers = _answers(request)
    try:
        text = card_of(checked(answers))
        if request.POST.get("deed") == "preview":
            context |= {"card": text, "preview": render_markdown(text)}
            return render(request, "welcome/tour.html", context)
        made = push_card(viewer, answers.name, text)
    except (Invalid, NameTaken, NameRefused) as refusal:
        context["refusal"] = refusal.message
        return render(request, "welcome/tour.html", context, status=422)
    return HttpResponseRedirect(f"/tour/done/{made.full_name}")


def done(request: HttpRequest, ns: str, name: str) -> HttpResponse:
    """What was made, and where to go from here."""
    viewer = signed_in(request)
    found = queries.visible(viewer).filter(
        type="model", key=f"{ns}/{name}".casefold(), created_by_id=viewer.user_id
    )
    made = found.first()
    if made is None:
        raise NotFound(_("The tour ends where a card of yours was pushed; begin it at its start"))
    assert isinstance(request.user, User)
    tick(request.user)
    head = refs.read_ref(made.pk, repos.MAIN)
    return render(request, "welcome/done.html", {"made": made, "head": head})


def push_card(viewer: Viewer, name: str, text: str) -> Repository:
    """A model repository of the viewer's own whose first commit is this card.

    Raises NameTaken, NameRefused; then nothing was made.
    """
    made = create_repository(
        viewer=viewer, kind=KINDS["model"], namespace=viewer.name, name=name, visibility="public"
    )
    head = refs.read_ref(made.pk, repos.MAIN)
    assert head is not None  # a repository is born with a commit
    draft = Draft(made.pk, head)
    try:
        draft.describe(summary=_("Describe the model"), description="", author=viewer.name)
        draft.write(CARD, text.encode())
        landed = draft.land(repos.MAIN, old=head, retry=False)
    finally:
        draft.discard()
    record_push(repository=made, ref=landed.ref, old=head, new=landed.new, user_id=viewer.user_id)
    return made


def _look(viewer: Viewer) -> dict[str, Any]:
    wish = listing.Wish(limit=3)
    return {"models": queries.repositories(viewer, KINDS["model"], wish).repositories}


def _meet(viewer: Viewer) -> dict[str, Any]:
    return {"tags": list(Tag.objects.order_by("-threads_count")[:12])}


def _choices(viewer: Viewer) -> dict[str, Any]:
    return {"licences": LICENCES, "languages": LANGUAGES, "tasks": TASKS, "me": viewer.name}


_SHOWN: dict[str, Callable[[Viewer], dict[str, Any]]] = {"look": _look, "meet": _meet}


def _answers(request: HttpRequest) -> Answers:
    asked = request.POST
    return Answers(
        name=asked.get("name", "").strip(),
        purpose=asked.get("purpose", ""),
        task=asked.get("task", ""),
        languages=tuple(asked.getlist("language")),
        licence=asked.get("licence", ""),
        data=asked.get("data", ""),
        limits=asked.get("limits", ""),
    )


urlpatterns = [
    path("tour", tour, name="tour"),
    path("tour/card", card, name="tour-card"),
    *(path(f"tour/{step}", tour, {"step": step}, name=f"tour-{step}") for step in STEPS[:-1]),
    path("tour/done/<str:ns>/<str:name>", done, name="tour-done"),
]
