"""What else one may do with a post: each sees her own deeds, and nobody those of a hidden post."""

import re

import pytest
from django.test import Client
from tests.community.keeping import answer, member, topic

from llmos.accounts.access import viewer_of_user
from llmos.accounts.models import User
from llmos.community.forum.access import category_for
from llmos.community.forum.actions import accept, open_topic
from llmos.community.forum.shelving import make_first
from llmos.community.threads.models import Post, State, Thread
from llmos.community.trust.models import Level

pytestmark = pytest.mark.django_db
READERS = {"/posts/N/report", "/settings/people"}


@pytest.fixture
def asker() -> User:
    return member()


@pytest.fixture
def thread(asker: User) -> Thread:
    return topic(viewer_of_user(asker))


@pytest.fixture
def post(thread: Thread) -> Post:
    return answer(viewer_of_user(member()), thread)


def deeds(user: User, post: Post) -> set[str]:
    """Where the links and buttons of the menu lead; `N` stands for the post's number."""
    browser = Client()
    browser.force_login(user)
    page = browser.get(f"/posts/{post.pk}/menu").content.decode()
    shown = re.search(r'menu-open">(.*?)</div>', page, re.DOTALL)
    found = re.findall(r'(?:href|formaction)="([^"?]+)', shown[1]) if shown else []
    return {one.replace(f"/posts/{post.pk}", "/posts/N") for one in found}


def test_a_reader_reports_it_or_keeps_its_author_away(post: Post) -> None:
    assert deeds(member(), post) == READERS


def test_its_author_takes_it_back_or_lets_others_edit_it(post: Post) -> None:
    assert post.author is not None
    assert deeds(post.author, post) == {"/posts/N/wiki", "/posts/N/back"}


def test_a_moderator_decides_and_opens_it_to_others(post: Post) -> None:
    found = deeds(member(Level.STEWARD), post)
    assert found == READERS | {"/moderation/posts/N", "/posts/N/wiki"}


def test_another_answer_is_accepted_from_there_once_there_is_one(asker: User) -> None:
    make_first()
    asked = open_topic(
        viewer_of_user(asker),
        category=category_for("questions"),
        title="Which one helps?",
        text="I have asked about this for a while.",
        tags=[],
    )
    first, second = (answer(viewer_of_user(member()), asked.thread) for _ in range(2))
    assert deeds(asker, second) == READERS
    accept(viewer_of_user(asker), topic=asked, post=first, seen=None)
    assert deeds(asker, second) == READERS | {"/posts/N/accept"}
    assert deeds(asker, first) == READERS
    leader = deeds(member(Level.STEWARD), second)
    assert f"/t/{asked.thread_id}/arrange" in leader


def test_a_visitor_signs_in_first(post: Post) -> None:
    page = Client().get(f"/posts/{post.pk}/menu")
    assert page.status_code == 302
    assert page.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("state", [State.HIDDEN, State.PENDING])
def test_who_may_not_see_a_post_learns_nothing_of_its_menu(post: Post, state: str) -> None:
    Post.objects.filter(pk=post.pk).update(state=state)
    browser = Client()
    browser.force_login(member())
    assert browser.get(f"/posts/{post.pk}/menu").status_code == 404
    assert browser.get("/posts/999999/menu").status_code == 404
