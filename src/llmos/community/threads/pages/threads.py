"""What one does with a thread: answer, follow, read on, close, pin."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from llmos.accounts.access import Viewer
from llmos.community.threads import actions, deeds
from llmos.community.threads.access import (
    post_for,
    thread_for,
    thread_rights,
    thread_to_answer,
)
from llmos.community.threads.addresses import post_address
from llmos.community.threads.attaching import with_files
from llmos.community.threads.errors import PostNotFound
from llmos.community.threads.models import Post, State, Thread, Watch
from llmos.community.threads.pages.forms import (
    Again,
    compose_page,
    number_in,
    path_within,
    posted,
)
from llmos.hub.door import signed_in
from llmos.kit.errors import Conflict, Forbidden, Invalid, Refusal


def reply(request: HttpRequest, thread_id: int) -> HttpResponse:
    """Answer; what is refused is shown again with its words."""
    viewer = signed_in(request)
    if request.method != "POST":
        return HttpResponseRedirect(f"{thread_to_answer(viewer, thread_id).address}#reply")
    title, back = "", "/"
    try:
        thread = thread_to_answer(viewer, thread_id)
        title, back = thread.title, thread.address
        post = _answer(request, viewer, thread)
    except Refusal as refusal:
        again = Again(f"thread:{thread_id}", request.path, title or _("Your answer"), _("Answer"))
        return compose_page(request, again, values=posted(request), refusal=refusal, back=back)
    if thread.pk != thread_id:
        deeds.forget_draft(user_id=viewer.user_id or 0, form=f"thread:{thread_id}")
        messages.info(request, _("The conversation was merged into this one; your answer is here"))
    return HttpResponseRedirect(post_address(thread.address, post.number))


def _answer(request: HttpRequest, viewer: Viewer, thread: Thread) -> Post:
    reply_to = number_in(request, "reply_to")
    post = actions.write_post(
        viewer,
        thread=thread,
        text=with_files(viewer, request.POST.get("text", ""), request.FILES.getlist("files")),
        reply_to=_standing(viewer, thread, reply_to) if reply_to else None,
        language=language_in(request),
        key=request.POST.get("key") or None,
    )
    assert viewer.user_id is not None  # it has written
    deeds.forget_draft(user_id=viewer.user_id, form=f"thread:{thread.pk}")
    return post


def _standing(viewer: Viewer, thread: Thread, post_id: int) -> Post | None:
    """The answered post, if it still stands there: what was written to it is not lost with it."""
    try:
        post = post_for(viewer, post_id)
    except PostNotFound:
        return None
    return post if post.thread_id == thread.pk else None


@require_POST
def watch(request: HttpRequest, thread_id: int) -> HttpResponse:
    viewer = signed_in(request)
    thread = thread_to_answer(viewer, thread_id)
    level = request.POST.get("level", "")
    if level not in {str(value) for value in Watch.Level.values}:
        raise Invalid(_("The form was not complete"))
    deeds.set_watch(viewer, kind=Watch.Kind.THREAD, target=str(thread.pk), level=int(level))
    return _done(request, thread)


@require_POST
def read(request: HttpRequest, thread_id: int) -> HttpResponse:
    """Note how far she has read: by the page's script, or by a button without it."""
    viewer = signed_in(request)
    thread = thread_for(viewer, thread_id)
    number = number_in(request, "number")
    if number is None or viewer.user_id is None:
        raise Invalid(_("The form was not complete"))
    deeds.mark_read(user_id=viewer.user_id, thread=thread, number=number)
    return _done(request, thread)


@require_POST
def close(request: HttpRequest, thread_id: int) -> HttpResponse:
    thread, viewer = _moderated(request, thread_id)
    assert viewer.user_id is not None  # a moderator is a member
    closed = request.POST.get("on") == "1"
    actions.set_closed(thread=thread, user_id=viewer.user_id, closed=closed)
    return _done(request, thread)


@require_POST
def pin(request: HttpRequest, thread_id: int) -> HttpResponse:
    thread, viewer = _moderated(request, thread_id)
    assert viewer.user_id is not None  # a moderator is a member
    pinned = request.POST.get("on") == "1"
    actions.set_pinned(thread=thread, user_id=viewer.user_id, pinned=pinned)
    return _done(request, thread)


def language_in(request: HttpRequest) -> str:
    """The chosen language of a text, or "" where it is to be guessed."""
    chosen = request.POST.get("language", "")
    return chosen if chosen in {"en", "zh"} else ""


def _moderated(request: HttpRequest, thread_id: int) -> tuple[Thread, Viewer]:
    viewer = signed_in(request)
    thread = thread_for(viewer, thread_id)
    if not thread_rights(viewer, thread).moderate:
        raise Forbidden(_("Only moderators may do this"))
    if thread.state == State.REMOVED:
        raise Conflict(_("This conversation was removed or merged into another in the meantime"))
    return thread, viewer


def _done(request: HttpRequest, thread: Thread) -> HttpResponse:
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"ok": True})
    return HttpResponseRedirect(path_within(request.POST.get("next", ""), thread.address))


urlpatterns = [
    path("threads/<int:thread_id>/reply", reply),
    path("threads/<int:thread_id>/watch", watch),
    path("threads/<int:thread_id>/read", read),
    path("threads/<int:thread_id>/close", close),
    path("threads/<int:thread_id>/pin", pin),
]
