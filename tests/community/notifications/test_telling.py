"""Who hears of what, why, and how often: once."""

import pytest
from django.test import Client
from tests.community.notifications.rows import (
    CATEGORY,
    answer,
    kinds_of,
    member,
    naming,
    quoting,
    settled,
    told,
    topic,
    unread,
    user_of,
    watches,
)

from llmos.accounts.access import Viewer, viewer_of_user
from llmos.accounts.actions import create_user
from llmos.community.moderation.access import member_target
from llmos.community.moderation.actions import set_level
from llmos.community.notifications import tasks
from llmos.community.notifications.actions import Wishes, mark_all_seen, mark_seen, save_wishes
from llmos.community.notifications.kinds import DEFAULTS
from llmos.community.notifications.models import Notification, Preferences
from llmos.community.notifications.queries import unread_count
from llmos.community.threads.actions import react, set_post_state
from llmos.community.threads.deeds import mark_read, set_watch
from llmos.community.threads.models import Post, Reaction, State, Thread, Watch
from llmos.community.trust.models import Distance, Level
from llmos.hub.actions import change_settings, create_repository
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository

pytestmark = pytest.mark.django_db

FOLLOWING, WATCHING, MUTED = Watch.Level.FOLLOWING, Watch.Level.WATCHING, Watch.Level.MUTED


@pytest.fixture
def ada() -> Viewer:
    return member("ada")


@pytest.fixture
def bob() -> Viewer:
    return member("bob")


@pytest.fixture
def mei() -> Viewer:
    return member("mei")


def shared(viewer: Viewer, name: str, *, private: bool = False) -> Repository:
    return create_repository(
        viewer=viewer,
        kind=KINDS["model"],
        namespace=viewer.name,
        name=name,
        visibility="private" if private else "public",
    )


def test_an_edited_post_that_is_approved_is_not_told_of_again(ada: Viewer, bob: Viewer) -> None:
    thread = topic(ada)
    watches(bob, Watch.Kind.THREAD, thread.pk, WATCHING)
    post = answer(member("eve"), thread)
    settled()
    assert told(bob)
    mark_all_seen(bob.user_id or 0, upto=10**6)
    for state in (State.PENDING, State.VISIBLE):
        set_post_state(post=post, state=state, reason="")
        settled()
    assert told(bob) == []


def test_who_opened_a_thread_hears_of_answers_and_nobody_of_her_own(
    ada: Viewer, bob: Viewer
) -> None:
    thread = topic(ada)
    answer(bob, thread)

    assert told(ada) == ["bob answers you"]
    assert told(bob) == []


def test_the_strongest_reason_is_told_and_only_that(ada: Viewer, bob: Viewer, mei: Viewer) -> None:
    thread = topic(ada)
    first = answer(mei, thread)
    watches(ada, Watch.Kind.CATEGORY, CATEGORY, WATCHING)
    settled()
    post = quoting(answer(bob, thread, reply_to=first), thread.posts.get(number=1))
    naming(post, ada)

    settled()

    assert [line.kind for line in unread(ada) if line.address.endswith("post-3")] == ["mention"]
    assert [line.kind for line in unread(mei) if line.address.endswith("post-3")] == ["reply"]
    assert Notification.objects.filter(user_id=ada.user_id, post=post).count() == 1


def test_a_stronger_reason_that_comes_later_takes_the_place_of_a_weaker_one(
    ada: Viewer, bob: Viewer
) -> None:
    watches(bob, Watch.Kind.CATEGORY, CATEGORY, FOLLOWING)
    thread = topic(ada)
    assert kinds_of(bob) == ["thread"]

    tasks.on_question_routed.call(thread_id=thread.pk, user_ids=[bob.user_id])

    assert kinds_of(bob) == ["question"]


@pytest.mark.parametrize("kind", ["category", "tag", "member", "repository"])
def test_followers_hear_of_new_threads_and_watchers_of_every_post(
    ada: Viewer, bob: Viewer, mei: Viewer, kind: str
) -> None:
    repository = shared(ada, "model") if kind == "repository" else None
    thread = topic(ada, "First", tags=["translation"], repository=repository)
    settled()
    targets = {
        "category": CATEGORY,
        "tag": thread.tag_rows.get().tag_id,
        "member": ada.user_id,
        "repository": repository.pk if repository else 0,
    }
    watches(bob, Watch.Kind(kind), targets[kind], FOLLOWING)
    watches(mei, Watch.Kind(kind), targets[kind], WATCHING)

    second = topic(ada, "Second", tags=["translation"], repository=repository)
    answer(ada, second, "more")

    assert kinds_of(bob) == ["thread"]
    assert sorted(kinds_of(mei)) == ["post", "thread"]


