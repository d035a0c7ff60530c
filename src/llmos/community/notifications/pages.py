"""Pages about news: the list, how one wants to be told, and the link that ends mails."""

import re

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from llmos.accounts.models import User
from llmos.community.notifications import actions, push
from llmos.community.notifications.access import notification_for
from llmos.community.notifications.bell import forget_count
from llmos.community.notifications.forms import WishesForm
from llmos.community.notifications.kinds import DEFAULTS, FAMILIES
from llmos.community.notifications.models import Letter, Notification, PushSubscription
from llmos.community.notifications.queries import (
    bundles_of,
    mail_addresses,
    news_of,
    preferences_of,
)
from llmos.community.notifications.speaking import sends_mail
from llmos.community.notifications.tokens import read_stop_token
from llmos.community.notifications.words import (
    channel_titles,
    family_titles,
    kind_titles,
    line_of,
)
from llmos.hub.door import signed_in

form_page = require_http_methods(["GET", "HEAD", "POST"])
_NUMBER = re.compile(r"\d{1,18}")


@require_GET
def news(request: HttpRequest) -> HttpResponse:
    """Unread first, then what was seen; by family of kinds."""
    viewer = signed_in(request)
    family = request.GET.get("kind", "")
    family = family if family in FAMILIES else ""
    found = news_of(viewer, family=family, before=_number(request.GET.get("before")))
    unread = [line_of(bundle) for bundle in found.unread]
    return render(
        request,
        "notifications/list.html",
        {
            "unread": unread,
            "earlier": [line_of(bundle) for bundle in found.earlier],
            "before": found.before,
            "family": family,
            "families": family_titles(),
            "upto": max((number for line in unread for number in line.ids), default=0),
            "is_first_page": "before" not in request.GET,
        },
    )


@require_GET
def look(request: HttpRequest, number: int) -> HttpResponse:
    """Go to what the news is about; its line counts as seen."""
    viewer = signed_in(request)
    row = notification_for(viewer, number)
    bundle = Notification.objects.filter(user_id=row.user_id, bundle=row.bundle, seen_at=None)
    numbers = list(bundle.values_list("pk", flat=True))
    line = line_of(bundles_of([*numbers, number])[0])
    actions.mark_seen(row.user_id, numbers)
    forget_count(row.user_id)
    return HttpResponseRedirect(line.address)


@require_POST
def mark_seen(request: HttpRequest) -> HttpResponse:
    """One line, or everything up to what the page showed."""
    user_id = _member(request).pk
    if request.POST.get("all"):
        upto = _number(request.POST.get("upto")) or 0
        actions.mark_all_seen(user_id, upto=upto, family=request.POST.get("kind", ""))
    else:
        actions.mark_seen(user_id, [int(one) for one in _NUMBER.findall(request.POST["ids"])])
    forget_count(user_id)
    return HttpResponseRedirect(_next_page(request))


@form_page
def wishes(request: HttpRequest) -> HttpResponse:
    """How to be told: each kind by each way, the digest, the language, and devices."""
    user = _member(request)
    preferences = preferences_of(user.pk)
    form = WishesForm(request.POST or None, initial=WishesForm.initial_of(preferences))
    if request.method == "POST" and form.is_valid():
        actions.save_wishes(user.pk, form.wishes(request.POST))
        messages.success(request, _("Saved"))
        return HttpResponseRedirect("/settings/notifications")
    titles = kind_titles()
    return render(
        request,
        "notifications/settings.html",
        {
            "active": "notifications",
            "form": form,
            "kinds": [(kind, titles[kind], preferences.channels(kind)) for kind in DEFAULTS],
            "channels": channel_titles(),
            "preferences": preferences,
            "address": mail_addresses([user.pk]).get(user.pk, ""),
            "sends_mail": sends_mail(),
            "push_is_there": push.is_available(),
            "push_key": push.public_key() if push.is_available() else "",
            "devices": PushSubscription.objects.filter(user=user).count(),
        },
    )


@require_POST
def quiet(request: HttpRequest) -> HttpResponse:
    """Mute everything for a week, or end that."""
    actions.set_quiet(_member(request).pk, quiet=request.POST.get("quiet") == "1")
    return HttpResponseRedirect("/settings/notifications")


@require_POST
def device(request: HttpRequest) -> HttpResponse:
    """A browser joins or leaves; sent by the settings page's script."""
    user_id = _member(request).pk
    said = {name: request.POST.get(name, "") for name in ("endpoint", "p256dh", "auth")}
    if request.POST.get("off") == "all":
        actions.remove_devices(user_id)
    elif request.POST.get("off"):
        actions.remove_device(user_id, endpoint=said["endpoint"])
    else:
        actions.add_device(user_id, **said)
    return HttpResponseRedirect("/settings/notifications")


# Exempt: mail programs post here without cookies (RFC 8058); the signed word is the right.
@csrf_exempt
@form_page
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """End mails by the link that stands in them, without signing in."""
    user_id, scope = read_stop_token(token)
    if request.method == "POST":
        wanted = request.POST.get("scope", scope)
        actions.stop_mails(user_id, "all" if wanted == "all" else scope)
    name = User.objects.filter(pk=user_id).values_list("username", flat=True).first()
    what = {
        Letter.Kind.NOW: _("all mails at once"),
        Letter.Kind.DIGEST: _("the digest"),
        **kind_titles(),
    }.get(scope, scope)
    return render(
        request,
        "notifications/stop.html",
        {"name": name or "", "what": what, "is_done": request.method == "POST"},
    )


def _member(request: HttpRequest) -> User:
    signed_in(request)
    assert isinstance(request.user, User)
    return request.user


def _number(text: str | None) -> int | None:
    return int(text) if text and _NUMBER.fullmatch(text) else None


def _next_page(request: HttpRequest) -> str:
    wanted = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if is_ours and wanted.startswith("/notifications") else "/notifications"


urlpatterns = [
    path("notifications", news, name="notifications"),
    path("notifications/seen", mark_seen),
    path("notifications/<int:number>", look),
    path("settings/notifications", wishes, name="settings_notifications"),
    path("settings/notifications/quiet", quiet),
    path("settings/notifications/device", device),
    path("unsubscribe/<str:token>", stop, name="unsubscribe"),
]
