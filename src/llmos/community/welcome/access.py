"""Which first tasks a viewer may see and change: those of repositories that she may."""

from django.db.models import QuerySet

from llmos.accounts.access import Viewer
from llmos.community.welcome.errors import TaskNotFound
from llmos.community.welcome.models import FirstTask
from llmos.hub import queries as hub
from llmos.hub.access import rights_of


def seen_tasks(viewer: Viewer) -> QuerySet[FirstTask]:
    """All tasks whose repository she may know of, with what lists show of them."""
    return FirstTask.objects.filter(repository__in=hub.visible(viewer)).select_related(
        "repository", "mentor__namespace", "taken_by"
    )


def task_for(viewer: Viewer, task_id: int, *, keep: bool = False) -> FirstTask:
    """A task; with `keep` only for those who may write to its repository. Raises TaskNotFound."""
    found = seen_tasks(viewer).filter(pk=task_id).first()
    if found is None or (keep and not rights_of(viewer, found.repository).write):
        raise TaskNotFound
    return found
