"""What members have begun to write: kept by the composer's script, listed, thrown away."""

import json

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from llmos.community.threads import deeds, queries
from llmos.community.threads.models import Draft, Thread
from llmos.hub.door import signed_in
from llmos.kit.errors import Invalid, Refusal

LARGEST = 2**20  # bytes of a draft as it travels


def drafts(request: HttpRequest) -> HttpResponse:
    """The list; a POST of JSON keeps one, a form's POST throws one away."""
    viewer = signed_in(request)
    assert viewer.user_id is not None  # it is signed in
    if request.method == "POST" and request.content_type == "application/json":
        return _keep(request)
    if request.method == "POST":
        deeds.forget_draft(user_id=viewer.user_id, form=request.POST.get("form", ""))
        return HttpResponseRedirect("/drafts")
    found = list(queries.drafts_of(viewer.user_id))
    shown = [(draft, *_place(draft)) for draft in found]
    return render(request, "threads/drafts.html", {"drafts": shown})


def _keep(request: HttpRequest) -> HttpResponse:
    try:
        if len(request.body) > LARGEST:
            raise Invalid(_("The form was not complete"))
        sent = json.loads(request.body)
        if not isinstance(sent, dict) or not isinstance(sent.get("content"), dict):
            raise Invalid(_("The form was not complete"))
        kept = deeds.keep_draft(
            signed_in(request), form=str(sent.get("form", "")), content=sent["content"]
        )
    except (ValueError, Refusal) as problem:
        status = problem.status if isinstance(problem, Refusal) else 400
        return JsonResponse({"error": str(problem)}, status=status)
    return JsonResponse({"kept": kept is not None})


def _place(draft: Draft) -> tuple[str, str]:
    """What a draft is for, and where one goes on with it."""
    kind, _colon, target = draft.form.partition(":")
    if kind == "thread" and target.isdecimal():
        thread = Thread.objects.filter(pk=int(target)).first()
        if thread is not None:
            return thread.title or _("An answer"), f"{thread.address}#reply"
    if kind == "edit" and target.isdecimal():
        return _("Changes to a post"), f"/posts/{target}/edit"
    return draft.content.get("title") or _("Untitled"), _FORMS.get(kind, "")


# Where forms of other rooms stand, by the first word of their names.
_FORMS = {"new-topic": "/forum/new", "new-article": "/blog/new", "new-note": "/notes/new"}

urlpatterns = [path("drafts", drafts)]
