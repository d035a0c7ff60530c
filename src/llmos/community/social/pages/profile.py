"""On the page of a member or an organisation: what they gave, and what they did last."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from llmos.accounts.models import Namespace
from llmos.community.social import queries
from llmos.community.social.access import of_namespace, subject_named
from llmos.community.social.credit import contributions
from llmos.community.social.errors import NothingToFollow
from llmos.community.social.pages.lines import shown
from llmos.community.social.plots import bars_of
from llmos.community.social.words import credit_words
from llmos.community.threads.models import Watch
from llmos.hub.additions import Panel
from llmos.hub.door import viewer_of_page

LATEST = 5
ROWS_A_PAGE = 50


def facts(request: HttpRequest, place: Namespace) -> Panel | None:
    """In the line under the name: followers, and whom they follow."""
    subject = of_namespace(place)
    is_member = subject.kind == Watch.Kind.MEMBER
    context = {
        "name": place.name,
        "followers": queries.count_followers(subject.kind, subject.target),
        "following": queries.count_following(int(subject.target)) if is_member else None,
        "feed": subject.feed,
    }
    return Panel("social/facts.html", context)


def given(request: HttpRequest, place: Namespace) -> Panel | None:
    """Contributions by kind, each with its list."""
    if place.kind != Namespace.Kind.USER:
        return None
    counts = queries.credits_by_kind(place.user.pk)
    is_own = viewer_of_page(request).user_id == place.user.pk
    if not any(counts.values()) and not is_own:
        return None
    months = queries.credits_by_month(place.user.pk)
    context = {
        "name": place.name,
        "rows": _rows(counts),
        "plot": bars_of([month.total for month in months]),
        "total": sum(counts.values()),
        "is_own": is_own,
    }
    return Panel("social/given.html", context)


def lately(request: HttpRequest, place: Namespace) -> Panel | None:
    """The newest of what they did, as far as the viewer may see."""
    subject, viewer = of_namespace(place), viewer_of_page(request)
    found = queries.latest(viewer, subject.kind, subject.target, limit=LATEST)
    if not found:
        return None
    return Panel("social/lately.html", {"items": shown(viewer, found), "feed": subject.feed})


def given_list(request: HttpRequest, ns: str) -> HttpResponse:
    """All contributions of a member of one kind, and the last twelve months of all."""
    viewer = viewer_of_page(request)
    subject = subject_named(viewer, ns)
    if subject.kind != Watch.Kind.MEMBER:
        raise NothingToFollow
    user_id = int(subject.target)
    counts, words = queries.credits_by_kind(user_id), credit_words()
    kind = request.GET.get("kind", "")
    if kind not in counts:
        kind = next((name for name, count in counts.items() if count), "model")
    before = request.GET.get("before", "")
    credited = queries.credits_of(
        user_id,
        kind,
        limit=ROWS_A_PAGE + 1,
        before=int(before) if before.isdecimal() and len(before) < 19 else None,
    )
    more, credited = len(credited) > ROWS_A_PAGE, credited[:ROWS_A_PAGE]
    months = queries.credits_by_month(user_id)
    context: dict[str, Any] = {
        "subject": subject,
        "rows": _rows(counts),
        "kind": kind,
        "months": months,
        "columns": [pair for pair in words.items() if any(pair[0] in one.counts for one in months)],
        "plot": bars_of([month.total for month in months]),
        "found": contributions(viewer, credited),
        "next": f"/contributions/{subject.path}?kind={kind}&before={credited[-1].pk}"
        if more
        else "",
    }
    return render(request, "social/contributions.html", context)


def _rows(counts: dict[str, int]) -> list[tuple[str, str, int]]:
    words = credit_words()
    return [(kind, words[kind], count) for kind, count in counts.items()]


urlpatterns = [path("contributions/<str:ns>", given_list)]
