"""An article as it is read, its twins for machines, and drafts behind a shared link."""

import re
from collections.abc import Sequence
from typing import Any

import yaml
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path
from django.utils.encoding import iri_to_uri
from markupsafe import Markup

from llmos.accounts.access import ANONYMOUS
from llmos.accounts.models import User
from llmos.community.blog import citation, queries
from llmos.community.blog.access import article_for, article_shared, may_edit
from llmos.community.blog.actions import first_post
from llmos.community.blog.citation import Citable
from llmos.community.blog.models import Article
from llmos.community.blog.reading import outline_of
from llmos.community.threads.attaching import attached_to, file_response
from llmos.community.threads.frame import conversation
from llmos.community.threads.models import Post, Tag
from llmos.community.threads.queries import tags_of
from llmos.community.threads.rendering import filled
from llmos.hub.door import viewer_of_page
from llmos.kit.config import current
from llmos.kit.time import now
from llmos.store.config import ServerSettings

# In stored HTML every `<` of a text is escaped, so these are tags and nothing else.
_ATTACHED = re.compile(r'(<(?:a|img)\b[^>]*?\s(?:href|src)=")/attachments/')


def article(request: HttpRequest, ns: str, slug: str) -> HttpResponse:
    viewer = viewer_of_page(request)
    found = article_for(viewer, ns, slug)
    if found.thread.address != f"/blog/{ns}/{slug}":
        return HttpResponseRedirect(iri_to_uri(found.thread.address) or "/")
    talk = conversation(request, found.thread, lead=True)
    lead = talk["talk"].lead
    context = {
        **talk,
        **_words(request, found, lead.post, lead.html, talk["talk"].tags),
        "time_zone": settings.TIME_ZONE,
        "may_edit": may_edit(viewer, found),
        "is_invited": queries.is_invited(viewer.user_id, found),
        "neighbours": queries.neighbours_of(viewer, found),
        "translations": queries.translations_of(viewer, found),
    }
    return render(request, "blog/article.html", context)


def preview(request: HttpRequest, key: str) -> HttpResponse:
    """A draft for whoever has the link; one that is published meanwhile leads to its place."""
    found = article_shared(key)
    published_at = found.thread.published_at
    if published_at is not None and published_at <= now():
        return HttpResponseRedirect(iri_to_uri(found.thread.address) or "/")
    post = first_post(found.thread)
    html = filled([post], ANONYMOUS)[post.pk]
    own = Markup(_ATTACHED.sub(rf"\1{request.path}/", html))  # noqa: S704 - addresses of ours
    response = render(request, "blog/preview.html", _words(request, found, post, own, _tags(found)))
    # Neither found by search engines nor told to pages that the draft links to.
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def preview_file(request: HttpRequest, key: str, attachment_id: str) -> HttpResponseBase:
    """A picture of a draft, as long as its link is good."""
    post = first_post(article_shared(key).thread)
    return file_response(attached_to(post, attachment_id))


def markdown(request: HttpRequest, ns: str, slug: str) -> HttpResponse:
    """The text as it was written, with what else its authors said in front."""
    found = article_for(viewer_of_page(request), ns, slug)
    front = yaml.safe_dump(_front(request, found), allow_unicode=True, sort_keys=False, width=1000)
    text = f"---\n{front}---\n\n{first_post(found.thread).text}\n"
    return HttpResponse(text, content_type="text/markdown; charset=utf-8")


def bibliography(request: HttpRequest, ns: str, slug: str) -> HttpResponse:
    found = article_for(viewer_of_page(request), ns, slug)
    text = citation.bibtex(_citable(request, found, queries.authors_of([found])[found.pk]))
    response = HttpResponse(text, content_type="application/x-bibtex; charset=utf-8")
    response.headers["Content-Disposition"] = 'inline; filename="article.bib"'
    return response


def _words(
    request: HttpRequest, found: Article, post: Post, html: Markup, tags: Sequence[Tag]
) -> dict[str, Any]:
    """What the text and everything around it says."""
    authors = queries.authors_of([found])[found.pk]
    cited = _citable(request, found, authors)
    return {
        "article": found,
        "thread": found.thread,
        "post": post,
        "html": html,
        "outline": outline_of(str(html)),
        "authors": authors,
        "tags": tags,
        "source": queries.source_of(found),
        "address": cited.address,
        "cover": _cover(request, found),
        "is_scheduled": _is_to_come(found),
        "is_draft": found.thread.published_at is None,
        "citations": [
            ("BibTeX", citation.bibtex(cited)),
            ("CITATION.cff", citation.cff(cited)),
        ],
        "cited": citation.plain(cited),
    }


def _tags(found: Article) -> Sequence[Tag]:
    return tags_of([found.pk]).get(found.pk, [])


def _is_to_come(found: Article) -> bool:
    return found.thread.published_at is not None and found.thread.published_at > now()


def _cover(request: HttpRequest, found: Article) -> str:
    """The picture's address on this page: behind a shared link attachments have their own."""
    prefix = "/attachments/"
    if "/blog/preview/" in request.path and found.cover.startswith(prefix):
        return f"{request.path}/{found.cover.removeprefix(prefix)}"
    return found.cover


def _citable(request: HttpRequest, found: Article, authors: Sequence[User]) -> Citable:
    thread, source = found.thread, queries.source_of(found)
    place = found.blog.full_name or found.blog.name
    day = (found.announced_at or thread.published_at or thread.created_at).date()
    return Citable(
        title=thread.title,
        authors=tuple(one.namespace.full_name or one.username for one in authors) or (place,),
        day=day,
        address=found.canonical or request.build_absolute_uri(iri_to_uri(thread.address)),
        publisher=f"{place}, {current(ServerSettings).name}",
        slug=found.slug,
        language=thread.language,
        summary=found.summary,
        version=source.commit if source else "",
    )


def _front(request: HttpRequest, found: Article) -> dict[str, Any]:
    thread, authors = found.thread, queries.authors_of([found])[found.pk]
    published_at = thread.published_at
    said: dict[str, Any] = {
        "title": thread.title,
        "authors": [one.username for one in authors],
        "published": published_at.isoformat(timespec="seconds") if published_at else None,
        "language": thread.language,
        "summary": found.summary,
        "tags": [tag.name for tag in _tags(found)],
        "cover": found.cover,
        "cover_text": found.cover_text,
        "canonical": found.canonical,
        "address": request.build_absolute_uri(iri_to_uri(thread.address)),
    }
    if found.series is not None:
        said["series"] = {"title": found.series.title, "part": found.part}
    return {name: value for name, value in said.items() if value}


urlpatterns = [
    path("blog/preview/<str:key>", preview),
    path("blog/preview/<str:key>/<str:attachment_id>", preview_file),
    path("blog/<str:ns>/<str:slug>.md", markdown),
    path("blog/<str:ns>/<str:slug>.bib", bibliography),
    path("blog/<str:ns>/<str:slug>", article),
]
