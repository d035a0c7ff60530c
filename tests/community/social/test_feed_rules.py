import pytest
from tests.community.social.rows import (
    aged,
    follows,
    member,
    settled,
    shared,
    told,
    topic,
)

from llmos.community.social import tasks
from llmos.community.social.actions import mark_seen, write_note
from llmos.community.social.feed import Wish, count_new, home_feed, points
from llmos.community.social.models import About, Activity
from llmos.community.social.queries import seen_until
from llmos.community.threads.actions import react, set_post_state, write_post
from llmos.community.threads.deeds import set_watch
from llmos.community.threads.models import Post, Watch
from llmos.community.trust.actions import keep_away
from llmos.evaluation.models import Result
from llmos.hub import actions as hub
from llmos.hub.models import ChangeRequest, Like, Repository
from llmos.kit.time import now

pytestmark = pytest.mark.django_db


def test_what_followed_members_do_comes_newest_first_and_says_why() -> None:
    eve, ada, bob = member("eve-f"), member("ada-f"), member("bob-f")
    follows(eve, "ada-f")
    shared(ada, "first")
    topic(ada, "How do I begin?")
    topic(bob, "Nobody follows me")
    assert told(eve) == [
        "ada-f began a topic: How do I begin?",
        "ada-f shared a model: ada-f/first",
    ]
    page = home_feed(eve, Wish())
    assert page.items[0].why == ((Watch.Kind.MEMBER, str(ada.user_id)),)
    assert page.cursor == ""


def test_a_repository_a_tag_and_a_task_can_be_followed_each() -> None:
    eve, ada = member("eve-g"), member("ada-g")
    model = shared(ada, "translator")
    Repository.objects.filter(pk=model.pk).update(pipeline_tag="translation")
    topic(ada, "Which data?", tags=["corpora"])
    settled()
    tasks.on_repository_changed.call(repository_id=model.pk)
    for path, title in (
        ("ada-g/translator", "ada-g/translator"),
        ("tags/corpora", "Which data?"),
        ("tasks/translation", "ada-g/translator"),
    ):
        reader = member(f"reader-{path.replace('/', '-')}")
        follows(reader, path)
        assert [line.rpartition(": ")[2] for line in told(reader)] == [title]
    assert told(eve) == []


def test_private_things_are_shown_to_those_alone_who_see_them_now() -> None:
    eve, ada = member("eve-h"), member("ada-h")
    follows(eve, "ada-h")
    secret = shared(ada, "secret", private=True)
    assert told(eve) == []
    Repository.objects.filter(pk=secret.pk).update(visibility="public")
    assert told(eve) == ["ada-h shared a model: ada-h/secret"]
    Repository.objects.filter(pk=secret.pk).update(visibility="private")
    assert told(eve) == []


def test_what_a_moderator_takes_away_is_no_longer_shown() -> None:
    eve, ada = member("eve-i"), member("ada-i")
    follows(eve, "ada-i")
    thread = topic(ada, "Buy my shoes")
    assert len(told(eve)) == 1
    set_post_state(post=Post.objects.get(thread=thread, number=1), state="removed", reason="spam")
    assert told(eve) == []


@pytest.mark.parametrize("degree", ["mute", "ignore", "block"])
def test_whom_one_keeps_away_is_left_out(degree: str) -> None:
    eve, ada = member("eve-j"), member("ada-j")
    follows(eve, "ada-j")
    shared(ada, "loud")
    assert len(told(eve)) == 1
    keep_away(user_id=eve.user_id or 0, other_id=ada.user_id or 0, degree=degree)
    assert told(eve) == []
    assert told(eve, everything=True) == []


def test_what_is_muted_is_left_out_even_if_its_author_is_followed() -> None:
    eve, ada = member("eve-k"), member("ada-k")
    follows(eve, "ada-k")
    thread = topic(ada, "Again about tabs", tags=["tabs"])
    topic(ada, "Something else")
    tag = thread.tag_rows.get().tag_id
    set_watch(eve, kind=Watch.Kind.TAG, target=str(tag), level=Watch.Level.MUTED)
    assert told(eve) == ["ada-k began a topic: Something else"]


