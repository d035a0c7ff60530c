"""Following and its button, and the lists of who follows whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from llmos.accounts.access import Viewer
from llmos.community.social import actions, queries
from llmos.community.social.access import Subject, of_member, subject_named
from llmos.community.social.errors import NothingToFollow
from llmos.community.threads.models import Watch
from llmos.hub.additions import Named, Panel
from llmos.hub.door import signed_in, viewer_of_page

ROWS_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class Button:
    """What the button beside a name shows and sends."""

    path: str
    following: bool
    count: int
    back: str  # where it stands
    of: str = ""  # in a list: what it is about


@dataclass(frozen=True, slots=True)
class Offer:
    """Something to follow in a list of suggestions, and whether she does."""

    subject: Subject
    following: bool = False


@require_POST
def follow(request: HttpRequest) -> HttpResponse:
    """`what` is a path as feeds spell it, `on` is yes or no."""
    viewer = signed_in(request)
    subject = subject_named(viewer, request.POST.get("what", ""))
    wanted = request.POST.get("on") == "yes"
    change = actions.follow if wanted else actions.unfollow
    change(viewer, subject=subject)
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}):
        back = subject.address
    if request.headers.get("HX-Request"):
        count = queries.count_followers(subject.kind, subject.target)
        pressed = Button(subject.path, wanted, count, back, request.POST.get("of", "")[:200])
        context = {"panel": {"button": pressed}}
        return render(request, "social/button.html", context)
    return HttpResponseRedirect(back)


def button(request: HttpRequest, named: Named) -> Panel | None:
    """Beside the name of whatever can be followed; nobody follows oneself."""
    viewer = viewer_of_page(request)
    if named.kind == "member" and named.target == str(viewer.user_id):
        return None
    shown = Button(
        named.path,
        queries.follows(viewer.user_id, named.kind, named.target),
        queries.count_followers(named.kind, named.target),
        request.get_full_path(),
    )
    return Panel("social/button.html", {"button": shown})


def followers(request: HttpRequest, ns: str) -> HttpResponse:
    """Who follows a member or an organisation."""
    viewer, subject = _named(request, ns)
    found = queries.followers_of(
        subject.kind, subject.target, limit=ROWS_A_PAGE + 1, before=_before(request)
    )
    more, found = len(found) > ROWS_A_PAGE, found[:ROWS_A_PAGE]
    return _list(
        request,
        viewer,
        subject,
        "followers",
        [of_member(row.user) for row in found],
        found[-1].pk if more else None,
    )


def following(request: HttpRequest, ns: str) -> HttpResponse:
    """Which members and organisations a member follows; she herself sees all else, too."""
    viewer, subject = _named(request, ns)
    if subject.kind != Watch.Kind.MEMBER:
        raise NothingToFollow
    is_own = subject.target == str(viewer.user_id)
    found, before = queries.following_of(
        viewer,
        int(subject.target),
        limit=ROWS_A_PAGE,
        before=_before(request),
        kinds=queries.OWN_KINDS if is_own else queries.SHOWN_KINDS,
    )
    return _list(request, viewer, subject, "following", found, before)


def offered(viewer: Viewer, *, each: int) -> list[tuple[str, list[Offer]]]:
    """Suggestions by kind; empty kinds are left out."""
    found = queries.suggestions(viewer, each=each)
    return [(kind, [Offer(one) for one in some]) for kind, some in found.items() if some]


def _list(
    request: HttpRequest,
    viewer: Viewer,
    subject: Subject,
    which: str,
    found: Sequence[Subject],
    before: int | None,
) -> HttpResponse:
    followed = queries.followed_among(viewer.user_id, found)
    context: dict[str, Any] = {
        "subject": subject,
        "which": which,
        "offers": [Offer(one, (one.kind, one.target) in followed) for one in found],
        "next": f"{request.path}?before={before}" if before else "",
        "first": request.path if _before(request) else "",
        "viewer": viewer,
        "is_member": subject.kind == Watch.Kind.MEMBER,
    }
    return render(request, "social/follows.html", context)


def _named(request: HttpRequest, ns: str) -> tuple[Viewer, Subject]:
    viewer = viewer_of_page(request)
    subject = subject_named(viewer, ns)
    if subject.namespace is None:
        raise NothingToFollow
    return viewer, subject


def _before(request: HttpRequest) -> int | None:
    asked = request.GET.get("before", "")
    return int(asked) if asked.isdecimal() and len(asked) < 19 else None


urlpatterns = [
    path("follow", follow),
    path("followers/<str:ns>", followers),
    path("following/<str:ns>", following),
]
