"""Whom a member keeps away: the list in her settings, and the form that changes it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from llmos.accounts.errors import NoSuchMember
from llmos.accounts.queries import user_named
from llmos.community.trust.actions import keep_away, let_near
from llmos.community.trust.models import Distance
from llmos.community.trust.queries import distances_of
from llmos.hub.door import signed_in
from llmos.kit.errors import Refusal

HERE = "/settings/people"


@require_http_methods(["GET", "HEAD", "POST"])
def people(request: HttpRequest) -> HttpResponse:
    viewer = signed_in(request)
    assert viewer.user_id is not None
    refusal = None
    if request.method == "POST":
        try:
            return _change(request, viewer.user_id)
        except Refusal as told:
            refusal = told
    said = request.POST or request.GET
    context = {
        "active": "people",
        "distances": distances_of(viewer.user_id),
        "name": said.get("name", "")[:96],
        "degree": said.get("degree") or Distance.Degree.MUTE,
        "refusal": refusal,
    }
    status = refusal.status if refusal else 200
    return render(request, "trust/people.html", context, status=status)


def _change(request: HttpRequest, user_id: int) -> HttpResponse:
    name, degree = request.POST.get("name", "").strip().lstrip("@"), request.POST.get("degree", "")
    other = user_named(name)
    if other is None:
        raise NoSuchMember(name)
    if degree:
        keep_away(user_id=user_id, other_id=other.pk, degree=degree)
        messages.success(request, _("%(name)s is kept away") % {"name": other.username})
    else:
        let_near(user_id=user_id, other_id=other.pk)
        messages.success(request, _("%(name)s is no longer kept away") % {"name": other.username})
    back = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return HttpResponseRedirect(back if back and is_ours else HERE)


urlpatterns = [path("settings/people", people, name="settings_people")]
