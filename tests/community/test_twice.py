"""Every form of the community that is sent twice, as by an impatient click, is heard once."""

from typing import Any

import pytest
from django.db.models import Model
from django.test import Client
from tests.community.keeping import answer, member, topic, viewer

from llmos.accounts.access import Viewer, viewer_of_user
from llmos.accounts.models import User
from llmos.community.forum.access import category_for
from llmos.community.forum.actions import open_topic
from llmos.community.forum.models import Ballot, Category, Poll, Topic
from llmos.community.forum.polls import poll_from
from llmos.community.forum.shelving import make_first
from llmos.community.moderation.models import Decision, Report
from llmos.community.threads.models import Bookmark, Post, Reaction, Revision, Thread, Watch
from llmos.community.trust.models import Level
from llmos.community.welcome.models import FirstTask
from llmos.hub.actions import create_repository
from llmos.hub.kinds import KINDS

pytestmark = pytest.mark.django_db
ROWS: tuple[type[Model], ...] = (
    Thread,
    Post,
    Revision,
    Reaction,
    Bookmark,
    Watch,
    Ballot,
    Report,
    Decision,
    FirstTask,
)


@pytest.fixture(autouse=True)
def _shelves() -> None:
    make_first()


@pytest.fixture
def writer() -> Viewer:
    return viewer_of_user(member(Level.LEADER))


def browser_of(person: Viewer) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=person.user_id))
    return client


def sent_twice(person: Viewer, address: str, form: dict[str, Any]) -> tuple[dict[str, int], Any]:
    """What a form made when it was sent once; asserts that the second time made nothing more."""
    browser, before = browser_of(person), counts()
    first = browser.post(address, form)
    assert first.status_code == 302, first.content.decode()
    once = counts()
    second = browser.post(address, form)
    assert counts() == once
    made = {name: n - before[name] for name, n in once.items() if n != before[name]}
    return made, (first, second)


def counts() -> dict[str, int]:
    return {model.__name__: model._default_manager.count() for model in ROWS}


def same_place(heard: Any) -> bool:
    first, second = heard
    return bool(first.headers["Location"] == second.headers.get("Location"))


WRITTEN = {"text": "Words enough to be read", "key": "k-1", "language": "en"}


@pytest.mark.parametrize(
    ("address", "more"),
    [
        ("/forum/new", {"title": "Twice?", "category": "questions"}),
        ("/notes/new", {}),
        ("/blog/new", {"title": "Twice told"}),
    ],
)
def test_what_begins_a_conversation_begins_one(
    writer: Viewer, address: str, more: dict[str, str]
) -> None:
    made, heard = sent_twice(writer, address, {**WRITTEN, **more})
    assert (made["Thread"], made["Post"], same_place(heard)) == (1, 1, True)


def test_a_discussion_and_its_answer_are_there_once(writer: Viewer) -> None:
    owner = viewer()
    made_there = create_repository(
        viewer=owner, kind=KINDS["model"], namespace=None, name="twice", visibility="public"
    )
    address = f"/{made_there}/discussions/new"
    made, heard = sent_twice(writer, address, {**WRITTEN, "title": "Twice"})
    assert (made["Thread"], same_place(heard)) == (1, True)
    thread = Thread.objects.get(place=Thread.Place.DISCUSSION)
    made, heard = sent_twice(writer, f"/threads/{thread.pk}/reply", {**WRITTEN, "key": "k-2"})
    assert (made["Post"], same_place(heard)) == (1, True)


def test_an_edit_is_one_version(writer: Viewer) -> None:
    post = answer(writer, topic(viewer()))
    form = {"text": "Better words", "seen_edits": "0"}
    made, heard = sent_twice(writer, f"/posts/{post.pk}/edit", form)
    assert (made, same_place(heard)) == ({"Revision": 1}, True)


@pytest.mark.parametrize(
    ("deed", "form", "row"),
    [
        ("react", {"heart": "1"}, "Reaction"),
        ("bookmark", {"on": "1"}, "Bookmark"),
        ("report", {"reason": "spam"}, "Report"),
    ],
)
def test_what_is_done_to_a_post_is_done_once(
    writer: Viewer, deed: str, form: dict[str, str], row: str
) -> None:
    post = answer(viewer(), topic(viewer()))
    made, heard = sent_twice(writer, f"/posts/{post.pk}/{deed}", form)
    assert made == {row: 1}
    assert same_place(heard)


def test_an_answer_is_accepted_once_and_a_ballot_cast_once(writer: Viewer) -> None:
    poll = poll_from(question="Which?", choices="a\nb", is_multiple=False, closes_at=None)
    asked = open_topic(
        writer,
        category=category_for("questions"),
        title="Both",
        text="A question with a poll",
        tags=[],
        poll=poll,
    )
    post = answer(viewer(), asked.thread)
    made, heard = sent_twice(writer, f"/posts/{post.pk}/accept?seen=", {"on": "1"})
    assert (made, same_place(heard)) == ({}, True)
    assert Topic.objects.get(pk=asked.pk).answer_id == post.pk
    ballot = f"/posts/{Poll.objects.get().post_id}/vote"
    made, heard = sent_twice(writer, ballot, {"choice": "1"})
    assert (made, same_place(heard)) == ({"Ballot": 1}, True)


def test_a_decision_is_logged_once(writer: Viewer) -> None:
    post, steward = answer(viewer(), topic(viewer())), viewer(Level.STEWARD)
    form = {"act": "hide", "reason": "spam", "seen": "0"}
    made, heard = sent_twice(steward, f"/moderation/posts/{post.pk}", form)
    assert (made, heard[1].status_code) == ({"Decision": 1}, 409)
    assert steward.name in heard[1].content.decode()


def test_following_and_moving_twice_is_once(writer: Viewer) -> None:
    asked = open_topic(
        writer, category=category_for("questions"), title="Here", text="Or there", tags=[]
    )
    made, heard = sent_twice(writer, "/follow", {"what": viewer().name, "on": "yes", "next": "/"})
    assert (made, same_place(heard)) == ({"Watch": 1}, True)
    keeper = viewer(admin=True)
    form = {"category": "show", "seen": "questions"}
    made, heard = sent_twice(keeper, f"/t/{asked.pk}/move", form)
    assert (made, same_place(heard)) == ({"Post": 1}, True)  # the line that says so
    assert Category.objects.get(slug="show").topics_count == 1


def test_a_first_task_is_offered_once(writer: Viewer) -> None:
    made_there = create_repository(
        viewer=writer, kind=KINDS["dataset"], namespace=None, name="tasks", visibility="public"
    )
    form = {
        "title": "Translate ten rows",
        "skill": "translation",
        "minutes": "30",
        "mentor": writer.name,
        "check": "merged",
    }
    made, heard = sent_twice(writer, f"/{made_there}/first-tasks/new", form)
    assert (made, same_place(heard)) == ({"FirstTask": 1}, True)
