"""Lists of articles: the newest, those of a blog, of a series, one's own; and their feeds."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from llmos.accounts.access import ANONYMOUS, Viewer
from llmos.accounts.models import Namespace
from llmos.accounts.queries import namespaces_open_to
from llmos.community.blog import queries
from llmos.community.blog.access import blog_named
from llmos.community.blog.errors import SeriesNotFound
from llmos.community.blog.models import Article, Series
from llmos.community.blog.queries import Listed, Wish
from llmos.community.threads.feeds import ENTRIES, Entry, FeedKind, feed_response
from llmos.community.threads.models import Post, Tag
from llmos.community.threads.rendering import filled
from llmos.community.threads.tags import tag_named
from llmos.hub.access import may_create_in
from llmos.hub.additions import Panel
from llmos.hub.door import signed_in, viewer_of_page
from llmos.kit.errors import NotFound

BLOGS = "/blog"


def latest(request: HttpRequest) -> HttpResponse:
    viewer = viewer_of_page(request)
    context = {
        **_list(request, viewer, None),
        "may_write": not viewer.is_anonymous,
        "feed": BLOGS,
    }
    return render(request, "blog/latest.html", context)


def blog(request: HttpRequest, ns: str) -> HttpResponse:
    """All that was published in one name."""
    place = blog_named(ns)
    if place.name != ns:
        return HttpResponseRedirect(f"{BLOGS}/{place.name}")
    viewer = viewer_of_page(request)
    context = {
        **_list(request, viewer, place),
        "place": place,
        "series": queries.series_of_blog(viewer, place),
        "may_write": may_create_in(viewer, place),
        "feed": f"{BLOGS}/{place.name}",
    }
    return render(request, "blog/blog.html", context)


def series(request: HttpRequest, series_id: int) -> HttpResponse:
    found, articles = _series(viewer_of_page(request), series_id)
    context = {
        "series": found,
        "place": found.blog,
        "rows": queries.rows_of(articles),
        "minutes": sum(one.minutes for one in articles),
        "feed": _series_address(found),
    }
    return render(request, "blog/series.html", context)


def own(request: HttpRequest) -> HttpResponse:
    """What one works on: drafts, invitations, what of a push was no article."""
    viewer = signed_in(request)
    assert viewer.user_id is not None  # it is signed in
    drafts, published = queries.own_articles(viewer.user_id)
    context = {
        "drafts": drafts,
        "published": published,
        "invitations": queries.invitations_of(viewer.user_id),
        "troubles": queries.troubles_of(viewer.user_id),
        "blogs": namespaces_open_to(viewer.user_id),
    }
    return render(request, "blog/own.html", context)


def latest_feed(request: HttpRequest, kind: FeedKind) -> HttpResponse:
    title = _("Articles on %(site)s") % {"site": request.get_host()}
    found = queries.articles(ANONYMOUS, _wish(request, None), limit=ENTRIES)
    return _feed(request, kind, found.rows, title, BLOGS)


def blog_feed(request: HttpRequest, ns: str, kind: FeedKind) -> HttpResponse:
    place = blog_named(ns)
    title = place.full_name or place.name
    found = queries.articles(ANONYMOUS, _wish(request, place), limit=ENTRIES)
    return _feed(request, kind, found.rows, title, f"{BLOGS}/{place.name}")


def series_feed(request: HttpRequest, series_id: int, kind: FeedKind) -> HttpResponse:
    """The newest parts first, whatever their order in the series."""
    found, articles = _series(ANONYMOUS, series_id)
    rows = sorted(queries.rows_of(articles), key=_published_at, reverse=True)
    return _feed(request, kind, rows[:ENTRIES], found.title, _series_address(found))


def on_profile(request: HttpRequest, place: Namespace) -> Panel | None:
    """The newest articles of a member or an organisation, on their page."""
    viewer = viewer_of_page(request)
    found = queries.articles(viewer, Wish(blog=place), limit=3)
    if not found.rows:
        return None
    context = {"rows": found.rows, "address": f"{BLOGS}/{place.name}"}
    return Panel("blog/profile.html", context)


def _list(request: HttpRequest, viewer: Viewer, place: Namespace | None) -> dict[str, Any]:
    """One page of a list, and how it can be narrowed."""
    wish = _wish(request, place)
    page = queries.articles(viewer, wish)
    return {
        "rows": page.rows,
        "wish": wish,
        "languages": queries.languages(blog=place),
        "previous": _address(request, "") if wish.after else "",
        "following": _address(request, page.cursor) if page.cursor else "",
        "narrowed": lambda **changes: _address(request, "", **changes),
    }


def _wish(request: HttpRequest, place: Namespace | None) -> Wish:
    """What the address asks for. Raises NotFound for a tag that nobody uses."""
    asked = request.GET
    tag: Tag | None = None
    if word := asked.get("tag", "")[:60]:
        tag = tag_named(word)
        if tag is None:
            raise NotFound(_("No article has this tag"))
    language = asked.get("language", "")[:12]
    return Wish(place, tag, language, asked.get("after", "")[:60])


def _address(request: HttpRequest, after: str | None, **changes: str) -> str:
    """The same list from another place on, or with another filter."""
    asked = request.GET.copy()
    asked.pop("after", None)
    for name, value in {**changes, "after": after or ""}.items():
        asked.pop(name, None)
        if value:
            asked[name] = value
    return f"{request.path}?{asked.urlencode()}" if asked else request.path


def _series(viewer: Viewer, series_id: int) -> tuple[Series, list[Article]]:
    """A series and what the viewer finds in it, part by part. Raises SeriesNotFound."""
    found = Series.objects.select_related("blog").filter(pk=series_id).first()
    articles = queries.articles_of_series(viewer, found) if found else []
    if found is None or not articles:
        raise SeriesNotFound
    return found, articles


def _series_address(series: Series) -> str:
    return f"{BLOGS}/series/{series.pk}"


def _feed(
    request: HttpRequest, kind: FeedKind, found: list[Listed], title: str, address: str
) -> HttpResponse:
    """What somebody without an account may read, whole."""
    texts = _texts([row.article for row in found])
    return feed_response(
        request,
        kind,
        title=title,
        address=address,
        entries=[_entry(row, *texts[row.article.pk]) for row in found],
    )


def _texts(articles: list[Article]) -> dict[int, tuple[Post, str]]:
    posts = list(Post.objects.filter(thread__in=[one.pk for one in articles], number=1))
    html = filled(posts, ANONYMOUS)
    return {post.thread_id: (post, html[post.pk]) for post in posts}


def _published_at(row: Listed) -> datetime:
    assert row.thread.published_at is not None  # lists show nothing else
    return row.thread.published_at


def _entry(row: Listed, post: Post, html: str) -> Entry:
    thread, published_at = row.thread, _published_at(row)
    return Entry(
        title=thread.title,
        address=thread.address,
        html=html,
        author=", ".join(one.username for one in row.authors[:1]),
        at=published_at,
        updated=max(published_at, post.edited_at or published_at),
        language=thread.language,
        tags=[tag.name for tag in row.tags],
    )


urlpatterns = [
    path("blog", latest),
    path("blog.atom", latest_feed, {"kind": "atom"}),
    path("blog.json", latest_feed, {"kind": "json"}),
    path("blog/drafts", own),
    path("blog/series/<int:series_id>", series),
    path("blog/series/<int:series_id>.atom", series_feed, {"kind": "atom"}),
    path("blog/series/<int:series_id>.json", series_feed, {"kind": "json"}),
    path("blog/<str:ns>.atom", blog_feed, {"kind": "atom"}),
    path("blog/<str:ns>.json", blog_feed, {"kind": "json"}),
    path("blog/<str:ns>", blog),
]
