"""A topic: its posts, what answered it, and where one reads on."""

from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path

from llmos.accounts.access import Viewer
from llmos.community.forum import queries
from llmos.community.forum.access import topic_for, topic_rights
from llmos.community.forum.models import Topic
from llmos.community.forum.pages.lists import badges
from llmos.community.forum.sql import shown_threads
from llmos.community.threads.access import post_for
from llmos.community.threads.addresses import post_address
from llmos.community.threads.errors import PostNotFound, ThreadNotFound
from llmos.community.threads.frame import conversation
from llmos.community.threads.models import Post
from llmos.hub.door import viewer_of_page


def topic(request: HttpRequest, thread_id: int, slug: str = "") -> HttpResponse:
    viewer = viewer_of_page(request)
    found = _topic_or_where(viewer, thread_id)
    if isinstance(found, str):
        return HttpResponseRedirect(found)
    thread = found.thread
    if request.path != thread.address:
        query = request.META.get("QUERY_STRING")
        return HttpResponseRedirect(quote(thread.address) + (f"?{query}" if query else ""))
    similar = shown_threads(found.similar)[: queries.SIMILAR_SHOWN]
    shown = conversation(request, thread)
    context = {
        **shown,
        "topic": found,
        "category": found.category,
        "may": topic_rights(viewer, found, moderates=shown["talk"].rights.moderate),
        "similar": similar,
        "badges": badges(similar),
    }
    return render(request, "forum/topic.html", context)


def at_post(request: HttpRequest, thread_id: int, slug: str, number: int) -> HttpResponse:
    """A post's own address leads to the page that holds it, also where it was moved since."""
    viewer = viewer_of_page(request)
    found = Post.objects.filter(thread_id=thread_id, number=number).first()
    found = found or queries.former_place(thread_id, number)
    if found is None:
        topic_for(viewer, thread_id)
        raise PostNotFound
    return HttpResponseRedirect(address_of(viewer, found))


def address_of(viewer: Viewer, post: Post) -> str:
    """Where a post is read. Raises PostNotFound."""
    seen = post_for(viewer, post.pk)
    return post_address(quote(seen.thread.address), seen.number)


def _topic_or_where(viewer: Viewer, thread_id: int) -> Topic | str:
    """The topic, or where its posts went when it was merged. Raises ThreadNotFound."""
    try:
        found = topic_for(viewer, thread_id)
        if found.thread.posts_count:
            return found
    except ThreadNotFound:
        moved = queries.former_place(thread_id, 1)
        if moved is None:
            raise
        return address_of(viewer, moved)
    moved = queries.former_place(thread_id, 1)
    return found if moved is None else address_of(viewer, moved)


urlpatterns = [
    path("t/<int:thread_id>", topic, name="topic"),
    path("t/<int:thread_id>/<str:slug>", topic),
    path("t/<int:thread_id>/<str:slug>/<int:number>", at_post),
]
