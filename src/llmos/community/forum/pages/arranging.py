"""For moderators: put a topic elsewhere, make posts a topic of their own, join two topics."""

import re
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from llmos.accounts.access import Viewer
from llmos.community.forum import moving, queries
from llmos.community.forum.access import category_for, topic_for
from llmos.community.forum.actions import moderator
from llmos.community.forum.models import Topic
from llmos.community.forum.sql import shown_threads
from llmos.community.threads.models import Post
from llmos.hub.door import signed_in
from llmos.kit.errors import Invalid, Refusal

POSTS_SHOWN = 200  # to choose among; from the first one asked for
_TOPIC = re.compile(r"(?:.*/t/|#?)(\d{1,18})(?:[/?#].*)?")


@require_GET
def arrange(request: HttpRequest, thread_id: int) -> HttpResponse:
    _viewer, topic = _moderated(request, thread_id)
    return _page(request, topic)


@require_POST
def move(request: HttpRequest, thread_id: int) -> HttpResponse:
    viewer, topic = _moderated(request, thread_id)
    try:
        category = category_for(request.POST.get("category", ""), retired=False)
        moving.move(viewer, topic=topic, category=category, seen=request.POST.get("seen", ""))
    except Refusal as refusal:
        return _page(request, topic, refusal)
    return HttpResponseRedirect(quote(topic.thread.address))


@require_POST
def split(request: HttpRequest, thread_id: int) -> HttpResponse:
    viewer, topic = _moderated(request, thread_id)
    chosen = [int(one) for one in request.POST.getlist("post") if one.isdecimal() and len(one) < 18]
    try:
        made = moving.split(
            viewer,
            topic=topic,
            post_ids=chosen,
            title=request.POST.get("title", ""),
            category=category_for(request.POST.get("category", ""), retired=False),
        )
    except Refusal as refusal:
        return _page(request, topic, refusal)
    return HttpResponseRedirect(quote(made.thread.address))


@require_POST
def merge(request: HttpRequest, thread_id: int) -> HttpResponse:
    viewer, topic = _moderated(request, thread_id)
    try:
        into = topic_for(viewer, _number_in(request.POST.get("into", "")))
        moving.merge(viewer, topic=topic, into=into)
    except Refusal as refusal:
        return _page(request, topic, refusal)
    return HttpResponseRedirect(quote(into.thread.address))


def _moderated(request: HttpRequest, thread_id: int) -> tuple[Viewer, Topic]:
    viewer = signed_in(request)
    moderator(viewer)
    return viewer, topic_for(viewer, thread_id)


def _page(request: HttpRequest, topic: Topic, refusal: Refusal | None = None) -> HttpResponse:
    """The three forms; what was refused stands in them still."""
    asked = request.GET.get("post", "")
    chosen = set(request.POST.getlist("post")) | ({asked} if asked else set())
    first = Post.objects.filter(thread=topic.thread, pk=int(asked)) if asked.isdecimal() else None
    start = (first.first() if first is not None else None) or Post(number=2)
    found = Post.objects.filter(thread=topic.thread, number__gte=max(2, start.number - 5), deed="")
    posts = found.select_related("author").order_by("number")[:POSTS_SHOWN]
    context = {
        "topic": topic,
        "thread": topic.thread,
        "category": topic.category,
        "categories": queries.categories(),
        "posts": list(posts),
        "chosen": chosen,
        "similar": shown_threads(topic.similar),
        "refusal": refusal,
        "said": request.POST,
    }
    status = refusal.status if refusal else 200
    return render(request, "forum/arrange.html", context, status=status)


def _number_in(said: str) -> int:
    """A topic by its number or its address. Raises Invalid."""
    found = _TOPIC.fullmatch(said.strip())
    if found is None:
        raise Invalid(_("Name the other topic by its address: /t/12/title"))
    return int(found[1])


urlpatterns = [
    path("t/<int:thread_id>/arrange", arrange),
    path("t/<int:thread_id>/move", move),
    path("t/<int:thread_id>/split", split),
    path("t/<int:thread_id>/merge", merge),
]
