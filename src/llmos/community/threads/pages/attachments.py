"""Pictures and files of posts: taken in, and given to whoever sees the post."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from llmos.community.threads.attaching import (
    address_of,
    attach,
    attachment_for,
    file_response,
    markdown_of,
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
    return file_response(attachment_for(viewer_of_page(request), attachment_id))


urlpatterns = [
    path("attachments", take),
    path("attachments/<str:attachment_id>", give),
]
