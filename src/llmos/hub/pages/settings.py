"""Settings of a repository: who sees it, its name, its protected branches, sign-off, its end."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from llmos.accounts.queries import namespaces_open_to
from llmos.hub import actions
from llmos.hub.additions import panels_of
from llmos.hub.addresses import repo_paths
from llmos.hub.door import Opened, opened
from llmos.hub.frame import repo_page
from llmos.hub.models import AccessRequest
from llmos.kit.errors import Invalid, Refusal


def settings(request: HttpRequest, type_: str, ns: str, name: str) -> HttpResponse:
    at = opened(request, type_, ns, name, wants="admin")
    if request.method == "POST":
        deed = _DEEDS.get(request.POST.get("deed", ""))
        if deed is None:
            raise Invalid(_("The form was not complete"))
        try:
            return deed(request, at)
        except Refusal as refusal:
            messages.error(request, refusal.message)
            return HttpResponseRedirect(f"{at.url}/settings")
    assert at.viewer.user_id is not None
    owners = [place.name for place in namespaces_open_to(at.viewer.user_id)]
    owner = at.repository.full_name.split("/")[0]
    asked = AccessRequest.objects.filter(repository=at.repository).select_related("user")
    return repo_page(
        request,
        at,
        "hub/settings.html",
        "settings",
        owners=owners if owner in owners else [owner, *owners],
        asked=asked.order_by("-created_at")[:200],
        panels=panels_of(request, at, "settings"),
    )


def _visibility(request: HttpRequest, at: Opened) -> HttpResponse:
    actions.change_settings(
        repository=at.repository,
        visibility=request.POST.get("visibility"),
        gated=request.POST.get("gated", ""),
    )
    messages.success(request, _("Saved"))
    return HttpResponseRedirect(f"{at.url}/settings")


def _protect(request: HttpRequest, at: Opened) -> HttpResponse:
    branches = request.POST.get("branches", "").split()
    actions.change_settings(repository=at.repository, protected_branches=branches)
    messages.success(request, _("Saved"))
    return HttpResponseRedirect(f"{at.url}/settings")


def _sign_off(request: HttpRequest, at: Opened) -> HttpResponse:
    asked = request.POST.get("sign_off") == "yes"
    actions.change_settings(repository=at.repository, sign_off=asked)
    messages.success(request, _("Saved"))
    return HttpResponseRedirect(f"{at.url}/settings")


def _move(request: HttpRequest, at: Opened) -> HttpResponse:
    moved = actions.move_repository(
        viewer=at.viewer,
        repository=at.repository,
        namespace=request.POST.get("namespace", ""),
        name=request.POST.get("name", "").strip(),
    )
    messages.success(request, _("It is called %(name)s now") % {"name": moved.full_name})
    return HttpResponseRedirect(f"/{moved}/settings")


def _delete(request: HttpRequest, at: Opened) -> HttpResponse:
    if request.POST.get("typed", "").strip() != at.repository.full_name:
        raise Invalid(_("To delete it, type its full name exactly"))
    full_name = at.repository.full_name
    actions.delete_repository(repository=at.repository)
    messages.success(request, _("%(name)s is deleted") % {"name": full_name})
    return HttpResponseRedirect(f"/{full_name.split('/')[0]}")


_DEEDS: dict[str, Callable[[HttpRequest, Opened], HttpResponse]] = {
    "visibility": _visibility,
    "protect": _protect,
    "sign-off": _sign_off,
    "move": _move,
    "delete": _delete,
}

urlpatterns = repo_paths("/settings", settings, "settings")
