"""The list of jobs: a member's and her organisations', with what they have cost."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.accounts.queries import memberships_of
from llmos.hub.door import signed_in
from llmos.jobs.access import spender
from llmos.jobs.errors import MayNotSpend
from llmos.jobs.models import Job
from llmos.jobs.pages.state import State, state_of
from llmos.jobs.pages.words import (
    STAGE_KINDS,
    activity_word,
    recipe_word,
    stage_word,
    title_of,
)
from llmos.jobs.queries import jobs_of, ledger
from llmos.jobs.stages import ENDED, Stage
from llmos.kit.errors import Forbidden
from llmos.lab.work import ACTIVITIES

PAGE = 40
GROUPS: dict[str, list[str]] = {
    "live": [Stage.QUEUED, Stage.RUNNING],
    "done": [Stage.SUCCEEDED],
    "ended": sorted(ENDED - {Stage.SUCCEEDED}),
}


@dataclass(frozen=True, slots=True)
class Row:
    job: Job
    title: str
    activity: str
    recipe: str
    stage: str
    kind: str  # of the badge
    state: State


@dataclass(frozen=True, slots=True)
class Wish:
    """What the address asks for; what makes no sense is left out."""

    group: str = ""
    activity: str = ""
    namespace: str = ""
    page: int = 1

    @classmethod
    def of(cls, request: HttpRequest) -> "Wish":
        asked = request.GET
        group, activity, page = (asked.get(key, "") for key in ("stage", "activity", "page"))
        return cls(
            group=group if group in GROUPS else "",
            activity=activity if activity in ACTIVITIES else "",
            namespace=asked.get("owner", "")[:96],
            page=max(1, int(page)) if page.isdecimal() and len(page) < 7 else 1,
        )

    def address(self, **changes: object) -> str:
        parts = {
            "stage": self.group,
            "activity": self.activity,
            "owner": self.namespace,
            "page": "",
            **changes,
        }
        query = urlencode([(key, value) for key, value in parts.items() if value])
        return f"/jobs?{query}" if query else "/jobs"


@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    viewer, wish = signed_in(request), Wish.of(request)
    found = jobs_of(viewer, namespace=wish.namespace, stages=GROUPS.get(wish.group))
    if wish.activity:
        found = found.filter(activity=wish.activity)
    start = (wish.page - 1) * PAGE
    jobs = list(found[start : start + PAGE + 1])
    places = _places(viewer)
    chosen = [place for place in places if place.key == wish.namespace.casefold()]
    context = {
        "rows": [row_of(job) for job in jobs[:PAGE]],
        "wish": wish,
        "places": places,
        "activities": ACTIVITIES,
        "previous": wish.address(page=wish.page - 1) if wish.page > 1 else None,
        "next": wish.address(page=wish.page + 1) if len(jobs) > PAGE else None,
        "ledger": _total(chosen or places),
        "is_live": any(job.stage in GROUPS["live"] for job in jobs),
        "why_not": _why_not(viewer, places),
    }
    return render(request, "jobs/list.html", context)


def row_of(job: Job) -> Row:
    return Row(
        job,
        title_of(job),
        activity_word(job),
        recipe_word(job),
        stage_word(job.stage),
        STAGE_KINDS[Stage(job.stage)],
        state_of(job) if job.stage == Stage.RUNNING else State(""),
    )


def _places(viewer: Viewer) -> list[Namespace]:
    """The viewer's own name, then her organisations'."""
    assert viewer.user_id is not None
    own = list(Namespace.objects.filter(user__id=viewer.user_id))
    return own + [one.organisation.namespace for one in memberships_of(viewer.user_id)]


def _total(places: list[Namespace]) -> dict[str, float]:
    totals = [ledger(place) for place in places]
    return {key: sum(one[key] for one in totals) for key in ("jobs", "cpu_seconds", "energy_wh")}


def _why_not(viewer: Viewer, places: list[Namespace]) -> str:
    """Why the viewer may not start jobs, empty if she may under any of her names."""
    refused = ""
    for place in places:
        try:
            spender(viewer, place)
        except MayNotSpend as refusal:
            refused = refusal.message
        except Forbidden:
            continue
        else:
            return ""
    return refused


urlpatterns = [path("jobs", listing, name="jobs")]