def test_pushes_of_a_day_are_told_once_and_those_of_the_first_day_not_at_all() -> None:
    eve, ada = member("eve-l"), member("ada-l")
    model = shared(ada, "steady")
    follows(eve, "ada-l/steady")

    def pushed() -> None:
        model.refresh_from_db()
        hub.record_push(
            repository=model,
            ref="refs/heads/main",
            old=model.head_sha,
            new=model.head_sha,
            user_id=ada.user_id,
        )

    pushed()
    assert told(eve) == ["ada-l shared a model: ada-l/steady"]
    Repository.objects.filter(pk=model.pk).update(created_at=now().replace(year=2020))
    pushed()
    pushed()
    assert told(eve)[0] == "ada-l pushed a new version of a model: ada-l/steady"
    assert Activity.objects.filter(kind="version", repository=model).count() == 1


def test_a_like_goes_when_it_is_taken_back() -> None:
    eve, ada = member("eve-m"), member("ada-m")
    model = shared(ada, "liked")
    follows(ada, "eve-m")
    hub.like(repository=model, user_id=eve.user_id or 0)
    assert told(ada) == ["eve-m likes a model: ada-m/liked"]
    hub.unlike(repository=model, user_id=eve.user_id or 0)
    assert told(ada) == []


def test_a_proposed_change_is_told_as_such() -> None:
    ada, bob = member("ada-p5"), member("bob-p5")
    model = shared(ada, "proposed")
    follows(ada, "bob-p5")
    hub.open_change_request(
        repository=model, author_id=bob.user_id or 0, title="Fix", description="", base="0" * 40
    )
    settled()
    assert told(ada) == ["bob-p5 proposed a change: Fix"]


def test_deeds_are_recorded_once_however_often_they_are_told() -> None:
    ada, bob = member("ada-n"), member("bob-n")
    model = shared(ada, "once")
    thread = topic(ada, "Once?")
    answer = write_post(bob, thread=thread, text="Once.")
    hub.like(repository=model, user_id=bob.user_id or 0)
    change = hub.open_change_request(
        repository=model, author_id=bob.user_id or 0, title="Fix", description="", base="0" * 40
    )
    ChangeRequest.objects.filter(pk=change.pk).update(status="merged")
    for _time in range(3):
        settled()
        tasks.on_repository_created.call(repository_id=model.pk)
        tasks.on_repository_liked.call(repository_id=model.pk, user_id=bob.user_id)
        tasks.on_thread_opened.call(thread_id=thread.pk)
        tasks.on_answer_accepted.call(thread_id=thread.pk, post_id=answer.pk, user_id=ada.user_id)
        tasks.on_change_request_changed.call(
            repository_id=model.pk, number=change.number, status="merged"
        )
    kinds = Activity.objects.order_by("kind").values_list("kind", flat=True)
    assert list(kinds) == ["answer", "discussion", "like", "merged", "repository", "topic"]
    assert About.objects.filter(activity__kind="topic").count() == 2  # the member, the category


def test_an_answer_that_is_accepted_no_more_is_told_of_no_more() -> None:
    ada, bob = member("ada-w9"), member("bob-w9")
    thread = topic(ada, "For a while?")
    answer = write_post(bob, thread=thread, text="For a while.")
    heard = {"thread_id": thread.pk, "post_id": answer.pk}
    for _time in range(2):
        tasks.on_answer_accepted.call(**heard, user_id=ada.user_id)
        assert Activity.objects.filter(kind="answer").count() == 1
        tasks.on_answer_withdrawn.call(**heard)
        assert not Activity.objects.filter(kind="answer").exists()


def test_a_deed_for_something_that_is_gone_is_no_deed() -> None:
    tasks.on_repository_created.call(repository_id=999_999)
    tasks.on_repository_liked.call(repository_id=999_999, user_id=1)
    tasks.on_thread_opened.call(thread_id=999_999)
    tasks.on_thread_changed.call(thread_id=999_999)
    tasks.on_reacted.call(post_id=999_999, user_id=1, name="heart")
    tasks.on_result_recorded.call(result_id="0" * 24, repository_id=999_999)
    tasks.on_activity_recorded.call(activity_id="0" * 24)
    assert not Activity.objects.exists()
    assert not Like.objects.exists()
    assert not Result.objects.exists()


def test_what_many_like_is_shown_to_all_who_read_its_language() -> None:
    eve, ada = member("eve-o"), member("ada-o")
    thread = topic(ada, "机器翻译的评测方法", text="大家怎么评测？")
    post = Post.objects.get(thread=thread, number=1)
    for name in ("one-o", "two-o", "three-o"):
        react(member(name), post=post, name="heart", on=True)
    settled()
    assert home_feed(eve, Wish(), reads=["en"]).items == []
    page = home_feed(eve, Wish(), reads=["zh-hans"])
    assert [one.why for one in page.items] == [((About.LANGUAGE, "zh"),)]
    react(member("late-o"), post=post, name="heart", on=False)


