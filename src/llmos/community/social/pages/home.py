"""The home feed, and on the first page of the hub what is new in it."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.translation import get_language
from django.views.decorators.http import require_POST

from llmos.accounts.access import Viewer
from llmos.community.social import queries
from llmos.community.social.actions import LONGEST_NOTE, mark_seen
from llmos.community.social.feed import Wish, home_feed
from llmos.community.social.pages.follows import offered
from llmos.community.social.pages.lines import shown
from llmos.community.social.recording import POPULAR_FROM
from llmos.community.social.words import kind_words
from llmos.community.threads.frame import new_key
from llmos.hub.additions import Panel
from llmos.hub.door import signed_in, viewer_of_page

LANGUAGES = ("en", "zh")
SUGGESTED = 4  # of each kind
ON_FIRST_PAGE = 5
# Whoever follows less is shown what there is to follow beside the feed.
FEW_FOLLOWS = 5


def feed(request: HttpRequest) -> HttpResponse:
    viewer, wish = viewer_of_page(request), wish_of(request)
    page = home_feed(viewer, wish, reads=[get_language() or ""])
    count = queries.count_followed(viewer.user_id) if viewer.user_id else 0
    since = queries.seen_until(viewer.user_id) if viewer.user_id else None
    context: dict[str, Any] = {
        "wish": wish,
        "viewer": viewer,
        "items": shown(viewer, page.items, since=since),
        "next": address_of(wish, cursor=page.cursor) if page.cursor else "",
        "kinds": kind_words(),
        "languages": LANGUAGES,
        "count": count,
        "suggested": offered(viewer, each=SUGGESTED) if count < FEW_FOLLOWS else [],
        "key": new_key(),
        "longest_note": LONGEST_NOTE,
        "popular_from": POPULAR_FROM,
        "address_of": address_of,
    }
    return render(request, "social/feed.html", context)


@require_POST
def seen(request: HttpRequest) -> HttpResponse:
    viewer = signed_in(request)
    assert viewer.user_id is not None  # signed in
    mark_seen(user_id=viewer.user_id)
    return HttpResponseRedirect("/feed")


def news(request: HttpRequest) -> Panel | None:
    """On the first page: what is new among those that a member follows, or else everywhere."""
    viewer = viewer_of_page(request)
    own = viewer.user_id is not None and queries.count_followed(viewer.user_id) > 0
    items = _news(viewer, everything=not own)
    return Panel("social/news.html", {"items": items, "own": own}) if items else None


def _news(viewer: Viewer, *, everything: bool) -> list[Any]:
    """Her own notes are in her feed, but are no news to her."""
    wish = Wish(everything=everything, size=2 * ON_FIRST_PAGE)
    page = home_feed(viewer, wish, reads=[get_language() or ""])
    me = viewer.user_id
    others = [one for one in page.items if me is None or one.activity.actor_id != me]
    return shown(viewer, others[:ON_FIRST_PAGE])


def wish_of(request: HttpRequest) -> Wish:
    """What the address asks for; what makes no sense is left out."""
    asked = request.GET
    kind, language = asked.get("kind", ""), asked.get("language", "")
    return Wish(
        everything=asked.get("show") == "all" or request.user.is_anonymous,
        by_interest=asked.get("order") == "interest",
        kind=kind if kind in kind_words() else "",
        language=language if language in LANGUAGES else "",
        cursor=asked.get("after", ""),
    )


def address_of(wish: Wish, **changes: Any) -> str:
    """The feed's address with other choices; without `cursor` from the beginning."""
    asked = {
        "show": "all" if changes.get("everything", wish.everything) else "",
        "order": "interest" if changes.get("by_interest", wish.by_interest) else "",
        "kind": changes.get("kind", wish.kind),
        "language": changes.get("language", wish.language),
        "after": changes.get("cursor", ""),
    }
    chosen = urlencode({name: value for name, value in asked.items() if value})
    return f"/feed?{chosen}" if chosen else "/feed"


urlpatterns = [path("feed", feed, name="feed"), path("feed/seen", seen)]
