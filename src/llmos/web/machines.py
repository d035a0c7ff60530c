"""Which machine endpoints exist, hot ones first: a router walks this list from the top."""

from starlette.routing import Route

from llmos.accounts import api as accounts
from llmos.community.discussions import api as discussions
from llmos.community.finding import api as finding
from llmos.community.notifications import api as notifications
from llmos.community.social import api as follows
from llmos.community.threads import api as threads
from llmos.evaluation import api as evaluation
from llmos.hub.api import (
    commit,
    gated,
    info,
    lists,
    refs,
    repos,
    resolve,
    social,
    transfer,
    tree,
)
from llmos.hub.lfs import api as lfs
from llmos.hub.xet import api as xet
from llmos.jobs import api as jobs
from llmos.provenance import api as provenance
from llmos.serving import api as serving


def machine_routes() -> list[Route]:
    """Every room's API routes, in the order in which requests are most likely."""
    return [
        *resolve.routes,
        *info.routes,
        *xet.routes,
        *lfs.routes,
        *serving.routes,
        *tree.routes,
        *commit.routes,
        *refs.routes,
        *lists.routes,
        *repos.routes,
        *discussions.routes,
        *social.routes,
        *gated.routes,
        *transfer.routes,
        *jobs.routes,
        *evaluation.routes,
        *provenance.routes,
        *threads.routes,
        *accounts.routes,
        *follows.routes,
        *finding.routes,
        *notifications.routes,
    ]
