"""Writing an article, and what its authors do with it: publish, share, invite, take back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.encoding import iri_to_uri
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.accounts.queries import namespaces_open_to
from llmos.community.blog import actions, queries
from llmos.community.blog.access import article_for, blog_named, may_edit
from llmos.community.blog.errors import KeptInRepository, NotYourArticle
from llmos.community.blog.files import EXAMPLE
from llmos.community.blog.models import Article
from llmos.community.blog.words import Words
from llmos.community.threads.actions import LONGEST_TEXT, set_closed
from llmos.community.threads.attaching import address_of, attach, with_files
from llmos.community.threads.deeds import forget_draft
from llmos.community.threads.errors import EditedMeanwhile
from llmos.community.threads.frame import new_key
from llmos.community.threads.models import Post
from llmos.community.threads.queries import draft_of, tags_of
from llmos.community.threads.rendering import filled
from llmos.community.threads.rendering import render as render_text
from llmos.hub.door import signed_in
from llmos.kit.errors import Invalid, Refusal
from llmos.kit.text import cleaned

NEW_FORM = "new-article"
_FIELDS = (
    "title text slug summary tags language cover cover_text canonical series part translates "
    "blog key note seen_edits"
).split()


def new(request: HttpRequest) -> HttpResponse:
    """A new article; it begins as a draft."""
    viewer = signed_in(request)
    assert viewer.user_id is not None  # it is signed in
    blogs = namespaces_open_to(viewer.user_id)
    if request.method != "POST":
        asked = {"blog": request.GET.get("blog", ""), "key": new_key()}
        return _form(request, asked | draft_of(viewer.user_id, NEW_FORM), blogs=blogs)
    values = _values(request)
    if "look" in request.GET:
        return _form(request, values, blogs=blogs, look=_look(viewer, values))
    try:
        values |= _with_cover(request, viewer)
        article = actions.write_article(
            viewer,
            blog=blog_named(request.POST.get("blog", "") or viewer.name),
            words=_said(request, viewer, values),
            key=request.POST.get("key") or None,
        )
        forget_draft(user_id=viewer.user_id, form=NEW_FORM)
    except Refusal as refusal:
        return _form(request, values, blogs=blogs, refusal=refusal)
    return _then(request, viewer, article)


def edit(request: HttpRequest, ns: str, slug: str) -> HttpResponse:
    """Change an article; if somebody was quicker, both texts are shown."""
    viewer = signed_in(request)
    article = article_for(viewer, ns, slug)
    post = actions.first_post(article.thread)
    source = queries.source_of(article)
    if source is not None:
        raise KeptInRepository(source.path, str(source.repository))
    if not may_edit(viewer, article) or viewer.user_id is None:
        raise NotYourArticle
    if request.method != "POST":
        begun = draft_of(viewer.user_id, f"edit:{post.pk}")
        return _form(request, _as_it_is(article, post) | begun, article=article, post=post)
    values = _values(request)
    if "look" in request.GET:
        look = _look(viewer, values)
        return _form(request, values, article=article, post=post, look=look)
    try:
        values |= _with_cover(request, viewer)
        edits = request.POST.get("seen_edits", "")
        actions.change_article(
            viewer,
            article=article,
            words=_said(request, viewer, values),
            seen_edits=int(edits) if edits.isdecimal() and len(edits) < 9 else -1,
            note=request.POST.get("note", ""),
        )
        forget_draft(user_id=viewer.user_id, form=f"edit:{post.pk}")
    except EditedMeanwhile as conflict:
        values["seen_edits"] = conflict.data["edits"]
        theirs = conflict.data["text"]
        return _form(request, values, article=article, post=post, refusal=conflict, theirs=theirs)
    except Refusal as refusal:
        return _form(request, values, article=article, post=post, refusal=refusal)
    return _then(request, viewer, queries.article_with(article.pk))


@require_POST
def deed(request: HttpRequest, ns: str, slug: str, name: str) -> HttpResponse:
    """One of the buttons beside an article."""
    viewer = signed_in(request)
    article = article_for(viewer, ns, slug)
    done = _DEEDS[name](request, viewer, article)
    if done.words:
        messages.success(request, done.words)
    return HttpResponseRedirect(done.address or iri_to_uri(article.thread.address) or "/")


@dataclass(frozen=True, slots=True)
class _Done:
    words: str = ""
    address: str = ""  # where to go; by default to the article


def _publish(request: HttpRequest, viewer: Viewer, article: Article) -> _Done:
    at = _moment(request.POST.get("publish_at", ""))
    actions.publish(viewer, article=article, at=at)
    return _Done(_("It is published.") if at is None else _("It will be published at that time."))


def _unpublish(request: HttpRequest, viewer: Viewer, article: Article) -> _Done:
    actions.unpublish(viewer, article=article)
    return _Done(_("It is a draft again; only its authors see it."))


def _share(request: HttpRequest, viewer: Viewer, article: Article) -> _Done:
    actions.share(viewer, article=article)
    return _Done(_("Whoever has the link reads the draft, until you take the link back."))


def _stop_sharing(request: HttpRequest, viewer: Viewer, article: Article) -> _Done:
    actions.stop_sharing(viewer, article=article)
    return _Done(_("The link opens nothing any more."))


def _invite(request: HttpRequest, viewer: Viewer, article: Article) -> _Done:
    actions.invite(viewer, article=article, name=request.POST.get("name", ""))
    return _Done(_("She or he is asked, and stands beside the authors on accepting."))


def _accept(request: HttpRequest, viewer: Viewer, article: Article) -> _Done:
    actions.accept_invitation(viewer, article=article)
    return _Done(_("You are an author of this article."))


def _leave(request: HttpRequest, viewer: Viewer, article: Article) -> _Done:
    """Somebody's name is taken away: one's own, or by the other authors."""
    user = request.POST.get("user", "")
    if not user.isdecimal() or len(user) > 18:
        raise Invalid(_("The form was not complete"))
    actions.remove_coauthor(viewer, article=article, user_id=int(user))
    return _Done(address="/blog/drafts" if int(user) == viewer.user_id else "")


def _comments(request: HttpRequest, viewer: Viewer, article: Article) -> _Done:
    if viewer.user_id is None or not may_edit(viewer, article):
        raise NotYourArticle
    closed = request.POST.get("closed") == "1"
    set_closed(thread=article.thread, user_id=viewer.user_id, closed=closed)
    return _Done()


def _discard(request: HttpRequest, viewer: Viewer, article: Article) -> _Done:
    actions.discard(viewer, article=article)
    return _Done(_("The draft is gone."), "/blog/drafts")


_DEEDS: dict[str, Callable[[HttpRequest, Viewer, Article], _Done]] = {
    "publish": _publish,
    "unpublish": _unpublish,
    "share": _share,
    "stop-sharing": _stop_sharing,
    "invite": _invite,
    "accept": _accept,
    "leave": _leave,
    "comments": _comments,
    "discard": _discard,
}


def _then(request: HttpRequest, viewer: Viewer, article: Article) -> HttpResponse:
    """To the article; published at once when that button was pressed."""
    if request.POST.get("then") == "publish":
        actions.publish(viewer, article=article)
        messages.success(request, _("It is published."))
    return HttpResponseRedirect(iri_to_uri(article.thread.address) or "/")


def _look(viewer: Viewer, values: dict[str, Any]) -> str:
    """The text as it will look: the way without script."""
    html = render_text(cleaned(values["text"])[:LONGEST_TEXT]).html
    return filled([Post(pk=0, html=html)], viewer)[0]


def _values(request: HttpRequest) -> dict[str, Any]:
    """What was typed, for the form if it has to be shown again."""
    return {name: request.POST.get(name, "") for name in _FIELDS}


def _with_cover(request: HttpRequest, viewer: Viewer) -> dict[str, str]:
    if request.POST.get("cover_none"):
        return {"cover": "", "cover_text": ""}
    upload = request.FILES.get("cover_file")
    if upload is None:
        return {}
    kept = attach(viewer, upload)
    if kept.width is None:
        raise Invalid(_("A cover is a PNG, JPEG, GIF or WebP picture"))
    return {"cover": address_of(kept)}


def _said(request: HttpRequest, viewer: Viewer, values: dict[str, Any]) -> Words:
    part = str(values["part"]).strip()
    if part and (not part.isdecimal() or len(part) > 6):
        raise Invalid(_("A part is a number"))
    if values["cover"] and not str(values["cover"]).startswith("/attachments/"):
        raise Invalid(_("A cover is a picture that was uploaded here"))
    return Words(
        title=values["title"],
        text=with_files(viewer, values["text"], request.FILES.getlist("files")),
        slug=values["slug"],
        summary=values["summary"],
        tags=tuple(word for word in values["tags"].replace("，", ",").split(",") if word.strip()),
        language=values["language"],
        cover=values["cover"],
        cover_text=values["cover_text"],
        canonical=values["canonical"],
        series=values["series"],
        part=int(part or 0),
        translates=values["translates"].strip(),
    )


def _as_it_is(article: Article, post: Post) -> dict[str, Any]:
    original = None
    if article.group is not None and article.group != article.pk:
        original = Article.objects.select_related("thread").filter(pk=article.group).first()
    return {
        "title": article.thread.title,
        "text": post.text,
        "slug": article.slug,
        "summary": article.summary,
        "tags": ", ".join(tag.name for tag in tags_of([article.pk]).get(article.pk, [])),
        "language": article.thread.language,
        "cover": article.cover,
        "cover_text": article.cover_text,
        "canonical": article.canonical,
        "series": article.series.title if article.series else "",
        "part": article.part or "",
        "translates": original.thread.address if original else "",
        "seen_edits": post.edits,
        "note": "",
    }


def _form(
    request: HttpRequest,
    values: dict[str, Any],
    *,
    blogs: list[Namespace] | None = None,
    article: Article | None = None,
    post: Post | None = None,
    refusal: Refusal | None = None,
    theirs: str = "",
    look: str = "",
) -> HttpResponse:
    context = {
        "values": {**dict.fromkeys(_FIELDS, ""), **values},
        "blogs": blogs or [],
        "article": article,
        "form": f"edit:{post.pk}" if post else NEW_FORM,
        "series_titles": queries.series_titles([article.blog] if article else blogs or []),
        "coauthors": queries.coauthors_of(article) if article else [],
        "refusal": refusal,
        "theirs": theirs,
        "look": look,
        "example": EXAMPLE.strip(),
    }
    return render(request, "blog/write.html", context, status=refusal.status if refusal else 200)


def _moment(value: str) -> datetime | None:
    """The time in a form, on the clock of this hub; None where nothing was chosen."""
    if not value.strip():
        return None
    try:
        found = parse_datetime(value.strip())
    except ValueError:
        found = None
    if found is None:
        raise Invalid(_("Choose a day and a time"))
    return found if timezone.is_aware(found) else timezone.make_aware(found)


urlpatterns = [
    path("blog/new", new),
    path("blog/<str:ns>/<str:slug>/edit", edit),
    *(path(f"blog/<str:ns>/<str:slug>/{name}", deed, {"name": name}) for name in _DEEDS),
]
