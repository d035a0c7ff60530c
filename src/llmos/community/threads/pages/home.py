"""On the first page of the hub: what is being talked about."""

from django.http import HttpRequest

from llmos.community.threads.frame import rows
from llmos.community.threads.queries import talked_about_lately
from llmos.hub.additions import Panel
from llmos.hub.door import viewer_of_page

SHOWN = 5


def talked_about(request: HttpRequest) -> Panel | None:
    viewer = viewer_of_page(request)
    found = talked_about_lately(viewer, SHOWN)
    return Panel("threads/talked_about.html", {"rows": rows(viewer, found)}) if found else None
