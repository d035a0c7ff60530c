"""An announcement is heard exactly if the change that made it true was kept."""

from dataclasses import dataclass

import pytest
from django.db import transaction
from django_tasks_db.models import DBTaskResult

from llmos.store.events import Event, announce, listen
from llmos.store.tasks import task
from llmos.store.worker import requeue_orphans, run_pending

heard: list[int] = []


@dataclass(frozen=True, slots=True)
class Rang(Event):
    times: int


@dataclass(frozen=True, slots=True)
class Unheard(Event):
    times: int


@task()
def hear(times: int) -> None:
    heard.append(times)


@pytest.fixture(autouse=True)
def _listening() -> None:
    heard.clear()
    listen(Rang, hear)


@pytest.mark.django_db(transaction=True)
def test_a_listener_hears_after_the_change_is_kept() -> None:
    with transaction.atomic():
        announce(Rang(times=3))
        assert heard == []

    run_pending()

    assert heard == [3]


@pytest.mark.django_db(transaction=True)
def test_a_change_that_is_rolled_back_is_never_heard() -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        announce(Rang(times=1))
        raise ZeroDivisionError

    run_pending()

    assert heard == []


@pytest.mark.django_db(transaction=True)
def test_listening_twice_is_listening_once() -> None:
    listen(Rang, hear)
    announce(Rang(times=1))

    run_pending()

    assert heard == [1]


@pytest.mark.django_db(transaction=True)
def test_an_event_without_listeners_files_nothing() -> None:
    announce(Unheard(times=1))

    assert not DBTaskResult.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_what_a_killed_worker_had_in_hand_is_done_by_the_next() -> None:
    announce(Rang(times=7))
    DBTaskResult.objects.update(status="RUNNING", worker_ids=["the one that died"])

    run_pending()

    assert heard == [7]


@pytest.mark.django_db(transaction=True)
def test_a_task_that_kills_every_worker_is_given_up() -> None:
    announce(Rang(times=7))
    DBTaskResult.objects.update(status="RUNNING", worker_ids=["one", "two", "three"])

    assert requeue_orphans() == 0

    assert DBTaskResult.objects.get().status == "FAILED"
