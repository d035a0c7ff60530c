"""Which machine endpoints exist, hot ones first: a router walks this list from the top."""

from starlette.routing import Route

from llmos.accounts import api as accounts
from llmos.hub.xet import api as xet


def machine_routes() -> list[Route]:
    """Every room's API routes, in the order in which requests are most likely."""
    return [*xet.routes, *accounts.routes]
