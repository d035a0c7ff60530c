"""Which engines are in memory, for administrators: what they take, and a way to end them."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from llmos.hub.door import signed_in
from llmos.kit.errors import Forbidden
from llmos.serving.pages.later import page_after
from llmos.serving.pool import pool


@require_http_methods(["GET", "HEAD", "POST"])
def engines(request: HttpRequest) -> HttpResponseBase:
    """The list; a POST with an engine's key ends that engine first."""
    if not signed_in(request).is_admin:
        raise Forbidden(_("Only administrators of this hub see this page"))
    key = request.POST.get("key", "")

    async def work() -> dict[str, Any]:
        ended = bool(key) and await pool().unload(key)
        return {"ended": ended, "told": pool().described()}

    return page_after(work(), lambda found: _page(request, **found))


def _page(request: HttpRequest, *, ended: bool, told: Any) -> HttpResponse:
    if ended:
        messages.success(request, _("The engine is unloaded; the next request loads it again"))
    return render(request, "serving/engines.html", {"told": told})


urlpatterns = [path("serving", engines, name="serving")]
