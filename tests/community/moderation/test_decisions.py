from datetime import timedelta
from typing import Any

import pytest
from tests.community.keeping import answer, member, topic, viewer

from llmos.accounts.access import Viewer, viewer_of_user
from llmos.accounts.models import User
from llmos.community.moderation.access import member_target, post_target
from llmos.community.moderation.actions import decide, report, set_level
from llmos.community.moderation.errors import AlreadyDecided, NotAModerator, ReasonMissing
from llmos.community.moderation.models import Case, Decision
from llmos.community.moderation.queries import decisions, open_cases
from llmos.community.moderation.reasons import MENDED, shown
from llmos.community.threads.access import post_for
from llmos.community.threads.actions import edit_post
from llmos.community.threads.errors import PostNotFound
from llmos.community.threads.models import Post, State, Thread
from llmos.community.trust.errors import Silenced
from llmos.community.trust.models import Level
from llmos.community.trust.queries import standing_of
from llmos.hub.actions import create_repository
from llmos.hub.kinds import KINDS
from llmos.kit.errors import Forbidden, Invalid
from llmos.kit.time import now
from llmos.store.worker import run_pending

pytestmark = pytest.mark.django_db


def _decide(by: Viewer, post: Post, act: str, *, seen: int = 0, **told: Any) -> Decision:
    told.setdefault("reason", "off-topic")
    return decide(by, target=post_target(by, post.pk), act=act, seen=seen, **told)


def test_a_hidden_post_is_a_gap_for_others_and_a_reason_for_its_author() -> None:
    author, reader, steward = viewer(), viewer(), viewer(Level.STEWARD)
    thread = topic(viewer())
    post = answer(author, thread)
    _decide(steward, post, "hide", words="It belongs under data")
    with pytest.raises(PostNotFound):
        post_for(reader, post.pk)
    seen = post_for(author, post.pk)
    assert seen.state == State.HIDDEN
    assert shown(seen.state_reason) == "It does not belong here\nIt belongs under data"
    assert Thread.objects.get(pk=thread.pk).posts_count == 1


def test_no_decision_without_a_reason() -> None:
    steward, post = viewer(Level.STEWARD), answer(viewer(), topic(viewer()))
    for reason, words in (("", ""), ("nonsense", ""), ("other", "  "), ("fine", "")):
        with pytest.raises(ReasonMissing):
            _decide(steward, post, "remove", reason=reason, words=words)
    with pytest.raises(Invalid):
        _decide(steward, post, "banish")
    assert not Decision.objects.exists()


def test_neither_readers_nor_authors_decide() -> None:
    author, post = viewer(), None
    post = answer(author, topic(viewer()))
    for somebody in (author, viewer(Level.LEADER)):
        with pytest.raises(NotAModerator):
            _decide(somebody, post, "hide")
    steward = viewer(Level.STEWARD)
    with pytest.raises(NotAModerator):
        _decide(steward, answer(steward, topic(viewer())), "hide")


def test_a_first_post_takes_its_conversation_along_and_back() -> None:
    steward, thread = viewer(Level.STEWARD), topic(viewer())
    first = thread.posts.get(number=1)
    made = _decide(steward, first, "remove")
    assert Thread.objects.get(pk=thread.pk).state == State.REMOVED
    _decide(steward, first, "show", seen=made.pk)
    assert Thread.objects.get(pk=thread.pk).state == State.VISIBLE


@pytest.mark.django_db(transaction=True)
def test_what_its_author_has_mended_waits_and_comes_back_when_approved() -> None:
    author, steward = viewer(), viewer(Level.STEWARD)
    post = answer(author, topic(viewer()))
    made = _decide(steward, post, "hide")
    run_pending()
    assert not open_cases(steward).exists()
    edit_post(author, post=post_for(author, post.pk), text="Now it fits well.", seen_edits=0)
    run_pending()
    post.refresh_from_db()
    assert post.state == State.HIDDEN
    assert MENDED in post.state_reason
    assert [case.cause for case in open_cases(steward)] == [Case.Cause.MENDED]
    _decide(steward, post, "show", seen=made.pk)
    run_pending()
    post.refresh_from_db()
    assert (post.state, post.state_reason) == (State.VISIBLE, "")
    assert not open_cases(steward).exists()


