"""What the worker does for members: making their archives, and taking deleted accounts apart."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from llmos.accounts.exports import ask_for_export, forget_old_exports, make_export
from llmos.accounts.leaving import finish_leaving, leave
from llmos.accounts.models import Departure, Export, SpentChallenge, User
from llmos.kit.time import now
from llmos.store.tasks import file_once, task, wake_worker

_DAY = timedelta(days=1)


@task()
def write_export(*, user_id: int) -> None:
    user = User.objects.select_related("namespace").filter(pk=user_id).first()
    if user is not None:
        make_export(user)


@task()
def finish_departure(*, user_id: int) -> None:
    finish_leaving(user_id)


@task()
def tidy() -> None:
    """Once a day: archives that nobody fetched, and solved tasks that have expired."""
    forget_old_exports()
    SpentChallenge.objects.filter(expires_at__lt=now()).delete()
    file_once(tidy, run_after=timezone.now() + _DAY)


def begin() -> None:
    """File what a starting worker owes: a departure or an export may have been cut short."""
    for user_id in Departure.objects.values_list("pk", flat=True):
        finish_departure.enqueue(user_id=user_id)
    for user_id in Export.objects.filter(file="").values_list("pk", flat=True):
        write_export.enqueue(user_id=user_id)
    file_once(tidy)


@transaction.atomic
def order_export(user: User) -> None:
    """Ask for an archive, and have it made."""
    ask_for_export(user)
    write_export.enqueue(user_id=user.pk)
    transaction.on_commit(wake_worker)


@transaction.atomic
def order_departure(user: User, *, removes_text: bool) -> None:
    """Close an account, and have it taken apart. Raises CannotLeaveYet."""
    leave(user, removes_text=removes_text)
    finish_departure.enqueue(user_id=user.pk)
    transaction.on_commit(wake_worker)
