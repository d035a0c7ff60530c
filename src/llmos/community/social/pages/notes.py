"""Short posts: writing one, and one with what was answered."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path

from llmos.accounts.access import Viewer
from llmos.community.social.actions import LONGEST_NOTE, write_note
from llmos.community.threads.access import thread_for
from llmos.community.threads.attaching import with_files
from llmos.community.threads.deeds import forget_draft
from llmos.community.threads.frame import conversation, new_key
from llmos.community.threads.models import Thread
from llmos.community.threads.queries import draft_of
from llmos.hub.door import signed_in, viewer_of_page
from llmos.kit.errors import Refusal

FORM = "note"
_FIELDS = ("text", "tags", "language", "key")


def new(request: HttpRequest) -> HttpResponse:
    """A form for a note; what was refused stands in it again."""
    viewer = signed_in(request)
    if request.method == "POST":
        try:
            return HttpResponseRedirect(_written(request, viewer).address)
        except Refusal as refusal:
            values = {name: request.POST.get(name, "") for name in _FIELDS}
            return _form(request, values, refusal)
    return _form(request, draft_of(viewer.user_id, FORM))


def note(request: HttpRequest, note_id: int) -> HttpResponse:
    thread = thread_for(viewer_of_page(request), note_id, place=Thread.Place.NOTE)
    return render(request, "social/note.html", {"note": thread, **conversation(request, thread)})


def _written(request: HttpRequest, viewer: Viewer) -> Thread:
    thread = write_note(
        viewer,
        text=with_files(viewer, request.POST.get("text", ""), request.FILES.getlist("files")),
        tags=request.POST.get("tags", "").replace("，", ",").split(","),
        language=_language(request),
        key=request.POST.get("key") or None,
    )
    assert viewer.user_id is not None  # she has written
    forget_draft(user_id=viewer.user_id, form=FORM)
    return thread


def _form(
    request: HttpRequest, values: dict[str, str], refusal: Refusal | None = None
) -> HttpResponse:
    context = {
        "values": values,
        "refusal": refusal,
        "key": values.get("key") or new_key(),
        "longest_note": LONGEST_NOTE,
    }
    status = refusal.status if refusal is not None else 200
    return render(request, "social/new_note.html", context, status=status)


def _language(request: HttpRequest) -> str:
    chosen = request.POST.get("language", "")
    return chosen if chosen in {"en", "zh"} else ""


urlpatterns = [path("notes/new", new), path("notes/<int:note_id>", note)]
