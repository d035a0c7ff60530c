"""The forum's first page, categories, tags, and what waits for an answer."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.community.forum import queries
from llmos.community.forum.access import category_for, may_open
from llmos.community.forum.listing import ORDERS, Watches, Wish, page_of, pinned_in, watches_of
from llmos.community.forum.words import kind_icon, kind_word, language_word
from llmos.community.threads.access import is_moderator
from llmos.community.threads.frame import rows
from llmos.community.threads.models import Tag, Thread
from llmos.community.threads.tags import tag_named
from llmos.hub.additions import Named, beside
from llmos.hub.door import viewer_of_page
from llmos.kit.errors import NotFound

POPULAR_TAGS = 15
UNSOLVED_SHOWN = 20


def forum(request: HttpRequest) -> HttpResponse:
    viewer = viewer_of_page(request)
    wish, watches = wish_of(request, viewer, Wish("/forum")), watches_of(viewer)
    context = {
        **listed(viewer, wish, watches),
        "shelves": queries.shelves(watches.categories),
        "routes": queries.routed_to(viewer),
        "tags": queries.tags_in_use(most=POPULAR_TAGS),
        "waiting": queries.waiting().count(),
        "kind_icon": kind_icon,
    }
    return render(request, "forum/forum.html", context)


def category(request: HttpRequest, slug: str) -> HttpResponse:
    viewer, found = viewer_of_page(request), category_for(slug)
    watches = watches_of(viewer)
    wish = wish_of(request, viewer, Wish(found.address, category=found))
    pinned = pinned_in(found) if wish.order == ORDERS[0] and not wish.after else []
    context = {
        **listed(viewer, wish, watches, above=pinned),
        "category": found,
        "watch": watches.categories.get(found.pk, 0),
        "may_open": may_open(viewer, found),
        "kind_word": kind_word(found.kind),
        "kind_icon": kind_icon,
    }
    return render(request, "forum/category.html", context)


def tags(request: HttpRequest) -> HttpResponse:
    words = request.GET.get("q", "").strip()[:60]
    context = {"tags": queries.tags_in_use(words), "words": words}
    return render(request, "forum/tags.html", context)


def tag(request: HttpRequest, name: str) -> HttpResponse:
    viewer, found = viewer_of_page(request), tag_for(name)
    wish = wish_of(request, viewer, Wish(tag_address(found), tag=found))
    context = {
        **listed(viewer, wish, watches_of(viewer)),
        "tag": found,
        "aliases": list(found.aliases.values_list("alias", flat=True)),
        "beside": beside(request, Named("tag", str(found.pk), f"tags/{found.name}")),
        "may_change": is_moderator(viewer),
    }
    return render(request, "forum/tag.html", context)


def unanswered(request: HttpRequest) -> HttpResponse:
    viewer = viewer_of_page(request)
    queues, unsolved = queries.starving(), queries.unsolved(UNSOLVED_SHOWN)
    threads = [*(one for queue in queues for one in queue.threads), *unsolved]
    made = {row.thread.pk: row for row in rows(viewer, threads)}
    context = {
        "queues": [(queue, [made[one.pk] for one in queue.threads]) for queue in queues],
        "unsolved": [made[one.pk] for one in unsolved],
        "routes": queries.routed_to(viewer),
        "places": places(threads),
        "language_word": language_word,
    }
    return render(request, "forum/unanswered.html", context)


def wish_of(request: HttpRequest, viewer: Viewer, wish: Wish) -> Wish:
    """What the address asks for; an order that makes no sense is the first one."""
    order = request.GET.get("order", "")
    known = order in ORDERS and (order != "unread" or not viewer.is_anonymous)
    return Wish(
        base=wish.base,
        order=order if known else ORDERS[0],
        category=wish.category,
        tag=wish.tag,
        after=request.GET.get("after", "")[:60],
    )


def listed(
    viewer: Viewer, wish: Wish, watches: Watches, *, above: list[Thread] | None = None
) -> dict[str, Any]:
    """What `forum/list.html` shows."""
    page = page_of(viewer, wish, watches=watches)
    threads = [*(above or []), *page.threads]
    return {
        "wish": wish,
        "orders": _orders(viewer, wish),
        "rows": rows(viewer, threads),
        "places": {} if wish.category else places(threads),
        "badges": badges(threads),
        "first": wish.address() if wish.after else None,
        "next": wish.address(after=page.cursor) if page.cursor else None,
    }


def places(threads: list[Thread]) -> dict[int, tuple[str, str]]:
    """The category of each topic, as a list shows it beside its title."""
    shelves = queries.categories_by_id() if threads else {}
    labels = {pk: (shelf.title, shelf.address) for pk, shelf in shelves.items()}
    return {one.pk: labels[one.shelf] for one in threads if one.shelf in labels}


def badges(threads: list[Thread]) -> dict[int, tuple[str, str]]:
    """Solved, or still open, where topics ask."""
    solved, waits = (_("solved"), "good"), (_("unanswered"), "doubt")
    found = {}
    for one in threads:
        topic = getattr(one, "topic", None)
        if topic is not None and topic.is_solved:
            found[one.pk] = solved
        elif topic is not None and topic.waits:
            found[one.pk] = waits
    return found


def tag_for(name: str) -> Tag:
    """The tag of any spelling. Raises NotFound."""
    found = tag_named(name)
    if found is None:
        raise NotFound(_("There is no such tag"))
    return found


def tag_address(found: Tag) -> str:
    return f"/forum/tags/{found.name}"


def _orders(viewer: Viewer, wish: Wish) -> list[str]:
    """Those that make sense: visitors leave off nowhere, announcements wait for no answer."""
    without = {"unread"} if viewer.is_anonymous else set()
    if wish.category is not None and not wish.category.asks:
        without.add("unanswered")
    return [one for one in ORDERS if one not in without]


urlpatterns = [
    path("forum", forum, name="forum"),
    path("forum/c/<slug:slug>", category, name="category"),
    path("forum/tags", tags, name="tags"),
    path("forum/tags/<str:name>", tag, name="tag"),
    path("forum/unanswered", unanswered, name="unanswered"),
]
