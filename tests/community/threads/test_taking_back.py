"""Withdrawing a post of one's own, and putting it back."""

import pytest
from django.test import Client
from tests.community.keeping import answer, member, topic

from llmos.accounts.access import viewer_of_user
from llmos.community.threads.actions import Where, open_thread, set_post_state, set_taken_back
from llmos.community.threads.errors import NotYours
from llmos.community.threads.health import thread_findings
from llmos.community.threads.models import TAKEN_BACK, State, Thread
from llmos.kit.errors import Invalid

pytestmark = pytest.mark.django_db


def test_who_wrote_a_post_takes_it_back_and_puts_it_back() -> None:
    asker, writer = member(), member()
    where = Where(place=Thread.Place.NOTE, shelf=asker.pk)
    sent = {"title": "", "text": "A note", "address": "/notes/{id}"}
    thread = open_thread(viewer_of_user(asker), where=where, **sent)
    post = answer(viewer_of_user(writer), thread, "Something rash")
    hers, others = Client(), Client()
    hers.force_login(writer)
    others.force_login(asker)
    page = thread.address

    assert hers.post(f"/posts/{post.pk}/back", {"on": "1"}).status_code == 302
    said = others.get(page).text
    assert "Post 2 was taken back by its author" in said
    assert "Something rash" not in said
    assert "moderator" not in said
    assert "Put it back" in hers.get(page).text
    thread.refresh_from_db()
    assert thread.posts_count == 1

    hers.post(f"/posts/{post.pk}/back", {"on": "0"})
    assert "Something rash" in others.get(page).text
    assert list(thread_findings()) == []


@pytest.mark.parametrize("reason", ["Against the law", TAKEN_BACK])
def test_nobody_else_takes_a_post_back_nor_undoes_what_a_moderator_did(reason: str) -> None:
    author, other = viewer_of_user(member()), viewer_of_user(member())
    thread = topic(author)
    post = answer(author, thread)
    with pytest.raises(NotYours):
        set_taken_back(other, post=post, back=True)

    set_post_state(post=post, state=State.REMOVED, reason=reason)
    assert set_taken_back(author, post=post, back=False).state == State.REMOVED
    with pytest.raises(Invalid):
        set_taken_back(author, post=post, back=True)


def test_a_topic_is_taken_back_only_while_nobody_has_answered() -> None:
    author, other = viewer_of_user(member()), viewer_of_user(member())
    lonely, answered = topic(author), topic(author)
    answer(other, answered)

    set_taken_back(author, post=lonely.posts.get(number=1), back=True)
    lonely.refresh_from_db()
    assert lonely.state == State.REMOVED
    with pytest.raises(Invalid):
        set_taken_back(author, post=answered.posts.get(number=1), back=True)


def test_without_script_one_answers_a_certain_post() -> None:
    asker, writer = member(), member()
    thread = topic(viewer_of_user(asker))
    post = answer(viewer_of_user(writer), thread)
    browser = Client()
    browser.force_login(asker)

    page = browser.get(f"/posts/{post.pk}/answer").text

    assert f'name="reply_to" value="{post.pk}"' in page
    assert f'action="/threads/{thread.pk}/reply"' in page
