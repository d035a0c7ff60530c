"""Opening a topic: category, title with what is similar, text, tags, a poll if wanted."""

import re
from datetime import UTC, datetime, time, timedelta
from urllib.parse import quote

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from markupsafe import Markup

from llmos.accounts.access import Viewer
from llmos.community.forum import queries, words
from llmos.community.forum.access import category_for, may_open
from llmos.community.forum.actions import open_topic
from llmos.community.forum.models import Category, Topic
from llmos.community.forum.pages.lists import badges
from llmos.community.forum.polls import Draft, poll_from
from llmos.community.threads.actions import LONGEST_TEXT
from llmos.community.threads.attaching import with_files
from llmos.community.threads.deeds import forget_draft
from llmos.community.threads.frame import new_key
from llmos.community.threads.models import Post
from llmos.community.threads.queries import draft_of
from llmos.community.threads.rendering import filled
from llmos.community.threads.rendering import render as rendered
from llmos.community.threads.tags import words_of
from llmos.hub.door import signed_in
from llmos.kit.errors import Invalid, Refusal
from llmos.kit.text import cleaned

FORM = "new-topic"
_FIELDS = (
    "category title text tags language key poll_question poll_choices poll_multiple poll_closes"
).split()
# A part of the outline that was left empty.
_EMPTY_PART = re.compile(r"^### [^\n]+\n(?=\s*(?:### |\Z))", re.MULTILINE)


def new(request: HttpRequest) -> HttpResponse:
    viewer = signed_in(request)
    if request.method != "POST":
        return _form(request, viewer, _begun(request, viewer))
    values = {name: request.POST[name] for name in _FIELDS if name in request.POST}
    if "preview" in request.GET:
        return _form(request, viewer, values, shown=_as_shown(viewer, values.get("text", "")))
    try:
        topic = _opened(request, viewer, values)
    except Refusal as refusal:
        return _form(request, viewer, values, refusal=refusal)
    assert viewer.user_id is not None  # she has written
    forget_draft(user_id=viewer.user_id, form=FORM)
    return HttpResponseRedirect(quote(topic.thread.address))


def similar(request: HttpRequest) -> HttpResponse:
    """What was talked about already, for whoever types a title."""
    found = queries.similar(request.GET.get("title", "")[:200])
    context = {"similar": found, "badges": badges(found)}
    return render(request, "forum/similar.html", context)


def _opened(request: HttpRequest, viewer: Viewer, values: dict[str, str]) -> Topic:
    if not values.get("category"):
        raise Invalid(_("Choose a category"))
    text = _EMPTY_PART.sub("", values.get("text", "").replace("\r\n", "\n"))
    language = values.get("language", "")
    return open_topic(
        viewer,
        category=category_for(values["category"]),
        title=values.get("title", ""),
        text=with_files(viewer, text, request.FILES.getlist("files")),
        tags=words_of(values.get("tags", "")),
        language=language if language in {"en", "zh"} else "",
        poll=_poll(values),
        key=values.get("key") or None,
    )


def _as_shown(viewer: Viewer, text: str) -> Markup:
    """The text as it will look."""
    html = rendered(cleaned(text)[:LONGEST_TEXT]).html
    return filled([Post(pk=0, html=html)], viewer)[0]


def _poll(values: dict[str, str]) -> Draft | None:
    day = values.get("poll_closes", "")
    closes = None
    if day:
        try:
            parsed = parse_date(day)
        except ValueError:
            parsed = None
        if parsed is None:
            raise Invalid(_("Write the poll's last day as 2026-12-31"))
        # The day itself still counts.
        closes = datetime.combine(parsed + timedelta(days=1), time(), UTC)
    return poll_from(
        question=values.get("poll_question", ""),
        choices=values.get("poll_choices", ""),
        is_multiple=bool(values.get("poll_multiple")),
        closes_at=closes,
    )


def _begun(request: HttpRequest, viewer: Viewer) -> dict[str, str]:
    """What stands in the form at first: a draft, what the address says, or the outline."""
    draft = draft_of(viewer.user_id, FORM)
    asked = {
        name: request.GET[name][:2000]
        for name in ("category", "title", "text", "tags")
        if name in request.GET
    }
    values = {**asked, **draft} if draft else asked
    values.setdefault("category", "")
    return values


def _form(
    request: HttpRequest,
    viewer: Viewer,
    values: dict[str, str],
    *,
    refusal: Refusal | None = None,
    shown: Markup | None = None,
) -> HttpResponse:
    open_to = [one for one in queries.categories() if may_open(viewer, one)]
    chosen = _chosen(open_to, values)
    if chosen is not None and not values.get("text"):
        values = {**values, "text": words.outline(chosen.kind)}
    near = queries.similar(values.get("title", ""))
    context = {
        "values": {**values, "category": chosen.slug if chosen else ""},
        "categories": open_to,
        "chosen": chosen,
        "advice": words.advice,
        "outline": words.outline,
        "kinds": list(dict.fromkeys(one.kind for one in open_to)),
        "refusal": refusal,
        "shown": shown,
        "key": values.get("key") or new_key(),
        "similar": near,
        "badges": badges(near),
    }
    status = refusal.status if refusal else 200
    return render(request, "forum/new.html", context, status=status)


def _chosen(open_to: list[Category], values: dict[str, str]) -> Category | None:
    """The category of the form; a question where nothing was said, since most come to ask."""
    for one in open_to:
        if one.slug == values.get("category"):
            return one
    return next((one for one in open_to if one.asks), open_to[0] if open_to else None)


urlpatterns = [
    path("forum/new", new, name="new-topic"),
    path("forum/similar", similar),
]