def test_what_is_muted_is_not_told_unless_somebody_is_named(
    ada: Viewer, bob: Viewer, mei: Viewer
) -> None:
    watches(bob, Watch.Kind.CATEGORY, CATEGORY, WATCHING)
    thread = topic(ada, tags=["noise"])
    watches(bob, Watch.Kind.TAG, thread.tag_rows.get().tag_id, MUTED)
    assert kinds_of(bob) == []

    naming(answer(ada, thread), bob)
    assert kinds_of(bob) == ["mention"]

    set_watch(bob, kind="thread", target=str(thread.pk), level=MUTED)
    naming(answer(ada, thread), bob)
    settled()
    assert Notification.objects.filter(user_id=bob.user_id).count() == 1


@pytest.mark.parametrize("degree", list(Distance.Degree))
def test_who_keeps_somebody_away_hears_nothing_from_them(
    ada: Viewer, bob: Viewer, degree: Distance.Degree
) -> None:
    Distance.objects.create(user=user_of(ada), other=user_of(bob), degree=degree)
    thread = topic(ada)
    naming(answer(bob, thread), ada)

    assert told(ada) == []


def test_what_is_private_is_told_only_to_those_who_may_see_it(
    ada: Viewer, bob: Viewer, mei: Viewer
) -> None:
    repository = shared(ada, "secret", private=True)
    watches(bob, Watch.Kind.REPOSITORY, repository.pk, WATCHING)
    naming(topic(ada, repository=repository).posts.get(), mei)

    assert told(bob) == told(mei) == []
    assert not Notification.objects.filter(user_id__in=[bob.user_id, mei.user_id]).exists()


def test_what_became_private_or_was_hidden_is_shown_no_more(ada: Viewer, bob: Viewer) -> None:
    repository = shared(ada, "open")
    naming(topic(ada, "About it", repository=repository).posts.get(), bob)
    post = naming(topic(ada, "Elsewhere").posts.get(), bob)
    assert len(told(bob)) == unread_count(bob) == 2

    change_settings(repository=repository, visibility="private")
    set_post_state(post=post, state=State.HIDDEN, reason="spam")

    assert told(bob) == []
    assert unread_count(bob) == 0


def test_telling_again_changes_nothing(ada: Viewer, bob: Viewer) -> None:
    post = naming(answer(bob, topic(ada)), ada)
    settled()
    mark_all_seen(ada.user_id or 0, upto=10**6)

    for _ in range(2):
        tasks.on_post_written.call(post_id=post.pk)

    assert told(ada) == []
    assert Notification.objects.filter(user_id=ada.user_id).count() == 1


def test_reactions_to_a_post_are_one_line_that_counts_people(
    ada: Viewer, bob: Viewer, mei: Viewer
) -> None:
    post = topic(ada).posts.get()
    react(bob, post=post, name="heart", on=True)
    react(bob, post=post, name="thanks", on=True)
    react(ada, post=post, name="heart", on=True)
    assert told(ada) == ["bob reacted to what you wrote"]

    mark_seen(ada.user_id or 0, unread(ada)[0].ids)
    row = Reaction.objects.get(post=post, user_id=bob.user_id, name="heart")
    tasks.on_reacted.call(post_id=post.pk, user_id=row.user_id, name="heart")
    assert told(ada) == []

    react(mei, post=post, name="insight", on=True)
    assert told(ada) == ["mei and 1 other reacted to what you wrote"]


def test_a_follower_is_told_once_however_often_she_changes_her_mind(
    ada: Viewer, bob: Viewer
) -> None:
    target = str(ada.user_id)
    for _ in range(3):
        set_watch(bob, kind="member", target=target, level=FOLLOWING)
        settled()
        set_watch(bob, kind="member", target=target, level=Watch.Level.NORMAL)
    set_watch(bob, kind="member", target=target, level=FOLLOWING)

    assert told(ada) == ["bob follows you"]


def test_posts_of_a_watched_thread_are_one_line_and_reading_the_thread_ends_it(
    ada: Viewer, bob: Viewer
) -> None:
    thread = topic(ada)
    settled()
    watches(bob, Watch.Kind.THREAD, thread.pk, WATCHING)
    for number in range(3):
        answer(ada, thread, f"words {number}")
    assert told(bob) == ["3 new posts in a conversation that you watch"]
    assert unread(bob)[0].address.endswith("#post-2")
    assert unread_count(bob) == 1

    thread.refresh_from_db()
    mark_read(user_id=bob.user_id or 0, thread=thread, number=3)
    assert told(bob) == ["ada wrote in a conversation that you watch"]
    mark_read(user_id=bob.user_id or 0, thread=thread, number=4)
    assert unread_count(bob) == 0


def test_an_article_is_told_as_one_and_a_note_only_to_watchers(
    ada: Viewer, bob: Viewer, mei: Viewer
) -> None:
    watches(bob, Watch.Kind.MEMBER, ada.user_id, FOLLOWING)
    watches(mei, Watch.Kind.MEMBER, ada.user_id, WATCHING)
    topic(ada, place=Thread.Place.ARTICLE)
    topic(ada, place=Thread.Place.NOTE)

    assert kinds_of(bob) == ["article"]
    assert sorted(kinds_of(mei)) == ["article", "thread"]


