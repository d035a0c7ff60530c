"""One result: the score, how it came about, the receipt, and every answer, worst first."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path

from llmos.accounts.access import Viewer
from llmos.evaluation.access import check_samples, result_for
from llmos.evaluation.errors import SamplesNotFound
from llmos.evaluation.models import Result
from llmos.evaluation.samples import SamplePage, worst_first
from llmos.evaluation.words import SPOKEN
from llmos.hub.door import viewer_of_page
from llmos.jobs.access import may_see as may_see_job
from llmos.wire.receipts import read_unverified

LONGEST_TEXT = 200


def result(request: HttpRequest, result_id: str) -> HttpResponse:
    viewer = viewer_of_page(request)
    found = result_for(viewer, result_id)
    text = request.GET.get("q", "").strip()[:LONGEST_TEXT]
    page = request.GET.get("page", "")
    number = max(1, int(page)) if page.isdecimal() and len(page) < 7 else 1
    samples, refusal = _samples(viewer, found, text, number)
    context: dict[str, Any] = {
        "result": found,
        "said": read_unverified(bytes(found.receipt.envelope))["predicate"],
        "samples": samples,
        "refusal": refusal,
        "text": text,
        "job": found.job if found.job and may_see_job(viewer, found.job) else None,
        **SPOKEN,
    }
    return render(request, "evaluation/result.html", context)


def _samples(
    viewer: Viewer, found: Result, text: str, page: int
) -> tuple[SamplePage | None, SamplesNotFound | None]:
    try:
        check_samples(viewer, found)
        shown = worst_first(found.pk, text=text, page=page, higher_is_better=found.higher_is_better)
    except SamplesNotFound as refusal:
        return None, refusal
    return shown, None


urlpatterns = [path("results/<str:result_id>", result, name="result")]
