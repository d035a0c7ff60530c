from datetime import timedelta

import pytest
from tests.community.keeping import answer, topic, viewer

from llmos.community.moderation.access import post_target
from llmos.community.moderation.actions import decide
from llmos.community.moderation.holds import MANY_LINKS, SAME_LINK, SAME_TEXT
from llmos.community.moderation.queries import open_cases
from llmos.community.threads.access import post_for
from llmos.community.threads.actions import edit_post
from llmos.community.threads.errors import PostNotFound
from llmos.community.threads.models import Post, State
from llmos.community.trust.models import Level
from llmos.kit.time import now
from llmos.store.worker import run_pending

pytestmark = pytest.mark.django_db(transaction=True)

OFFER = "Buy followers for your model today, cheaper than anywhere else."


def test_the_same_text_again_waits_and_its_author_reads_why() -> None:
    spammer, reader, steward = viewer(Level.NEW), viewer(), viewer(Level.STEWARD)
    answer(spammer, topic(viewer()), OFFER)
    held = answer(spammer, topic(viewer()), OFFER)
    assert (held.state, held.state_reason) == (State.PENDING, SAME_TEXT)
    assert post_for(spammer, held.pk).state == State.PENDING
    with pytest.raises(PostNotFound):
        post_for(reader, held.pk)
    run_pending()
    assert [case.post_id for case in open_cases(steward, cause="held")] == [held.pk]
    decide(steward, target=post_target(steward, held.pk), act="approve", seen=0)
    assert post_for(reader, held.pk).state == State.VISIBLE
    assert not open_cases(steward).exists()


def test_many_new_accounts_with_one_text_or_one_link_wait() -> None:
    threads = [topic(viewer()) for _ in range(2)]
    first = [answer(viewer(Level.NEW), thread, OFFER) for thread in threads]
    assert {post.state for post in first} == {State.VISIBLE}
    third = answer(viewer(Level.NEW), threads[0], OFFER)
    assert third.state_reason == SAME_TEXT
    link = "https://cheap.example/followers"
    for n in range(2):
        answer(viewer(Level.NEW), threads[n], f"My favourite number {n}: {link} really")
    last = answer(viewer(Level.NEW), threads[0], f"Everybody loves {link} they say")
    assert last.state_reason == SAME_LINK


def test_many_links_of_a_new_account_wait() -> None:
    spammer, thread = viewer(Level.NEW), topic(viewer())
    posts = [
        answer(spammer, thread, f"Look at https://cheap.example/{n} which is number {n}")
        for n in range(3)
    ]
    assert [post.state for post in posts] == [State.VISIBLE, State.VISIBLE, State.PENDING]
    assert posts[2].state_reason == MANY_LINKS
    Post.objects.filter(author_id=spammer.user_id).update(created_at=now() - timedelta(hours=2))
    assert answer(spammer, thread, "And https://cheap.example/9 later").state == State.VISIBLE


def test_a_harmless_text_that_becomes_spam_is_held_back_and_approved_for_good() -> None:
    spammer, thread, steward = viewer(Level.NEW), topic(viewer()), viewer(Level.STEWARD)
    answer(spammer, thread, OFFER)
    post = answer(spammer, thread, "What a lovely model this is, really.")
    edit_post(spammer, post=post, text=OFFER, seen_edits=0)
    run_pending()
    post.refresh_from_db()
    assert (post.state, post.state_reason) == (State.PENDING, SAME_TEXT)
    decide(steward, target=post_target(steward, post.pk), act="approve", seen=0)
    run_pending()
    post.refresh_from_db()
    assert post.state == State.VISIBLE


def test_members_of_some_standing_are_not_held_back() -> None:
    one, thread = viewer(Level.MEMBER), topic(viewer())
    posts = [answer(one, thread, f"{OFFER} https://a.example/x") for _ in range(3)]
    assert {post.state for post in posts} == {State.VISIBLE}


def test_short_thanks_are_no_burst() -> None:
    one, thread = viewer(Level.NEW), topic(viewer())
    assert {answer(one, thread, "Thank you!").state for _ in range(3)} == {State.VISIBLE}
