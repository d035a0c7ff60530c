from datetime import date, timedelta

import pytest
from django.db.models import F
from tests.community.keeping import member

from llmos.community.trust import tasks
from llmos.community.trust.actions import count, credit, let_grow, note_reading, set_level
from llmos.community.trust.models import Level, Standing
from llmos.community.trust.queries import standing_of
from llmos.kit.errors import Invalid

pytestmark = pytest.mark.django_db


def _level(user_id: int) -> int:
    return standing_of(user_id).level


def test_reading_makes_a_member() -> None:
    user = member(Level.NEW)
    for _ in range(3):
        assert _level(user.pk) == Level.NEW
        note_reading(user.pk, threads=2, posts=10)
        Standing.objects.update(read_at=F("read_at") - timedelta(minutes=2))
    assert _level(user.pk) == Level.MEMBER


def test_opening_many_pages_is_no_reading() -> None:
    user = member(Level.NEW)
    for _ in range(20):
        note_reading(user.pk, threads=1, posts=30)
    assert _level(user.pk) == Level.NEW
    assert standing_of(user.pk).posts_read <= 11


def test_a_contribution_counts_as_reading_does() -> None:
    user = member(Level.NEW)
    assert credit(user_id=user.pk, kind="model", subject="model:1")
    assert _level(user.pk) == Level.MEMBER
    assert not credit(user_id=user.pk, kind="model", subject="model:1")
    assert standing_of(user.pk).credits == 1


def test_days_count_once_a_day() -> None:
    user = member()
    note_reading(user.pk, posts=1)
    note_reading(user.pk, posts=1)
    assert standing_of(user.pk).days_here == 1
    Standing.objects.filter(pk=user.pk).update(last_day=date(2026, 1, 1))
    note_reading(user.pk)
    assert standing_of(user.pk).days_here == 2


def test_a_regular_has_read_written_and_given_and_taken_thanks() -> None:
    user = member()
    needs = {"threads_read": 20, "posts_read": 100, "days_here": 15, "reactions_received": 1}
    Standing.objects.filter(pk=user.pk).update(**needs)
    count(user.pk, posts=3)
    assert _level(user.pk) == Level.MEMBER
    count(user.pk, reactions_given=1)
    assert _level(user.pk) == Level.REGULAR


def test_a_level_never_drops_by_itself() -> None:
    user = member(Level.LEADER)
    count(user.pk, posts=1)
    tasks.review_all.call()
    assert _level(user.pk) == Level.LEADER


def test_the_night_raises_whom_the_day_forgot() -> None:
    user = member(Level.NEW)
    Standing.objects.filter(pk=user.pk).update(threads_read=5, posts_read=30)
    tasks.review_all.call()
    assert _level(user.pk) == Level.MEMBER


def test_a_held_level_stays_whatever_is_done() -> None:
    user = member(Level.MEMBER)
    with pytest.raises(Invalid):
        set_level(user_id=user.pk, level=Level.NEW, reason=" ")
    set_level(user_id=user.pk, level=Level.NEW, reason="Too many quarrels")
    Standing.objects.update(threads_read=50, posts_read=500)
    count(user.pk, posts=1)
    assert _level(user.pk) == Level.NEW
    assert standing_of(user.pk).level_reason == "Too many quarrels"
    let_grow(user_id=user.pk)
    assert _level(user.pk) == Level.MEMBER


def test_nothing_but_a_hand_makes_a_steward() -> None:
    user = member(Level.LEADER)
    huge = dict.fromkeys(("threads_read", "posts_read", "days_here", "reactions_received"), 9999)
    Standing.objects.filter(pk=user.pk).update(**huge)
    count(user.pk, posts=9999, reactions_given=9999)
    assert _level(user.pk) == Level.LEADER
    set_level(user_id=user.pk, level=Level.STEWARD, reason="", held=False)
    assert (_level(user.pk), standing_of(user.pk).held) == (Level.STEWARD, True)
