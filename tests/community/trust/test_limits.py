from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.community.keeping import answer, topic, viewer

from llmos.community.threads.actions import edit_post, react
from llmos.community.threads.models import Post
from llmos.community.trust import levels
from llmos.community.trust.actions import silence, unsilence
from llmos.community.trust.config import CommunitySettings
from llmos.community.trust.errors import NotTrustedYet, Silenced, TooFast
from llmos.community.trust.limits import check_pace, check_words
from llmos.community.trust.models import Level, Standing
from llmos.community.trust.queries import standing_of
from llmos.kit.config import BadConfiguration, current
from llmos.kit.time import now

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Set `[community]` for one test."""

    def forget() -> None:
        current.cache_clear()
        levels.pace_of.cache_clear()
        levels._changed.cache_clear()

    def set_(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"LLMOS_COMMUNITY_{name.upper()}", value)
        forget()

    yield set_
    monkeypatch.undo()
    forget()


def test_the_new_put_few_links_pictures_and_names_into_a_post() -> None:
    new = Standing(level=Level.NEW)
    check_words(new, links=2, images=1, mentions=2)
    for more in ({"links": 3}, {"images": 2}, {"mentions": 3}):
        with pytest.raises(NotTrustedYet, match="contribution to a repository"):
            check_words(new, **{"links": 0, "images": 0, "mentions": 0, **more})
    check_words(Standing(level=Level.MEMBER), links=20, images=10, mentions=10)


def test_nobody_calls_a_whole_community_into_a_post() -> None:
    for level in Level:
        with pytest.raises(NotTrustedYet):
            check_words(Standing(level=level), links=0, images=0, mentions=60)


def test_settings_change_the_numbers(told: Any) -> None:
    told(
        allowances="{new = {links = 9}}",
        levels="{member = {posts_read = 1, threads_read = 1}}",
        paces="{new = {post = [1, 2, 3]}}",
    )
    check_words(Standing(level=Level.NEW), links=9, images=0, mentions=0)
    assert levels.deserved(Standing(threads_read=1, posts_read=1)) == Level.MEMBER
    assert levels.pace_of(Level.NEW, "post") == (1, 2, 3)
    told(pace="200")
    assert levels.pace_of(Level.NEW, "post") == (2, 4, 6)
    told(pace="0")
    assert levels.pace_of(Level.NEW, "post") is None


def test_a_misspelt_number_is_refused(told: Any) -> None:
    told(levels="{member = {post_read = 1}}")
    with pytest.raises(BadConfiguration, match="posts_read"):
        levels.needs_of(Level.MEMBER)
    assert current(CommunitySettings).levels


def test_whoever_writes_too_fast_learns_when_to_come_back() -> None:
    new = viewer(Level.NEW)
    thread = topic(viewer())
    posts = [answer(new, thread) for _ in range(4)]
    with pytest.raises(TooFast) as refused:
        answer(new, thread)
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 61
    Post.objects.filter(pk=posts[0].pk).update(created_at=now() - timedelta(minutes=2))
    answer(new, thread)


def test_reactions_and_edits_have_a_pace_of_their_own(told: Any) -> None:
    told(paces="{member = {reaction = [2, 9, 9], edit = [1, 9, 9]}}")
    one, other = viewer(), viewer()
    thread = topic(other)
    posts = [answer(other, thread) for _ in range(3)]
    for post in posts[:2]:
        react(one, post=post, name="heart", on=True)
    with pytest.raises(TooFast):
        react(one, post=posts[2], name="heart", on=True)
    edit_post(other, post=posts[0], text="Said better this time.", seen_edits=0)
    with pytest.raises(TooFast):
        edit_post(other, post=posts[1], text="And this as well, better.", seen_edits=0)


def test_who_is_silenced_reads_why_and_until_when() -> None:
    one = viewer()
    thread = topic(viewer())
    assert one.user_id is not None
    silence(user_id=one.user_id, until=now() + timedelta(hours=3), reason="Shouting")
    with pytest.raises(Silenced, match="Shouting"):
        answer(one, thread)
    unsilence(user_id=one.user_id)
    answer(one, thread)
    silence(user_id=one.user_id, until=now() - timedelta(seconds=1), reason="Over by now")
    check_pace(standing_of(one.user_id), kind="post")
