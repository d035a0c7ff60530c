import pytest
from django.test import Client
from tests.community.keeping import answer, member, topic, viewer

from llmos.accounts.access import Viewer
from llmos.community.threads.actions import react, write_post
from llmos.community.threads.models import Watch
from llmos.community.trust.actions import keep_away, let_near
from llmos.community.trust.errors import KeptAway
from llmos.community.trust.models import Distance
from llmos.community.trust.queries import degree_between, distances_of, kept_away_by, who_block
from llmos.kit.errors import Invalid
from llmos.store.worker import run_pending

pytestmark = pytest.mark.django_db


def _id(one: Viewer) -> int:
    assert one.user_id is not None
    return one.user_id


def test_one_distance_at_a_time_and_back() -> None:
    one, other = _id(viewer()), _id(viewer())
    keep_away(user_id=one, other_id=other, degree="mute")
    keep_away(user_id=one, other_id=other, degree="block")
    assert [row.degree for row in distances_of(one)] == ["block"]
    assert kept_away_by(one, Distance.Degree.BLOCK) == {other}
    assert who_block(other, [one]) == {one}
    assert degree_between(other, one) == ""
    let_near(user_id=one, other_id=other)
    assert distances_of(one) == []


def test_nobody_keeps_away_from_oneself_or_by_an_unknown_degree() -> None:
    one, other = _id(viewer()), _id(viewer())
    with pytest.raises(Invalid):
        keep_away(user_id=one, other_id=one, degree="mute")
    with pytest.raises(Invalid):
        keep_away(user_id=one, other_id=other, degree="banish")


def test_who_is_blocked_neither_answers_nor_reacts_nor_mentions() -> None:
    author, blocked = viewer(), viewer()
    thread = topic(author)
    post = answer(author, thread)
    keep_away(user_id=_id(author), other_id=_id(blocked), degree="block")
    with pytest.raises(KeptAway):
        write_post(blocked, thread=thread, text="But listen to me, please.", reply_to=post)
    with pytest.raises(KeptAway):
        react(blocked, post=post, name="heart", on=True)
    with pytest.raises(KeptAway, match=author.name):
        answer(blocked, thread, f"But @{author.name}, you must hear me.")


@pytest.mark.django_db(transaction=True)
def test_who_is_blocked_follows_no_more() -> None:
    author, blocked = viewer(), viewer()
    Watch.objects.create(
        user_id=_id(blocked), kind="member", target=str(_id(author)), level=Watch.Level.FOLLOWING
    )
    keep_away(user_id=_id(author), other_id=_id(blocked), degree="ignore")
    run_pending()
    assert Watch.objects.filter(user_id=_id(blocked)).exists()
    keep_away(user_id=_id(author), other_id=_id(blocked), degree="block")
    run_pending()
    assert not Watch.objects.filter(user_id=_id(blocked)).exists()


def test_a_name_that_nobody_bears_stays_in_the_form() -> None:
    browser = Client()
    browser.force_login(member())
    answer = browser.post("/settings/people", {"name": "nobody-at-all", "degree": "block"})
    assert answer.status_code == 404
    assert 'value="nobody-at-all"' in answer.text
    assert 'value="block" checked' in answer.text
