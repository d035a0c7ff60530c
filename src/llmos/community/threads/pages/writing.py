"""While one writes: the preview, and whom `@` and what `#` may mean."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from markupsafe import Markup

from llmos.community.threads import queries
from llmos.community.threads.actions import LONGEST_TEXT
from llmos.community.threads.models import Post
from llmos.community.threads.pages.forms import Again, compose_page, path_within, posted
from llmos.community.threads.rendering import filled, render
from llmos.hub.door import signed_in
from llmos.kit.text import cleaned


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """The text as it will look: a fragment for the script, else a page with the form again."""
    viewer = signed_in(request)
    text = cleaned(request.POST.get("text", ""))[:LONGEST_TEXT]
    html = filled([Post(pk=0, html=render(text).html)], viewer)[0]
    if "application/json" in request.headers.get("Accept", ""):
        return JsonResponse({"html": html})
    back = path_within(request.POST.get("next", ""))
    again = Again(
        request.POST.get("form", "")[:60],
        path_within(request.POST.get("action", "")),
        _("Preview"),
        request.POST.get("button", "")[:40] or _("Send"),
    )
    return compose_page(
        request,
        again,
        values=posted(request),
        preview=html or Markup("<p>–</p>"),
        back=back,
    )


@require_GET
def mentions(request: HttpRequest) -> HttpResponse:
    """Members and organisations (`q`), or tags (`tag`), whose names begin with some letters."""
    viewer = signed_in(request)
    if "tag" in request.GET:
        offered = queries.tags_beginning(request.GET["tag"][:40])
    else:
        offered = queries.names_beginning(viewer, request.GET.get("q", "")[:96])
    return JsonResponse({"offered": offered})


urlpatterns = [path("preview", preview), path("mentions", mentions)]
