"""What waits for moderators, and the log of what was decided."""

from urllib.parse import urlencode

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from llmos.community.moderation import queries
from llmos.community.moderation.models import Case, Decision
from llmos.community.moderation.words import cause_of, deed_of
from llmos.community.threads.access import is_moderator, sees
from llmos.hub.door import signed_in, viewer_of_page

ROWS = 30


@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """Oldest first; the next page begins after the last row of this one."""
    viewer = signed_in(request)
    cause, kind = request.GET.get("cause", ""), request.GET.get("kind", "")
    waiting = queries.open_cases(viewer, cause=cause, kind=kind)
    after = Case.objects.filter(pk=_number(request, "after")).first()
    if after is not None:
        later = Q(opened_at=after.opened_at, pk__gt=after.pk)
        waiting = waiting.filter(Q(opened_at__gt=after.opened_at) | later)
    rows = list(waiting[: ROWS + 1])
    context = {
        "cases": rows[:ROWS],
        "next": _next("/moderation", rows, cause=cause, kind=kind) if len(rows) > ROWS else "",
        "first": "/moderation" if after is not None else "",
        "cause": cause if cause in Case.Cause.values else "",
        "cause_of": cause_of,
        "causes": [Case.Cause.REPORTED, Case.Cause.HELD, Case.Cause.MENDED],
        "active": "queue",
    }
    return render(request, "moderation/queue.html", context)


@require_GET
def log(request: HttpRequest) -> HttpResponse:
    """For everybody. Whom a decision concerns, only moderators read."""
    viewer = viewer_of_page(request)
    act = request.GET.get("act", "")
    found = queries.decisions(viewer, act=act)
    before = _number(request, "after")
    if before:
        found = found.filter(pk__lt=before)
    rows = list(found[: ROWS + 1])
    context = {
        "repositories": queries.repositories_among(viewer, rows),
        "decisions": [
            (one, one.post is not None and sees(viewer, one.post.thread)) for one in rows[:ROWS]
        ],
        "next": _next("/moderation/log", rows, act=act) if len(rows) > ROWS else "",
        "first": "/moderation/log" if before else "",
        "act": act if act in Decision.Act.values else "",
        "deed_of": deed_of,
        "moderates": is_moderator(viewer),
        "active": "log",
    }
    return render(request, "moderation/log.html", context)


def _next(address: str, rows: list[Case] | list[Decision], **wishes: str) -> str:
    kept = {name: value for name, value in wishes.items() if value}
    return f"{address}?{urlencode({**kept, 'after': rows[ROWS - 1].pk})}"


def _number(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 12 else 0
