"""What becomes of an account that is deleted, and of what its member wrote."""

import pytest
from allauth.account.models import EmailAddress
from django.contrib.sessions.models import Session
from django.test import Client
from tests.accounts.conftest import PASSWORD
from tests.community.keeping import answer, member, topic, viewer

from llmos.accounts import taking
from llmos.accounts.access import InvalidToken, viewer_of_token, viewer_of_user
from llmos.accounts.actions import create_organisation, create_token, create_user, set_member_role
from llmos.accounts.errors import CannotLeaveYet, NameTaken
from llmos.accounts.leaving import finish_leaving, leave, outlook
from llmos.accounts.models import Departure, Namespace, Role, User
from llmos.accounts.queries import is_taken, namespace_named
from llmos.accounts.tasks import begin, order_departure
from llmos.community.threads.actions import react
from llmos.community.threads.models import Draft, Post, Revision, State, Thread, Watch
from llmos.hub.actions import create_repository, like
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.store.worker import run_pending

pytestmark = pytest.mark.django_db(transaction=True)


def _gone(user: User, *, removes_text: bool = False) -> None:
    order_departure(user, removes_text=removes_text)
    run_pending()
    assert not User.objects.filter(pk=user.pk).exists()


def test_what_was_written_stays_without_a_name() -> None:
    user = member()
    thread = topic(viewer())
    post = answer(viewer_of_user(user), thread)
    _gone(user)
    post.refresh_from_db()
    assert (post.author_id, post.state) == (None, State.VISIBLE)
    assert post.text


def test_the_name_is_never_given_again(ada: User) -> None:
    _gone(ada)
    assert namespace_named("ada") is None
    assert is_taken("ADA")
    with pytest.raises(NameTaken):
        create_user(name="Ada")
    with pytest.raises(NameTaken):
        create_organisation(name="ada")


def test_address_tokens_sessions_follows_and_drafts_are_gone(
    ada: User, ada_browser: Client
) -> None:
    EmailAddress.objects.create(user=ada, email="ada@example.org", verified=True, primary=True)
    _token, secret = create_token(user=ada, name="t", role="write")
    Draft.objects.create(user=ada, form="new-topic", content={"title": "x"})
    Watch.objects.create(user=member(), kind="member", target=str(ada.pk), level=2)
    assert Session.objects.exists()
    leave(ada, removes_text=False)
    with pytest.raises(InvalidToken):
        viewer_of_token(secret)
    assert ada_browser.get("/settings/profile").status_code == 302
    assert not EmailAddress.objects.exists()
    finish_leaving(ada.pk)
    assert not Draft.objects.exists()
    assert not Watch.objects.exists()
    assert not Session.objects.exists()


def test_reactions_and_likes_are_taken_back_with_their_counts(ada: User) -> None:
    other = viewer()
    thread = topic(other)
    post = answer(other, thread)
    one = viewer_of_user(ada)
    react(one, post=post, name="heart", on=True)
    repository = create_repository(viewer=other, kind=KINDS["model"], namespace=None, name="liked")
    like(repository=repository, user_id=ada.pk)
    _gone(ada)
    post.refresh_from_db()
    repository.refresh_from_db()
    assert (post.reactions, repository.likes) == ({}, 0)
    assert Thread.objects.get(pk=thread.pk).reactions_count == 0


def test_her_text_is_removed_when_she_asks_and_conversations_go_on(ada: User) -> None:
    one, other = viewer_of_user(ada), viewer()
    alone, shared = topic(one), topic(one)
    reply = answer(other, shared)
    mine = answer(one, topic(other))
    Revision.objects.create(post=mine, number=0, text="An older text", at=mine.created_at)
    _gone(ada, removes_text=True)
    assert not Thread.objects.filter(pk=alone.pk).exists()
    mine.refresh_from_db()
    assert (mine.text, mine.html, mine.state) == ("", "", State.REMOVED)
    assert not Revision.objects.exists()
    shared.refresh_from_db()
    assert (shared.state, shared.posts_count) == (State.VISIBLE, 1)
    assert Post.objects.get(pk=reply.pk).state == State.VISIBLE


def test_her_repositories_are_named_before_they_go(ada: User) -> None:
    create_repository(viewer=viewer_of_user(ada), kind=KINDS["model"], namespace=None, name="dear")
    _in_the_way, goes = outlook(ada)
    assert any("ada/dear" in line for line in goes)
    _gone(ada)
    assert not Repository.objects.exists()


def test_an_organisation_keeps_an_administrator(ada: User, bob: User) -> None:
    lab = create_organisation(name="lab", owner=ada)
    with pytest.raises(CannotLeaveYet, match="lab"):
        leave(ada, removes_text=False)
    assert User.objects.get(pk=ada.pk).is_active
    set_member_role(organisation=lab, user=bob, role=Role.ADMIN)
    _gone(ada)
    assert lab.memberships.count() == 1


def test_the_hub_keeps_an_administrator() -> None:
    boss = member(admin=True)
    with pytest.raises(CannotLeaveYet, match="hub"):
        leave(boss, removes_text=False)
    member(admin=True)
    _gone(boss)


def _cut_before(stop: int) -> list[taking.Farewell]:
    """The farewells of all rooms; the one at `stop` is killed."""

    def killed(user: User, removes_text: bool) -> None:
        raise KeyboardInterrupt

    found = taking.farewells()
    return [*found[:stop], taking.Farewell(forget=killed), *found[stop + 1 :]]


def test_what_was_killed_in_the_middle_is_finished_by_the_next_worker(
    ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_repository(viewer=viewer_of_user(ada), kind=KINDS["model"], namespace=None, name="dear")
    post = answer(viewer_of_user(ada), topic(viewer()))
    leave(ada, removes_text=True)
    for stop in range(len(taking.farewells())):
        cut_short = _cut_before(stop)
        with monkeypatch.context() as patched:
            patched.setattr("llmos.accounts.leaving.farewells", lambda told=cut_short: told)
            with pytest.raises(KeyboardInterrupt):
                finish_leaving(ada.pk)
        assert Departure.objects.filter(pk=ada.pk).exists()
    begin()
    run_pending()
    assert not User.objects.filter(pk=ada.pk).exists()
    assert not Namespace.objects.filter(key="ada").exists()
    assert Post.objects.get(pk=post.pk).text == ""


def test_the_page_asks_for_the_password_again_and_for_the_name(
    ada: User, ada_browser: Client
) -> None:
    asked = ada_browser.get("/settings/data/delete")
    assert asked.status_code == 302
    assert "reauthenticate" in asked["Location"]
    ada_browser.post(asked["Location"], {"password": PASSWORD})
    assert b"Delete the account" in ada_browser.get("/settings/data/delete").content
    answered = ada_browser.post("/settings/data/delete", {"name": "somebody"})
    assert answered.status_code == 200
    assert User.objects.get(pk=ada.pk).is_active
    answered = ada_browser.post("/settings/data/delete", {"name": "ada"})
    assert b"is closed" in answered.content
    run_pending()
    assert not User.objects.filter(pk=ada.pk).exists()