def test_a_kind_that_is_switched_off_is_not_even_kept(ada: Viewer, bob: Viewer) -> None:
    channels = {str(kind): set(ways) for kind, ways in DEFAULTS.items()} | {"reply": set[str]()}
    save_wishes(ada.user_id or 0, Wishes(channels, "", "off", 8, 0))
    answer(bob, topic(ada))

    assert told(ada) == []
    assert Preferences.objects.get(pk=ada.user_id).choices == {"reply": []}
    assert not Notification.objects.filter(user_id=ada.user_id).exists()


def test_who_keeps_a_repository_hears_of_discussions_on_it(ada: Viewer, bob: Viewer) -> None:
    repository = shared(ada, "talked-about")
    topic(bob, "A question", place=Thread.Place.DISCUSSION, repository=repository)

    assert told(ada) == ["bob begins a conversation"]


def test_an_answer_that_is_accepted_no_more_is_no_news_unless_it_was_seen(
    ada: Viewer, bob: Viewer
) -> None:
    thread = topic(ada)
    post = answer(bob, thread)
    heard = {"thread_id": thread.pk, "post_id": post.pk}
    tasks.on_answer_accepted.call(**heard, user_id=ada.user_id)
    assert kinds_of(bob) == ["accepted"]
    tasks.on_answer_withdrawn.call(**heard)
    assert kinds_of(bob) == []

    tasks.on_answer_accepted.call(**heard, user_id=ada.user_id)
    mark_all_seen(bob.user_id or 0, upto=10**9)
    tasks.on_answer_withdrawn.call(**heard)
    tasks.on_answer_accepted.call(**heard, user_id=ada.user_id)
    assert kinds_of(bob) == []


def closed(post: Post, *voters: Viewer, leading: tuple[str, ...] = ("small",)) -> None:
    """As the forum tells of a poll under a post; told again nothing is new."""
    for _time in range(2):
        tasks.on_poll_closed.call(
            poll_id=9,
            post_id=post.pk,
            leading=list(leading),
            share=67,
            voters=[voter.user_id for voter in voters],
        )


def test_who_voted_and_who_follows_hear_the_result_of_a_poll_once(
    ada: Viewer, bob: Viewer, mei: Viewer
) -> None:
    thread = topic(ada, "Which size?")
    eve, muted = member("eve"), member("muted")
    set_watch(mei, kind="thread", target=str(thread.pk), level=FOLLOWING)
    set_watch(muted, kind="thread", target=str(thread.pk), level=MUTED)

    closed(thread.posts.get(number=1), bob, mei, muted)

    sentence = "A poll is closed: “small” has most votes, 67 %"
    for viewer in (ada, bob, mei):  # who opened it watches it
        assert told(viewer) == [sentence]
    assert unread(bob)[0].title == "Which size?"
    assert told(eve) == told(muted) == []


def test_a_poll_that_nobody_won_is_told_as_that(ada: Viewer, bob: Viewer) -> None:
    post = topic(ada, "Nobody?").posts.get(number=1)
    closed(post, leading=())
    assert told(ada) == ["A poll is closed; nobody voted"]
    Notification.objects.all().delete()
    closed(post, bob, leading=("a", "b"))
    assert told(bob) == ["A poll is closed, with 2 choices in front, each 67 %"]


def test_a_member_hears_once_of_each_level_and_what_it_opens(ada: Viewer) -> None:
    for level in (Level.MEMBER, Level.REGULAR, Level.MEMBER, Level.REGULAR):
        was = level - 1
        heard = {"user_id": ada.user_id, "was": was, "level": int(level), "reason": ""}
        tasks.on_level_changed.call(**heard)

    lines = [line for line in unread(ada) if line.kind == "level"]
    assert [line.text for line in lines] == [
        "You have reached the level “regular”",
        "You have reached the level “member”",
    ]
    assert "20 links, 10 pictures and 10 mentions" in lines[1].excerpt
    assert lines[0].address == "/ada"


def test_a_member_hears_why_her_level_was_lowered(ada: Viewer) -> None:
    bob = member("bob-low")
    steward = viewer_of_user(create_user(name="low-admin", admin=True))
    set_level(
        steward,
        target=member_target("bob-low"),
        level=Level.NEW,
        reason="spam",
        words="Three times",
        held=True,
    )
    assert told(bob) == ["A moderator lowered your level"]
    assert unread(bob)[0].excerpt == "Advertising or spam Three times"


@pytest.mark.parametrize("kind", ["poll", "level"])
def test_polls_and_levels_can_be_switched_off(ada: Viewer, kind: str) -> None:
    preferences = Preferences(user_id=ada.user_id)
    preferences.set_channels({kind: set()})
    preferences.save()
    closed(topic(ada).posts.get(number=1), ada)
    tasks.on_level_changed.call(user_id=ada.user_id, was=0, level=1, reason="")
    assert kind not in kinds_of(ada)
    assert f'name="{kind}' in browser_of(ada).get("/settings/notifications").content.decode()


def browser_of(viewer: Viewer) -> Client:
    client = Client()
    client.force_login(user_of(viewer))
    return client
