"""On the first page of the hub: what is being talked about."""

from django.http import HttpRequest

from llmos.community.threads.cards import place_word
from llmos.community.threads.frame import rows
from llmos.community.threads.models import Thread
from llmos.community.threads.queries import talked_about_lately
from llmos.hub.additions import Panel
from llmos.hub.door import viewer_of_page

SHOWN = 5
_LISTS = {Thread.Place.TOPIC: "/forum", Thread.Place.ARTICLE: "/blog"}


def talked_about(request: HttpRequest) -> Panel | None:
    viewer = viewer_of_page(request)
    found = talked_about_lately(viewer, SHOWN)
    if not found:
        return None
    places = {
        thread.pk: (place_word(thread), _LISTS[Thread.Place(thread.place)]) for thread in found
    }
    return Panel("threads/talked_about.html", {"rows": rows(viewer, found), "places": places})
