"""Who listens to whom: the only place where an announcement meets its listeners."""

from llmos.accounts import queries as accounts_queries
from llmos.hub import events as hub
from llmos.hub import queries as hub_queries
from llmos.hub import tasks as hub_tasks
from llmos.store import search
from llmos.store.events import listen


def connect() -> None:
    """Called once per process, when Django is ready."""
    listen(hub.RefUpdated, hub_tasks.on_ref_updated)
    listen(hub.RepositoryCreated, hub_tasks.on_repository_changed)
    listen(hub.RepositoryChanged, hub_tasks.on_repository_changed)
    listen(hub.RepositoryDeleted, hub_tasks.on_repository_deleted)
    accounts_queries.provide_facts(hub_queries.overview_facts)
    search.provide(hub_queries.search_documents)


def begin_work() -> None:
    """Called when the worker starts: what each room owes then."""
    hub_tasks.begin()
