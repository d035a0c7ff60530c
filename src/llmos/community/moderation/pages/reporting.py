"""The page on which a member says what is wrong with a post, a profile or a repository."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from llmos.community.moderation.access import (
    Target,
    member_target,
    post_target,
    repository_target,
)
from llmos.community.moderation.actions import report
from llmos.community.moderation.errors import AlreadyReported
from llmos.community.moderation.reasons import REASONS
from llmos.hub.door import signed_in
from llmos.kit.errors import Refusal

form_page = require_http_methods(["GET", "HEAD", "POST"])


@form_page
def report_post(request: HttpRequest, post_id: int) -> HttpResponse:
    target = post_target(signed_in(request), post_id)
    return _report(request, target, f"/posts/{post_id}")


@form_page
def report_member(request: HttpRequest, name: str) -> HttpResponse:
    signed_in(request)
    return _report(request, member_target(name), f"/{name}")


@form_page
def report_repository(request: HttpRequest, path: str) -> HttpResponse:
    target = repository_target(signed_in(request), path)
    return _report(request, target, f"/{target.repository}")


def _report(request: HttpRequest, target: Target, back: str) -> HttpResponse:
    problem, said, status = "", request.POST, 200
    if request.method == "POST":
        try:
            report(
                signed_in(request),
                target=target,
                reason=said.get("reason", ""),
                words=said.get("words", ""),
            )
        except AlreadyReported as refusal:
            messages.warning(request, refusal.message)
            return HttpResponseRedirect(back)
        except Refusal as refusal:
            problem, status = refusal.message, refusal.status
        else:
            messages.success(request, _("Thank you: a moderator will look at it"))
            return HttpResponseRedirect(back)
    context = {
        "target": target,
        "reasons": REASONS,
        "said": said,
        "problem": problem,
        "back": back,
    }
    return render(request, "moderation/report.html", context, status=status)
