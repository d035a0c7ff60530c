"""The posts that a member has put a bookmark into."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from llmos.community.threads import queries
from llmos.community.threads.access import sees, sees_post
from llmos.community.threads.addresses import post_address
from llmos.community.threads.frame import asked_page
from llmos.hub.door import signed_in

ROWS = 30


def bookmarks(request: HttpRequest) -> HttpResponse:
    viewer = signed_in(request)
    assert viewer.user_id is not None  # it is signed in
    page = Paginator(queries.bookmarks_of(viewer.user_id), ROWS).get_page(asked_page(request))
    # What has been hidden from her since is left out.
    posts = [
        (row.post, post_address(row.post.thread.address, row.post.number), row.at)
        for row in page
        if sees(viewer, row.post.thread) and sees_post(viewer, row.post)
    ]
    return render(request, "threads/bookmarks.html", {"posts": posts, "page": page})


urlpatterns = [path("bookmarks", bookmarks)]
