"""What else one may do with a post: a page, whose list the conversation's script shows in place.

Pages of thirty posts need not carry thirty menus that hardly anybody opens.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.community.threads.access import is_moderator, post_for
from llmos.community.threads.actions import may_take_back
from llmos.community.threads.additions import Control, menu_of
from llmos.community.threads.addresses import post_address
from llmos.community.threads.models import Post
from llmos.hub.door import signed_in


def menu(request: HttpRequest, post_id: int) -> HttpResponse:
    viewer = signed_in(request)
    post = post_for(viewer, post_id)
    return render(
        request,
        "threads/menu.html",
        {
            "post": post,
            "controls": menu_of(viewer, post) + _own(viewer, post),
            "back": post_address(post.thread.address, post.number),
        },
    )


def _own(viewer: Viewer, post: Post) -> list[Control]:
    """Those of every conversation, whatever it stands in."""
    made = []
    if not post.deed and (post.author_id == viewer.user_id or is_moderator(viewer, post.thread)):
        words = _("Only I edit this") if post.is_wiki else _("Let others edit this")
        on = "0" if post.is_wiki else "1"
        made.append(Control(f"/posts/{post.pk}/wiki", words, "people", value=on))
    if may_take_back(viewer, post):
        made.append(Control(f"/posts/{post.pk}/back", _("Take it back"), "cross"))
    return made


urlpatterns = [path("posts/<int:post_id>/menu", menu)]
