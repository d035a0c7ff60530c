"""What follows a change of a source: its uses are looked at again, whoever was told before."""

from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

from llmos.hub.git import repos
from llmos.provenance.actions import GONE, follow_source, note_visibility
from llmos.provenance.models import Edge
from llmos.store.tasks import task


@task()
def on_ref_updated(
    *, repository_id: int, ref: str, old: str, new: str, user_id: int | None
) -> None:
    if ref == repos.MAIN:
        follow_source(repository_id)


@task()
def on_repository_changed(*, repository_id: int) -> None:
    note_visibility(repository_id)


@task()
def on_repository_deleted(*, repository_id: int, type: str, full_name: str) -> None:
    follow_source(repository_id)


@task()
def on_activity_recorded(*, activity_id: str) -> None:
    """A source may have moved on while the job ran."""
    inputs = Edge.objects.filter(activity_id=activity_id, is_input=True)
    for repository_id in set(inputs.values_list("repository_id", flat=True)):
        if repository_id is not None:
            follow_source(repository_id)


@task()
def catch_up() -> None:
    """Look at sources that moved while nobody was told: after a kill or a restore."""
    # A condition on repository_id here would make Django leave out repositories that are gone.
    uses = Edge.objects.filter(is_input=True)
    uses = uses.alias(head=Coalesce("repository__head_sha", Value(GONE)))
    unseen = uses.filter(~Q(compared_with=F("head"))).values_list("repository_id", flat=True)
    for repository_id in unseen.distinct():
        if repository_id is not None:
            follow_source(repository_id)


def begin() -> None:
    """What a starting worker owes."""
    catch_up.enqueue()
