"""The page of one job: what it does now, its curves and words, what went in and came out."""

from collections.abc import Iterator
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from llmos.accounts.access import Viewer
from llmos.hub.door import viewer_of_page
from llmos.hub.kinds import kind_named
from llmos.jobs.access import job_for, may_steer
from llmos.jobs.folders import SPOKEN, read_events
from llmos.jobs.models import Job
from llmos.jobs.pages.state import state_of
from llmos.jobs.pages.words import (
    STAGE_KINDS,
    activity_word,
    curve_words,
    measure_word,
    recipe_word,
    role_word,
    stage_word,
    title_of,
)
from llmos.jobs.stages import Stage
from llmos.jobs.story import LOG_LINES, OF_STEPS, VALIDATION, Story, story_of
from llmos.lab.software import lock_hash
from llmos.provenance.models import Activity, Rebuild

LONGEST_SEARCH = 200
# What the page looks for in `made` before a job has told it, or that another activity never tells.
NOTHING_MADE: dict[str, Any] = {
    "software": {},
    "hardware": {},
    "metrics": {},
    "skipped": {},
    "parameters": 0,
    "rows": 0,
    "recipe_hash": "",
}
# Curves that may come while somebody looks.
ALWAYS_NAMED = [*OF_STEPS, *(f"{VALIDATION}{name}" for name in ("loss", "bleu", "perplexity"))]


@require_safe
def run(request: HttpRequest, ns: str, job_id: str) -> HttpResponse:
    viewer = viewer_of_page(request)
    job = job_for(viewer, ns, job_id)
    story = story_of(job)
    find = request.GET.get("find", "").strip()[:LONGEST_SEARCH]
    names = [*ALWAYS_NAMED, *(name for name in story.curves if name not in ALWAYS_NAMED)]
    context = {
        **_present(viewer, job),
        "story": story,
        "looks": list(reversed(story.looks)),
        "names": [name for name in names if name in story.curves],
        "told": _told(job, story, names),
        "find": find,
        "log": _found_in_log(job, find) if find else story.log,
    }
    return render(request, "jobs/run.html", context)


@require_safe
def present(request: HttpRequest, ns: str, job_id: str) -> HttpResponse:
    """The part that changes while somebody looks; all facts where the stage has changed."""
    viewer = viewer_of_page(request)
    job = job_for(viewer, ns, job_id)
    context = _present(viewer, job) | {"has_moved": request.GET.get("was") != job.stage}
    response = render(request, "jobs/present.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


@require_safe
def log_file(request: HttpRequest, ns: str, job_id: str) -> StreamingHttpResponse:
    """The whole log as a text to keep."""
    job = job_for(viewer_of_page(request), ns, job_id)

    def lines() -> Iterator[bytes]:
        for one in _spoken(job):
            yield f"{one['at']} {one['text']}\n".encode()

    response = StreamingHttpResponse(lines(), content_type="text/plain; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="job-{job.pk}.log"'
    return response


def _present(viewer: Viewer, job: Job) -> dict[str, Any]:
    activity = Activity.objects.filter(pk=job.pk).first()
    made = {**NOTHING_MADE, **(job.made or {})}
    return {
        "job": job,
        "state": state_of(job),
        "stage": stage_word(job.stage),
        "stage_kind": STAGE_KINDS[Stage(job.stage)],
        "activity_word": activity_word(job),
        "recipe_word": recipe_word(job),
        "title": title_of(job),
        "inputs": [_named(one) for one in job.spec["inputs"]],
        "output": _named(job.output) if job.output and job.output.get("commit") else None,
        "steers": may_steer(viewer, job),
        "is_member": not viewer.is_anonymous,
        "activity": activity,
        "verdict": Rebuild.objects.filter(job_id=job.pk).first() if job.rebuild_of else None,
        "first": Job.objects.select_related("namespace").filter(pk=job.rebuild_of).first(),
        "recipe_text": yaml.safe_dump(job.recipe, allow_unicode=True, sort_keys=False),
        "lock": lock_hash(made["software"]),
        "made": made,
        "measure_word": measure_word,
        "measures": (job.result or {}).get("metrics", []),
    }


def _named(one: dict[str, Any]) -> dict[str, str]:
    """An input or the output with its address."""
    place = f"/{kind_named(one['kind']).prefix}{one['repo']}"
    return {
        "role": role_word(one.get("role", "")),
        "kind": one["kind"],
        "repo": one["repo"],
        "commit": one["commit"],
        "url": place,
        "at": f"{place}/tree/{one['commit']}",
    }


def _told(job: Job, story: Story, names: list[str]) -> dict[str, Any]:
    """What the page's script goes on from."""
    return {
        "curves": story.curves,
        "words": curve_words(names),
        "title": _("Loss"),
        "after": story.after,
        "events": "" if job.is_over else f"/api{job.url}/events",
    }


def _spoken(job: Job) -> Iterator[dict[str, str]]:
    for place in read_events(job.pk):
        if place.event["event"] in SPOKEN:
            event = place.event
            yield {"at": event["at"], "kind": event["event"], "text": str(event["text"])}


def _found_in_log(job: Job, text: str) -> list[dict[str, str]]:
    wanted = text.casefold()
    return [one for one in _spoken(job) if wanted in one["text"].casefold()][-LOG_LINES:]


urlpatterns = [
    path("jobs/<str:ns>/<str:job_id>", run, name="job"),
    path("jobs/<str:ns>/<str:job_id>/present", present),
    path("jobs/<str:ns>/<str:job_id>/log", log_file),
]
