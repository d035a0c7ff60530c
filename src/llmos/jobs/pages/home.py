"""On the first page of the hub: what is being made at this moment."""

from django.http import HttpRequest

from llmos.hub.additions import Panel
from llmos.hub.door import viewer_of_page
from llmos.jobs.access import may_see
from llmos.jobs.models import Job
from llmos.jobs.pages.state import state_of
from llmos.jobs.pages.words import activity_word, title_of
from llmos.jobs.stages import Stage

SHOWN = 3
# Of these the first that the viewer may see are shown: each costs a look at its repositories.
CONSIDERED = 12


def now_running(request: HttpRequest) -> Panel | None:
    viewer = viewer_of_page(request)
    running = Job.objects.filter(stage=Stage.RUNNING).select_related("namespace", "user")
    found = [job for job in running.order_by("-started_at")[:CONSIDERED] if may_see(viewer, job)]
    if not found:
        return None
    rows = [(job, title_of(job), activity_word(job), state_of(job)) for job in found[:SHOWN]]
    return Panel("jobs/now.html", {"rows": rows})
