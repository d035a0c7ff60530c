"""The page on which a moderator decides about one post or one member."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from llmos.accounts.access import Viewer
from llmos.community.moderation import queries
from llmos.community.moderation.access import (
    Target,
    member_target,
    moderator,
    post_target,
    repository_target,
)
from llmos.community.moderation.actions import FOR_GOOD, acts_for, decide, set_level
from llmos.community.moderation.errors import AlreadyDecided
from llmos.community.moderation.models import Case
from llmos.community.moderation.reasons import REASONS
from llmos.community.moderation.words import cause_of, choice_of, deed_of
from llmos.community.threads.access import is_moderator
from llmos.community.threads.rendering import filled
from llmos.community.trust.levels import missing
from llmos.community.trust.models import Level
from llmos.community.trust.queries import standing_of
from llmos.hub.door import signed_in
from llmos.kit.errors import Invalid

# How long a silence may be chosen to last, in hours.
SILENCES = (1, 24, 72, 7 * 24, 30 * 24)

form_page = require_http_methods(["GET", "HEAD", "POST"])


@form_page
def post(request: HttpRequest, post_id: int) -> HttpResponse:
    return _decide(request, post_target(signed_in(request), post_id))


@form_page
def member(request: HttpRequest, name: str) -> HttpResponse:
    signed_in(request)
    return _decide(request, member_target(name))


@form_page
def repository(request: HttpRequest, path: str) -> HttpResponse:
    return _decide(request, repository_target(signed_in(request), path))


@require_POST
def level(request: HttpRequest, name: str) -> HttpResponse:
    viewer, target = signed_in(request), member_target(name)
    try:
        set_level(
            viewer,
            target=target,
            level=_number(request, "level", -1),
            reason=request.POST.get("reason", ""),
            words=request.POST.get("words", ""),
            held=bool(request.POST.get("held")),
        )
    except Invalid as refusal:
        return _show(request, viewer, target, refusal.message, refusal.status)
    messages.success(request, _("The level is given, and the log says so"))
    return HttpResponseRedirect(f"/moderation/members/{name}")


def _decide(request: HttpRequest, target: Target) -> HttpResponse:
    viewer = signed_in(request)
    moderator(viewer, target)
    if request.method != "POST":
        return _show(request, viewer, target)
    try:
        made = decide(
            viewer,
            target=target,
            act=request.POST.get("act", ""),
            seen=_number(request, "seen", 0),
            reason=request.POST.get("reason", ""),
            words=request.POST.get("words", ""),
            hours=_number(request, "hours", 24),
        )
    except (AlreadyDecided, Invalid) as refusal:
        return _show(request, viewer, target, refusal.message, refusal.status)
    messages.success(request, _("Decided: %(deed)s") % {"deed": deed_of(made)})
    return HttpResponseRedirect("/moderation")


def _show(
    request: HttpRequest, viewer: Viewer, target: Target, problem: str = "", status: int = 200
) -> HttpResponse:
    case = queries.case_about(target)
    last = queries.last_decision(target.kind, target.pk)
    context: dict[str, Any] = {
        "target": target,
        "case": case,
        "cause": cause_of(case) if case is not None and case.is_open else "",
        "reports": queries.open_reports(case) if case is not None else [],
        "acts": [
            (act, choice_of(act, about=target.kind), act in FOR_GOOD)
            for act in acts_for(viewer, target, case)
        ],
        "reasons": REASONS,
        "silences": SILENCES,
        "seen": last.pk if last is not None else 0,
        "last": last,
        "deed_of": deed_of,
        "said": request.POST,
        "problem": problem,
        **_about_member(viewer, target),
    }
    if target.post is not None:
        context["html"] = filled([target.post], viewer)[target.post.pk]
    return render(request, "moderation/case.html", context, status=status)


def _about_member(viewer: Viewer, target: Target) -> dict[str, Any]:
    if target.member is None:
        return {"standing": None, "history": [], "levels": [], "lacks": {}}
    standing = standing_of(target.member.pk)
    following = Level(min(standing.level + 1, Level.LEADER))
    gives_levels = target.kind == Case.Kind.MEMBER and is_moderator(viewer)
    return {
        "standing": standing,
        "history": queries.decisions_on(target.member.pk),
        "levels": [one for one in Level if viewer.is_admin or one < Level.STEWARD]
        if gives_levels
        else [],
        "lacks": missing(standing, following) if standing.level < Level.LEADER else {},
    }


def _number(request: HttpRequest, name: str, default: int) -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 12 else default