def test_filters_of_kind_and_language_and_pages_by_key() -> None:
    eve, ada = member("eve-p"), member("ada-p")
    follows(eve, "ada-p")
    for number in range(5):
        topic(ada, f"Question number {number}")
    topic(ada, "一个中文问题")
    shared(ada, "among-them")
    assert told(eve, kind="repository") == ["ada-p shared a model: ada-p/among-them"]
    assert told(eve, language="zh") == ["ada-p began a topic: 一个中文问题"]
    found, cursor = [], ""
    for _page in range(10):
        page = home_feed(eve, Wish(size=2, kind="topic", cursor=cursor))
        found += [one.thread.title for one in page.items if one.thread]
        cursor = page.cursor
        if not cursor:
            break
    assert found == ["一个中文问题", *(f"Question number {number}" for number in (4, 3, 2, 1, 0))]


@pytest.mark.parametrize(
    "cursor", ["x", "1_", "_1", "9" * 30 + "_1", "1_" + "9" * 30, "1e308_1", "nan_2", "-5_3"]
)
@pytest.mark.parametrize("by_interest", [True, False])
def test_a_cursor_that_nobody_gave_out_harms_nothing(cursor: str, by_interest: bool) -> None:
    eve = member("eve-q")
    write_note(eve, text="Here I am")
    settled()
    assert len(home_feed(eve, Wish(cursor=cursor, by_interest=by_interest)).items) <= 1


def test_interest_weighs_age_ties_reactions_and_language() -> None:
    eve, ada = member("eve-r"), member("ada-r")
    follows(eve, "ada-r")
    old = topic(ada, "An old one that many liked", tags=["dear"])
    topic(ada, "A newer one")
    settled()
    follows(eve, "tags/dear")
    aged(0.4, thread=old)
    assert [line.rpartition(": ")[2] for line in told(eve)] == [
        "A newer one",
        "An old one that many liked",
    ]
    interesting = [line.rpartition(": ")[2] for line in told(eve, by_interest=True)]
    assert interesting == ["An old one that many liked", "A newer one"]
    first = home_feed(eve, Wish(by_interest=True, size=1))
    second = home_feed(eve, Wish(by_interest=True, size=1, cursor=first.cursor))
    titles = [one.thread.title for page in (first, second) for one in page.items if one.thread]
    assert titles == interesting
    moment = now()
    assert points(moment, ties=1, warmth=3, reads=True) == pytest.approx(
        points(moment, ties=0, warmth=0, reads=False) + 0.5 + 1 + 0.5
    )


def test_ones_own_notes_are_in_ones_feed() -> None:
    eve = member("eve-s")
    note = write_note(eve, text="I found #something", key="k1")
    assert write_note(eve, text="I found #something", key="k1").pk == note.pk
    assert told(eve) == ["eve-s wrote a note: "]
    page = home_feed(eve, Wish())
    assert page.items[0].post is not None
    assert page.items[0].why == ((About.OWN, str(eve.user_id)),)


def test_a_note_bears_the_tags_that_it_names_up_to_five() -> None:
    eve = member("eve-v")
    topic(eve, "Talk", tags=["known-v"])
    note = write_note(eve, text="About #known-v and #other-v", tags=["made-v", " "])
    assert {row.tag.name for row in note.tag_rows.all()} == {"made-v", "known-v", "other-v"}
    many = write_note(eve, text=" ".join(f"#v{number}" for number in range(9)))
    assert many.tag_rows.count() == 5


def test_all_seen_is_seen_until_something_new_happens() -> None:
    eve, ada = member("eve-t"), member("ada-t")
    follows(eve, "ada-t")
    topic(ada, "Before")
    settled()
    mark_seen(user_id=eve.user_id or 0)
    mark_seen(user_id=eve.user_id or 0)
    since = seen_until(eve.user_id or 0)
    assert since is not None
    assert count_new(eve, since, most=9) == 0
    topic(ada, "After")
    settled()
    assert count_new(eve, since, most=9) == 1


def test_a_feed_of_everything_needs_no_account() -> None:
    from llmos.accounts.access import ANONYMOUS

    ada = member("ada-u")
    shared(ada, "open-u")
    shared(ada, "closed-u", private=True)
    assert told(ANONYMOUS, everything=True) == ["ada-u shared a model: ada-u/open-u"]
