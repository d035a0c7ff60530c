"""The page of a member or an organisation: who they are and what they share."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _

from llmos.accounts.models import Namespace, Role
from llmos.accounts.queries import (
    includes,
    members_of,
    memberships_of,
    namespace_named,
    role_in,
)
from llmos.hub.additions import Named, beside, profile_panels
from llmos.hub.door import viewer_of_page
from llmos.hub.pages.shelves import Wish, shelf
from llmos.hub.queries import counts_of
from llmos.kit.errors import NotFound

ROWS_A_KIND = 60


def namespace(request: HttpRequest, ns: str) -> HttpResponse:
    place = namespace_named(ns)
    if place is None:
        raise NotFound(_("Nobody has this name"))
    if place.name != ns:
        return HttpResponseRedirect(f"/{place.name}")
    viewer = viewer_of_page(request)
    counts = counts_of(viewer, place.pk)
    shown = request.GET.get("kind", "")
    if shown not in counts:
        shown = next((name for name, count in counts.items() if count), "model")
    wish = Wish(kind=shown, author=place.name, sort="updated", rows=ROWS_A_KIND)
    role = role_in(viewer.user_id, place.pk)
    context = {
        "place": place,
        "counts": counts,
        "shown": shown,
        "repositories": shelf(viewer, wish).repositories,
        "is_own": role is not None,
        "may_create": includes(role, Role.CONTRIBUTOR),
        "may_manage": includes(role, Role.ADMIN),
        "panels": profile_panels(request, place),
        "beside": beside(request, _named(place)),
        **_company(place),
    }
    return render(request, "hub/namespace.html", context)


def _named(place: Namespace) -> Named:
    if place.kind == Namespace.Kind.ORGANISATION:
        return Named("organisation", str(place.organisation.pk), place.name)
    return Named("member", str(place.user.pk), place.name)


def _company(place: Namespace) -> dict[str, object]:
    """An organisation's members, or a member's organisations."""
    if place.kind == Namespace.Kind.ORGANISATION:
        return {"members": members_of(place.organisation.pk), "memberships": []}
    return {"members": [], "memberships": memberships_of(place.user.pk)}


urlpatterns = [path("<str:ns>", namespace, name="namespace")]