def test_silence_hides_the_post_and_takes_the_voice_for_a_time() -> None:
    author, steward = viewer(), viewer(Level.STEWARD)
    thread = topic(viewer())
    post = answer(author, thread)
    _decide(steward, post, "silence", hours=72, reason="unkind")
    assert Post.objects.get(pk=post.pk).state == State.HIDDEN
    with pytest.raises(Silenced, match="Unkind"):
        answer(author, thread)
    until = standing_of(author.user_id or 0).silenced_until
    assert until is not None
    assert timedelta(hours=71) < until - now() <= timedelta(hours=72)
    with pytest.raises(Invalid):
        decide(
            steward,
            target=member_target(member().username),
            act="silence",
            seen=0,
            reason="unkind",
            hours=0,
        )
    target = member_target(author.name)
    decide(steward, target=target, act="speak", seen=0)
    answer(author, thread)


def test_only_administrators_suspend_and_make_stewards() -> None:
    person, steward, admin = member(), viewer(Level.STEWARD), viewer(admin=True)
    target = member_target(person.username)
    with pytest.raises(Forbidden):
        decide(steward, target=target, act="suspend", seen=0, reason="spam")
    with pytest.raises(Forbidden):
        set_level(steward, target=target, level=4, reason="", words="", held=False)
    made = decide(admin, target=target, act="suspend", seen=0, reason="spam")
    suspended = User.objects.get(pk=person.pk)
    assert not suspended.is_active
    assert shown(suspended.suspension_reason) == "Advertising or spam"
    decide(admin, target=member_target(person.username), act="readmit", seen=made.pk)
    assert User.objects.get(pk=person.pk).is_active


def test_a_steward_touches_no_administrator() -> None:
    boss, steward = member(admin=True), viewer(Level.STEWARD)
    target = member_target(boss.username)
    for act in ("warn", "silence", "suspend"):
        with pytest.raises(Forbidden):
            decide(steward, target=target, act=act, seen=0, reason="unkind")


def test_a_level_is_lowered_with_a_reason_that_the_log_keeps() -> None:
    person, steward = member(Level.LEADER), viewer(Level.STEWARD)
    target = member_target(person.username)
    with pytest.raises(ReasonMissing):
        set_level(steward, target=target, level=1, reason="", words="", held=True)
    set_level(steward, target=target, level=1, reason="unkind", words="Again", held=True)
    standing = standing_of(person.pk)
    assert (standing.level, standing.held) == (Level.MEMBER, True)
    line = Decision.objects.get(member=person)
    assert (line.act, line.level) == ("level", 1)


def test_a_repositorys_writers_keep_order_in_its_conversations_alone() -> None:
    from llmos.community.threads.actions import Where, open_thread

    owner, reader = viewer_of_user(member()), viewer()
    repository = create_repository(viewer=owner, kind=KINDS["model"], namespace=None, name="kept")
    where = Where(place=Thread.Place.DISCUSSION, shelf=repository.pk, repository=repository)
    thread = open_thread(
        reader, where=where, title="Strange", text="A strange thing to say.", address="/d/{id}"
    )
    elsewhere = answer(reader, topic(viewer()))
    for post in (reported := answer(reader, thread)), elsewhere:
        report(viewer(), target=post_target(owner, post.pk), reason="spam")
    assert [case.post_id for case in open_cases(owner)] == [reported.pk]
    with pytest.raises(NotAModerator):
        open_cases(reader)
    _decide(owner, answer(reader, thread), "hide")
    with pytest.raises(NotAModerator):
        _decide(owner, elsewhere, "hide")
    with pytest.raises(Forbidden):
        _decide(owner, answer(reader, thread), "silence")
    assert decisions(viewer()).count() == 1
    type(repository).objects.filter(pk=repository.pk).update(visibility="private")
    assert decisions(viewer()).count() == 0
    assert decisions(owner).count() == 1


def test_the_log_cannot_be_rewritten() -> None:
    line = _decide(viewer(Level.STEWARD), answer(viewer(), topic(viewer())), "hide")
    line.reason = "Something nicer"
    with pytest.raises(AssertionError):
        line.save()
    with pytest.raises(TypeError):
        line.delete()


def test_the_second_moderator_learns_who_decided_what_and_changes_nothing() -> None:
    one, two, post = viewer(Level.STEWARD), viewer(Level.STEWARD), answer(viewer(), topic(viewer()))
    made = _decide(one, post, "hide")
    with pytest.raises(AlreadyDecided, match=one.name) as refused:
        _decide(two, post, "remove", seen=0)
    assert refused.value.data == {"decision": made.pk, "act": "hide"}
    assert Post.objects.get(pk=post.pk).state == State.HIDDEN
    _decide(two, post, "remove", seen=made.pk)
    assert Decision.objects.count() == 2
