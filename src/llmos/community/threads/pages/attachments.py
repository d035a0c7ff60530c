"""Pictures and files of posts: taken in, and given to whoever sees the post."""

from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from llmos.community.threads.attaching import (
    SHOWN_IN_PAGES,
    address_of,
    attach,
    attachment_for,
    markdown_of,
    path_of,
)
from llmos.hub.door import signed_in, viewer_of_page
from llmos.kit.errors import Invalid, Refusal


@require_POST
def take(request: HttpRequest) -> HttpResponse:
    """One file for the page's script, which puts `markdown` into the text."""
    viewer = signed_in(request)
    try:
        upload = request.FILES.get("file")
        if upload is None:
            raise Invalid(_("Choose at least one file"))
        kept = attach(viewer, upload)
    except Refusal as refusal:
        return JsonResponse({"error": refusal.message}, status=refusal.status)
    return JsonResponse({"markdown": markdown_of(kept), "address": address_of(kept)}, status=201)


@require_GET
def give(request: HttpRequest, attachment_id: str) -> HttpResponseBase:
    found = attachment_for(viewer_of_page(request), attachment_id)
    is_picture = found.media_type in SHOWN_IN_PAGES
    response = FileResponse(
        path_of(found.pk).open("rb"),
        as_attachment=not is_picture,
        filename=found.name,
        content_type=found.media_type if is_picture else "application/octet-stream",
    )
    # Whatever a browser takes it for, nothing in it runs.
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, max-age=3600"
    return response


urlpatterns = [
    path("attachments", take),
    path("attachments/<str:attachment_id>", give),
]
