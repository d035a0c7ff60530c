"""What one does with a topic: accept an answer, vote, decline a question, follow a category."""

from urllib.parse import quote

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from llmos.community.forum import actions, polls
from llmos.community.forum.access import category_for, topic_for
from llmos.community.threads.access import post_for
from llmos.community.threads.addresses import post_address
from llmos.community.threads.deeds import set_watch
from llmos.community.threads.models import Watch
from llmos.hub.door import signed_in
from llmos.kit.errors import Conflict, Invalid


@require_POST
def accept(request: HttpRequest, post_id: int) -> HttpResponse:
    """Say which answer helped, or take that back; `seen` is the one accepted until now."""
    viewer = signed_in(request)
    post = post_for(viewer, post_id)
    topic = topic_for(viewer, post.thread_id)
    seen = request.GET.get("seen", "")
    try:
        if request.POST.get("on") == "1":
            known = int(seen) if seen.isdecimal() and len(seen) < 18 else None
            actions.accept(viewer, topic=topic, post=post, seen=known)
        else:
            actions.unaccept(viewer, topic=topic, post=post)
    except (Conflict, Invalid) as refusal:
        messages.error(request, refusal.message)
    return HttpResponseRedirect(post_address(quote(post.thread.address), post.number))


@require_POST
def vote(request: HttpRequest, post_id: int) -> HttpResponse:
    viewer = signed_in(request)
    poll = polls.poll_for(viewer, post_id)
    chosen = request.POST.getlist("choice")
    try:
        if not all(one.isdecimal() and len(one) < 6 for one in chosen):
            raise Invalid(_("This poll has no such choice"))
        polls.vote(viewer, poll=poll, places=[int(one) for one in chosen])
    except (Conflict, Invalid) as refusal:
        messages.error(request, refusal.message)
    return HttpResponseRedirect(post_address(quote(poll.post.thread.address), poll.post.number))


@require_POST
def decline(request: HttpRequest, thread_id: int) -> HttpResponse:
    """A question that was laid before a member is not for her."""
    actions.decline(signed_in(request), thread_id=thread_id)
    return HttpResponseRedirect("/forum")


@require_POST
def watch(request: HttpRequest, slug: str) -> HttpResponse:
    """How closely a member follows a category."""
    viewer, category = signed_in(request), category_for(slug)
    level = request.POST.get("level", "")
    if level not in {str(value) for value in Watch.Level.values}:
        raise Invalid(_("The form was not complete"))
    set_watch(viewer, kind=Watch.Kind.CATEGORY, target=str(category.pk), level=int(level))
    return HttpResponseRedirect(category.address)


urlpatterns = [
    path("posts/<int:post_id>/accept", accept),
    path("posts/<int:post_id>/vote", vote),
    path("t/<int:thread_id>/decline", decline),
    path("forum/c/<slug:slug>/watch", watch),
]
