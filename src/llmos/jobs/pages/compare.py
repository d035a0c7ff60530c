"""Runs over each other: curves, what their recipes do not share, scores, costs."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from llmos.hub.door import viewer_of_page
from llmos.jobs.access import job_named
from llmos.jobs.comparing import differences
from llmos.jobs.models import Job
from llmos.jobs.pages.lists import row_of
from llmos.jobs.pages.words import curve_words, measure_word
from llmos.jobs.story import story_of

MOST = 8  # more lines than this nobody tells apart


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    viewer = viewer_of_page(request)
    asked = list(dict.fromkeys(request.GET.getlist("id")))
    jobs = [job_named(viewer, job_id) for job_id in asked[:MOST]]
    stories = [story_of(job) for job in jobs]
    names = list(dict.fromkeys(name for story in stories for name in story.curves))
    told = {
        "runs": [{"name": _letter(n), "curves": story.curves} for n, story in enumerate(stories)],
        "words": curve_words(names),
    }
    measures = list(dict.fromkeys(name for job in jobs for name in _measures(job)))
    context = {
        "rows": [(_letter(n), row_of(job)) for n, job in enumerate(jobs)],
        "told": told,
        "names": names,
        "tables": [
            (name, _joined([story.curves.get(name, []) for story in stories])) for name in names
        ],
        "words": curve_words(names),
        "measures": [
            (measure_word(name), [_measures(job).get(name) for job in jobs]) for name in measures
        ],
        "differences": differences(jobs) if jobs else [],
        "left_out": len(asked) - len(jobs),
        "most": MOST,
    }
    return render(request, "jobs/compare.html", context)


def _measures(job: Job) -> dict[str, float]:
    """The last measures: of a training on unseen rows, of an evaluation its result."""
    if job.result:
        return {one["name"]: one["value"] for one in job.result.get("metrics", [])}
    found: dict[str, Any] = (job.made or {}).get("metrics") or job.progress.get("metrics") or {}
    return found


def _joined(curves: list[list[tuple[int, float]]]) -> list[tuple[int, list[float | None]]]:
    """Curves as one table: a step, and each run's value at it."""
    points = [dict(curve) for curve in curves]
    steps = sorted({step for one in points for step in one})
    return [(step, [one.get(step) for one in points]) for step in steps]


def _letter(number: int) -> str:
    return "ABCDEFGH"[number]


urlpatterns = [path("jobs/compare", compare, name="jobs-compare")]
