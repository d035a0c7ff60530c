"""The life of a job follows the table of stages, whatever members and runner do in between."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.jobs.rows import new_job

from llmos.accounts.models import Token
from llmos.jobs.actions import cancel, resume
from llmos.jobs.ending import end, requeue
from llmos.jobs.errors import WrongStage
from llmos.jobs.models import Job
from llmos.jobs.queries import before_in_line
from llmos.jobs.stages import CLIENT_NAMES, ENDED, FOLLOWING, Stage, may_follow
from llmos.jobs.starting import claim
from llmos.kit.time import now

pytestmark = pytest.mark.django_db

DEEDS = ("claim", "cancel", "resume", "lose", "lose without fault", "succeed", "fail")


def do(deed: str, job: Job) -> None:
    if deed == "claim":
        claim(job.pk)
    elif deed == "cancel":
        cancel(job)
    elif deed == "resume":
        resume(job)
    elif deed.startswith("lose"):
        requeue(job, "lost", at_fault=deed == "lose")
    else:
        end(job, Stage.SUCCEEDED if deed == "succeed" else Stage.FAILED)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(deeds=st.lists(st.tuples(st.sampled_from(DEEDS), st.booleans()), max_size=14))
def test_no_stage_follows_another_that_the_table_does_not_name(
    deeds: list[tuple[str, bool]],
) -> None:
    """Some deeds act on a job as it was read before the last one: two at the same time."""
    job = new_job()
    stale = job
    for deed, is_late in deeds:
        fresh = Job.objects.get(pk=job.pk)
        before = Stage(fresh.stage)
        try:
            do(deed, stale if is_late else fresh)
        except WrongStage:
            assert Job.objects.get(pk=job.pk).stage == before
        stale, after = fresh, Job.objects.get(pk=job.pk)
        assert after.stage == before or may_follow(before, after.stage), (deed, before)
        assert (after.ended_at is not None) == after.is_over
        assert after.attempt >= fresh.attempt
        assert not (after.stage == Stage.QUEUED and after.cancel_wanted)


def test_every_stage_has_a_place_in_the_table_and_a_name_for_clients() -> None:
    assert set(FOLLOWING) == set(CLIENT_NAMES) == set(Stage)
    assert all(FOLLOWING[stage] <= {Stage.QUEUED} for stage in ENDED)


def test_a_job_that_is_lost_too_often_is_given_up() -> None:
    job = new_job()
    for expected in (Stage.QUEUED, Stage.QUEUED, Stage.LOST):
        claim(job.pk)
        job.refresh_from_db()
        requeue(job, "the cluster was away")
        job.refresh_from_db()
        assert job.stage == expected
    assert job.message == "the cluster was away"
    assert job.attempt == 3
    resume(job)
    job.refresh_from_db()
    assert (job.stage, job.losses, job.attempt) == (Stage.QUEUED, 0, 3)


def test_a_hub_that_goes_away_is_not_counted() -> None:
    job = new_job()
    for _ in range(10):
        claim(job.pk)
        job.refresh_from_db()
        requeue(job, "", at_fault=False)
    job.refresh_from_db()
    assert job.stage == Stage.QUEUED


def test_a_job_that_was_cancelled_while_it_was_lost_is_not_started_again() -> None:
    job = new_job()
    claim(job.pk)
    job.refresh_from_db()
    cancel(job)
    requeue(job, "lost")  # by a runner that has not heard of it yet
    job.refresh_from_db()
    assert job.stage == Stage.CANCELLED


def test_one_of_two_runners_gets_a_job() -> None:
    job = new_job()
    assert claim(job.pk)
    assert not claim(job.pk)


def test_the_cost_of_lost_attempts_stays() -> None:
    job = new_job()
    claim(job.pk)
    job.refresh_from_db()
    requeue(job, "lost", cost={"cpu_seconds": 5.0})
    job.refresh_from_db()
    assert job.cost == {"cpu_seconds": 5.0}


def test_the_token_dies_with_the_attempt() -> None:
    job = new_job()
    claim(job.pk)
    job.refresh_from_db()
    job.token = Token.objects.create(user=job.user, name=f"job {job.pk}", fingerprint="f" * 64)
    job.save()
    end(job, Stage.FAILED)
    assert not Token.objects.filter(user=job.user).exists()


def test_line_is_by_priority_and_then_by_age() -> None:
    jobs = [new_job(priority=priority) for priority in (0, -1, 5, 0)]
    for minutes, job in enumerate(jobs):
        Job.objects.filter(pk=job.pk).update(created_at=now() + timedelta(minutes=minutes))
    places = [before_in_line(Job.objects.get(pk=job.pk)) for job in jobs]
    assert places == [1, 3, 0, 2]
