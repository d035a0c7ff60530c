from typing import Any

import pytest
from django.test import Client
from tests.community.keeping import answer, member, topic, viewer

from llmos.community.moderation.access import member_target, post_target
from llmos.community.moderation.actions import decide, report
from llmos.community.moderation.errors import AlreadyReported, NotAModerator, ReasonMissing
from llmos.community.moderation.models import Case
from llmos.community.moderation.queries import open_cases
from llmos.community.moderation.reasons import MANY_REPORTS
from llmos.community.threads.actions import edit_post
from llmos.community.threads.models import Post, State
from llmos.community.trust.models import Level
from llmos.kit.errors import Invalid, Unauthenticated

pytestmark = pytest.mark.django_db


def _report(by: Any, post: Post, reason: str = "spam", words: str = "") -> Case:
    return report(by, target=post_target(by, post.pk), reason=reason, words=words)


def test_a_report_opens_a_case_once_and_needs_a_reason() -> None:
    reader, post = viewer(), answer(viewer(), topic(viewer()))
    with pytest.raises(ReasonMissing):
        _report(reader, post, reason="")
    with pytest.raises(ReasonMissing):
        _report(reader, post, reason="fine")
    with pytest.raises(ReasonMissing):
        _report(reader, post, reason="other")
    case = _report(reader, post, reason="other", words="It sells watches")
    assert (case.is_open, case.cause, case.reports_count) == (True, Case.Cause.REPORTED, 1)
    with pytest.raises(AlreadyReported):
        _report(reader, post)
    again = _report(viewer(), post)
    assert (again.pk, again.reports_count) == (case.pk, 2)


def test_nobody_reports_what_is_her_own() -> None:
    author = viewer()
    with pytest.raises(Invalid):
        _report(author, answer(author, topic(author)))


def test_three_reports_of_members_hide_what_somebody_new_wrote() -> None:
    thread = topic(viewer())
    post = answer(viewer(Level.NEW), thread)
    _report(viewer(Level.NEW), post)
    for _ in range(2):
        _report(viewer(), post)
    assert Post.objects.get(pk=post.pk).state == State.VISIBLE
    _report(viewer(), post)
    post.refresh_from_db()
    assert (post.state, post.state_reason) == (State.HIDDEN, MANY_REPORTS)


def test_reports_alone_hide_nothing_of_a_member() -> None:
    post = answer(viewer(), topic(viewer()))
    for _ in range(4):
        _report(viewer(), post)
    assert Post.objects.get(pk=post.pk).state == State.VISIBLE


def test_a_moderator_who_finds_nothing_brings_it_back() -> None:
    post = answer(viewer(Level.NEW), topic(viewer()))
    readers = [viewer() for _ in range(3)]
    for reader in readers:
        _report(reader, post)
    steward = viewer(Level.STEWARD)
    decide(steward, target=post_target(steward, post.pk), act="keep", seen=0)
    post.refresh_from_db()
    assert (post.state, post.state_reason) == (State.VISIBLE, "")
    case = Case.objects.get(target=post.pk, kind="post")
    assert (case.is_open, case.reports_count) == (False, 0)
    with pytest.raises(AlreadyReported):
        _report(readers[0], post)


def test_what_was_edited_since_may_be_reported_again() -> None:
    author, reader, steward = viewer(), viewer(), viewer(Level.STEWARD)
    post = answer(author, topic(viewer()))
    _report(reader, post)
    made = decide(steward, target=post_target(steward, post.pk), act="keep", seen=0)
    edit_post(author, post=post, text="Now with an advertisement in it.", seen_edits=0)
    case = _report(reader, post)
    assert case.is_open
    decide(steward, target=post_target(steward, post.pk), act="hide", seen=made.pk, reason="spam")


def test_a_profile_is_reported_and_decided_about_as_well() -> None:
    person, reader, steward = member(), viewer(), viewer(Level.STEWARD)
    case = report(reader, target=member_target(person.username), reason="unkind")
    assert list(open_cases(steward, kind="member")) == [case]
    decide(steward, target=member_target(person.username), act="keep", seen=0)
    assert list(open_cases(steward)) == []


def test_only_who_keeps_order_sees_the_queue() -> None:
    _report(viewer(), answer(viewer(), topic(viewer())))
    with pytest.raises(NotAModerator):
        open_cases(viewer(Level.LEADER))
    from llmos.accounts.access import ANONYMOUS

    with pytest.raises(Unauthenticated):
        open_cases(ANONYMOUS)
    assert open_cases(viewer(admin=True)).count() == 1


def test_the_page_of_a_second_report_leads_back_and_says_why() -> None:
    author, reader = viewer(), member()
    post = answer(author, topic(author))
    browser = Client()
    browser.force_login(reader)
    for _time in range(2):
        sent = browser.post(f"/posts/{post.pk}/report", {"reason": "spam"})
        assert (sent.status_code, sent.url) == (302, f"/posts/{post.pk}")  # type: ignore[attr-defined]
    assert "You have reported this" in browser.get("/search").text


def test_a_report_that_comes_too_fast_keeps_its_words() -> None:
    author, reader = viewer(), member(Level.NEW)
    thread = topic(author)
    browser = Client()
    browser.force_login(reader)
    for _time in range(4):
        post = answer(author, thread)
        sent = browser.post(f"/posts/{post.pk}/report", {"reason": "other", "words": "Look"})
    assert sent.status_code == 429
    assert "Look</textarea>" in sent.text
