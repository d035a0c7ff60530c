"""What follows a push or a merge: first tasks whose check is met now are done."""

from llmos.community.welcome.actions import check_tasks
from llmos.hub.git.repos import MAIN
from llmos.hub.models import ChangeRequest
from llmos.store.tasks import task


@task()
def on_ref_updated(
    *, repository_id: int, ref: str, old: str, new: str, user_id: int | None
) -> None:
    if ref == MAIN:
        check_tasks(repository_id)


@task()
def on_change_request(*, repository_id: int, number: int, status: str) -> None:
    if status == ChangeRequest.Status.MERGED:
        check_tasks(repository_id)
