"""What one may do to a job from its page: end it, take it up again, do it all again."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from llmos.hub.door import signed_in, viewer_of_page
from llmos.jobs import actions
from llmos.jobs.access import job_for
from llmos.kit.errors import Refusal
from llmos.provenance.access import activity_for


@require_POST
def cancel(request: HttpRequest, ns: str, job_id: str) -> HttpResponse:
    job = job_for(viewer_of_page(request), ns, job_id, steer=True)
    try:
        actions.cancel(job)
    except Refusal as refusal:
        messages.warning(request, refusal.message)
    return HttpResponseRedirect(job.url)


@require_POST
def resume(request: HttpRequest, ns: str, job_id: str) -> HttpResponse:
    job = job_for(viewer_of_page(request), ns, job_id, steer=True)
    try:
        actions.resume(job)
    except Refusal as refusal:
        messages.warning(request, refusal.message)
    else:
        messages.success(request, _("It stands in line again, and goes on where it stopped"))
    return HttpResponseRedirect(job.url)


@require_POST
def rebuild(request: HttpRequest, activity_id: str) -> HttpResponse:
    """Make it again from the same commits, and compare the bytes."""
    viewer = signed_in(request)
    activity = activity_for(viewer, activity_id)
    try:
        job = actions.rebuild(viewer=viewer, activity=activity)
    except Refusal as refusal:
        messages.warning(request, refusal.message)
        return HttpResponseRedirect(activity.url)
    return HttpResponseRedirect(job.url)


urlpatterns = [
    path("jobs/<str:ns>/<str:job_id>/cancel", cancel),
    path("jobs/<str:ns>/<str:job_id>/resume", resume),
    path("activities/<str:activity_id>/rebuild", rebuild),
]
