"""What happened around one thing, as a page and as feeds for readers."""

from collections.abc import Sequence
from typing import get_args

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, re_path
from django.utils.translation import gettext as _
from markupsafe import Markup

from llmos.accounts.access import ANONYMOUS
from llmos.community.social.access import Seen, Subject, activity_for, subject_named
from llmos.community.social.errors import NothingToFollow
from llmos.community.social.feed import Wish, home_feed
from llmos.community.social.pages.lines import Shown, shown
from llmos.community.social.queries import latest
from llmos.community.social.words import line_of
from llmos.community.threads.feeds import ENTRIES, Entry, FeedKind, feed_response
from llmos.community.threads.queries import tags_of
from llmos.hub.additions import Named, NameKind, beside
from llmos.hub.door import viewer_of_page

ITEMS_A_PAGE = 30
_NAMES: dict[str, NameKind] = {name: name for name in get_args(NameKind)}


def about(request: HttpRequest, what: str) -> HttpResponse:
    """What happened around a member, an organisation, a repository, a tag or a task."""
    viewer = viewer_of_page(request)
    subject = subject_named(viewer, what)
    if subject.path != what:
        return HttpResponseRedirect(subject.feed)
    before = request.GET.get("before", "")
    found = latest(
        viewer,
        subject.kind,
        subject.target,
        limit=ITEMS_A_PAGE,
        before=int(before) if before.isdecimal() and len(before) < 19 else None,
    )
    more = len(found) == ITEMS_A_PAGE
    context = {
        "subject": subject,
        "items": shown(viewer, found),
        "next": f"{subject.feed}?before={found[-1].activity.pk}" if more else "",
        "beside": beside(request, _named(subject)),
    }
    return render(request, "social/about.html", context)


def feed_about(request: HttpRequest, what: str, kind: FeedKind) -> HttpResponse:
    """The same for feed readers: what everybody may see."""
    try:
        subject = subject_named(ANONYMOUS, what)
    except NothingToFollow:
        return about(request, f"{what}.{kind}")  # a repository may be called so
    found = latest(ANONYMOUS, subject.kind, subject.target, limit=ENTRIES)
    return feed_response(
        request,
        kind,
        title=_title(subject),
        address=subject.feed,
        entries=_entries(found),
    )


def feed_of_all(request: HttpRequest, kind: FeedKind) -> HttpResponse:
    """Everything public that happens here."""
    page = home_feed(ANONYMOUS, Wish(everything=True, size=ENTRIES))
    return feed_response(
        request,
        kind,
        title=_("What happens here"),
        address="/feed",
        entries=_entries(page.items),
    )


def activity(request: HttpRequest, activity_id: int) -> HttpResponse:
    """The lasting address of an activity leads to what it is about."""
    found = activity_for(viewer_of_page(request), activity_id)
    return HttpResponseRedirect(line_of(found).address)


def _named(subject: Subject) -> Named:
    return Named(_NAMES[subject.kind], subject.target, subject.path)


def _title(subject: Subject) -> str:
    return _("News of %(name)s") % {"name": subject.title}


def _entries(found: Sequence[Seen]) -> list[Entry]:
    tags = tags_of([one.activity.thread_id for one in found if one.activity.thread_id])
    return [
        _entry(one, [tag.name for tag in tags.get(one.line.seen.activity.thread_id or 0, [])])
        for one in shown(ANONYMOUS, found)
    ]


def _entry(one: Shown, tags: list[str]) -> Entry:
    line, activity = one.line, one.line.seen.activity
    link = Markup('<p><a href="{}">{}</a></p>').format(line.address, line.title)
    words = link + Markup("<p>{}</p>").format(line.about)
    return Entry(
        title=f"{line.sentence}: {line.title}" if line.title else line.sentence,
        address=line.address,
        html=str(words if one.html is None else one.html),
        author=line.who,
        at=activity.at,
        language=activity.language,
        tags=tags,
        id=f"/activity/{activity.pk}",
    )


_KIND = r"\.(?P<kind>atom|json)$"
urlpatterns = [
    re_path("^feed" + _KIND, feed_of_all),
    re_path("^feed/(?P<what>.+)" + _KIND, feed_about),
    path("feed/<path:what>", about),
    path("activity/<int:activity_id>", activity),
]
