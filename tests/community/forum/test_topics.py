"""Topics: who opens them where, which post answered, and what lists say of them."""

import re
from html import unescape

import pytest
from django.test import Client
from tests.community.forum.rows import answered, counts, fresh, member, opened, settled

from llmos.accounts.access import ANONYMOUS, Viewer
from llmos.community.forum import queries, tasks
from llmos.community.forum.actions import accept, settle, unaccept
from llmos.community.forum.errors import ChangedMeanwhile, NotHere
from llmos.community.forum.listing import ROWS_A_PAGE, Wish, page_of, pinned_in
from llmos.community.forum.models import Category, Topic
from llmos.community.threads.actions import set_pinned, set_post_state
from llmos.community.threads.deeds import mark_read, set_watch
from llmos.community.threads.models import Post, Tag, Thread
from llmos.community.trust.errors import NotTrustedYet
from llmos.community.trust.models import Credit, Level
from llmos.community.trust.queries import standing_of
from llmos.kit.errors import Forbidden, Invalid


def titles(viewer: Viewer, **wish: object) -> list[str]:
    found = page_of(viewer, Wish("/forum", **wish))  # type: ignore[arg-type]
    return [thread.title for thread in found.threads]


def test_a_topic_is_counted_where_it_stands(asker: Viewer, helper: Viewer) -> None:
    topic = opened(asker, "How does BPE merge?")
    answered(helper, topic)

    assert topic.thread.address == f"/t/{topic.pk}/how-does-bpe-merge"
    assert counts("questions") == (1, 2)
    settle(topic.pk)
    assert counts("questions") == (1, 2)


def test_the_same_form_sent_twice_opens_one_topic(asker: Viewer) -> None:
    first = opened(asker, "Once", key="k1")
    again = opened(asker, "Once", key="k1")

    assert first.pk == again.pk
    assert counts("questions") == (1, 1)


def test_announcements_are_not_for_everybody(asker: Viewer, keeper: Viewer) -> None:
    with pytest.raises(NotHere, match="steward"):
        opened(asker, "I announce", slug="announcements")

    assert opened(keeper, "We announce", slug="announcements").category.slug == "announcements"


def test_new_members_use_the_tags_that_are_there() -> None:
    newcomer = member("newcomer", level=Level.NEW)
    with pytest.raises(NotTrustedYet, match="quantum"):
        opened(newcomer, "Tagged", tags=["quantum"])

    topic = opened(newcomer, "Tagged", tags=["机器翻译", "MT"])
    assert [row.tag.name for row in topic.thread.tag_rows.all()] == ["translation"]


def test_who_asked_says_what_answered(asker: Viewer, helper: Viewer) -> None:
    topic = opened(asker, "Why is my loss flat?")
    assert topic.waits
    post = answered(helper, topic)
    assert not fresh(asker, topic).waits

    accept(asker, topic=topic, post=post, seen=None)
    accept(asker, topic=topic, post=post, seen=None)
    settled()

    topic = fresh(asker, topic)
    assert (topic.answer_id, topic.is_solved) == (post.pk, True)
    credited = Credit.objects.filter(kind=Credit.Kind.ANSWER)
    assert list(credited.values_list("user_id", "subject")) == [(helper.user_id, f"post:{post.pk}")]
    assert queries.facts_for_search([topic.pk])[topic.pk] == [
        "type:question",
        "category:questions",
        "solved:yes",
    ]


def test_answering_oneself_is_allowed_and_no_credit(asker: Viewer) -> None:
    topic = opened(asker, "Found it")
    post = answered(asker, topic)

    accept(asker, topic=topic, post=post, seen=None)
    settled()

    assert fresh(asker, topic).is_solved
    assert not Credit.objects.filter(kind=Credit.Kind.ANSWER).exists()


def test_two_who_accept_at_once_hear_of_each_other(
    asker: Viewer, helper: Viewer, keeper: Viewer
) -> None:
    topic = opened(asker, "Which of two?")
    one, other = answered(helper, topic), answered(keeper, topic)
    accept(keeper, topic=topic, post=other, seen=None)

    with pytest.raises(ChangedMeanwhile):
        accept(asker, topic=topic, post=one, seen=None)
    accept(asker, topic=topic, post=one, seen=other.pk)
    assert fresh(asker, topic).answer_id == one.pk


def test_only_answers_are_accepted_and_only_by_some(asker: Viewer, helper: Viewer) -> None:
    topic = opened(asker, "Who decides?")
    post = answered(helper, topic)
    with pytest.raises(Forbidden):
        accept(helper, topic=topic, post=post, seen=None)
    with pytest.raises(Invalid):
        accept(asker, topic=topic, post=topic.thread.posts.get(number=1), seen=None)
    chat = opened(asker, "Only talk", slug="discussion")
    with pytest.raises(Invalid):
        accept(asker, topic=chat, post=answered(helper, chat), seen=None)


def test_an_answer_that_is_taken_back_or_away_opens_the_question(
    asker: Viewer, helper: Viewer
) -> None:
    topic = opened(asker, "Solved for a while")
    post = answered(helper, topic)
    accept(asker, topic=topic, post=post, seen=None)
    unaccept(asker, topic=topic, post=post)
    unaccept(asker, topic=topic, post=post)
    assert not fresh(asker, topic).is_solved

    accept(asker, topic=topic, post=post, seen=None)
    set_post_state(post=post, state="removed", reason="wrong")
    settled()
    topic = fresh(asker, topic)
    assert (topic.is_solved, topic.waits) == (False, True)
    assert counts("questions") == (1, 1)


def test_a_topic_that_is_taken_away_is_not_counted(asker: Viewer) -> None:
    topic = opened(asker, "Not for long")
    first = topic.thread.posts.get(number=1)
    set_post_state(post=first, state="hidden", reason="spam")
    settled()
    assert counts("questions") == (0, 0)
    set_post_state(post=first, state="visible", reason="")
    settled()
    assert counts("questions") == (1, 1)


def test_lists_go_page_by_page_without_loss(asker: Viewer, helper: Viewer) -> None:
    for number in range(7):
        topic = opened(asker, f"Topic {number}")
        for _ in range(number % 3):
            answered(helper, topic)
    where = Category.objects.get(slug="questions")
    for order in ("latest", "new", "top", "unanswered"):
        wish, seen = Wish("/forum", order=order, category=where), []
        while True:
            page = page_of(ANONYMOUS, wish, rows=2)
            seen += [thread.pk for thread in page.threads]
            if not page.cursor:
                break
            wish = Wish("/forum", order=order, category=where, after=page.cursor)
        wanted = 3 if order == "unanswered" else 7
        assert (len(seen), len(set(seen))) == (wanted, wanted), order


def test_a_list_of_more_than_a_page_leads_on_and_back() -> None:
    keeper = member("keeper", admin=True)  # whose pace nobody limits
    for number in range(ROWS_A_PAGE + 1):
        opened(keeper, f"Topic {number} of many")
    browser = Client()
    first = browser.get("/forum/c/questions").content.decode()
    following = re.search(r'href="([^"]+)" rel="next"', first)
    assert following is not None
    assert "Topic 0 of many" not in first
    last = browser.get(unescape(following[1])).content.decode()
    assert re.findall(r"Topic \d+ of many", last) == ["Topic 0 of many"]
    assert 'href="/forum/c/questions" >From the beginning' in last


def test_a_cursor_that_is_not_ours_is_refused() -> None:
    for cursor in ("x", "1", "9" * 40 + ".1", "1.2.3", "-1.2"):
        with pytest.raises(Invalid):
            page_of(ANONYMOUS, Wish("/forum", after=cursor))


def test_what_is_muted_is_not_listed(asker: Viewer, helper: Viewer) -> None:
    quiet = opened(asker, "Muted topic")
    opened(asker, "Muted shelf", slug="show")
    opened(asker, "Muted tag", tags=["hardware"])
    opened(asker, "Heard")
    shelf = Category.objects.get(slug="show")
    tag = Tag.objects.get(name="hardware")
    for kind, target in (("thread", quiet.pk), ("category", shelf.pk), ("tag", tag.pk)):
        set_watch(helper, kind=kind, target=str(target), level=-1)

    assert titles(helper) == ["Heard"]
    assert len(titles(asker)) == 4
    assert titles(helper, category=shelf) == ["Muted shelf"]


def test_unread_is_what_went_on_and_what_is_new_where_one_tracks(
    asker: Viewer, helper: Viewer
) -> None:
    begun = opened(asker, "Begun")
    mark_read(user_id=helper.user_id or 0, thread=begun.thread, number=1)
    opened(asker, "Elsewhere")
    shelf = Category.objects.get(slug="show")
    set_watch(helper, kind="category", target=str(shelf.pk), level=1)
    opened(asker, "New there", slug="show")
    assert titles(helper, order="unread") == ["New there"]

    answered(asker, begun)
    assert titles(helper, order="unread") == ["Begun", "New there"]


def test_pinned_topics_stand_above_their_category(asker: Viewer) -> None:
    topic = opened(asker, "Read me first")
    opened(asker, "Newer")
    set_pinned(thread=topic.thread, user_id=asker.user_id or 0, pinned=True)
    set_pinned(thread=topic.thread, user_id=asker.user_id or 0, pinned=True)
    assert Post.objects.filter(thread=topic.pk, deed="pinned").count() == 1

    where = Category.objects.get(slug="questions")
    assert [thread.title for thread in pinned_in(where)] == ["Read me first"]
    assert titles(asker, category=where) == ["Newer"]
    assert titles(asker) == ["Newer", "Read me first"]


def test_the_language_with_fewest_answerers_stands_first(asker: Viewer, helper: Viewer) -> None:
    solved = opened(asker, "Solved in English")
    accept(asker, topic=solved, post=answered(helper, solved), seen=None)
    opened(asker, "Waits in English")
    opened(asker, "用什么分词器比较好")
    opened(asker, "中文模型怎么评测")
    queries.cache.clear()

    first, second = queries.starving()

    assert (first.language, first.answerers, first.waiting) == ("zh", 0, 2)
    assert [one.title for one in first.threads] == ["用什么分词器比较好", "中文模型怎么评测"]
    assert (second.language, second.answerers) == ("en", 1)


def test_a_list_costs_the_same_number_of_queries_however_long_it_is(
    asker: Viewer, django_assert_max_num_queries: object
) -> None:
    for number in range(8):
        opened(asker, f"Row {number}", tags=["data"])
    with django_assert_max_num_queries(3):  # type: ignore[operator]
        page_of(asker, Wish("/forum"))
    with django_assert_max_num_queries(4):  # type: ignore[operator]
        queries.shelves({})
    assert Topic.objects.count() == Thread.objects.filter(place="topic").count() == 8
    assert Post.objects.count() == 8


def credits_of(viewer: Viewer) -> tuple[list[str], int]:
    """What somebody is credited for as an answer, and how many credits count for her level."""
    rows = Credit.objects.filter(user_id=viewer.user_id, kind=Credit.Kind.ANSWER)
    return list(rows.values_list("subject", flat=True)), standing_of(viewer.user_id or 0).credits


def test_an_answer_that_is_taken_back_takes_its_credit_along_and_no_other(
    asker: Viewer, helper: Viewer
) -> None:
    earned = opened(asker, "Answered for good")
    kept = answered(helper, earned)
    accept(asker, topic=earned, post=kept, seen=None)
    topic = opened(asker, "Answered for a while")
    post = answered(helper, topic)
    accept(asker, topic=topic, post=post, seen=None)
    settled()
    assert credits_of(helper) == ([f"post:{kept.pk}", f"post:{post.pk}"], 2)

    unaccept(asker, topic=topic, post=post)
    settled()
    assert credits_of(helper) == ([f"post:{kept.pk}"], 1)

    for _twice in range(2):
        accept(asker, topic=fresh(asker, topic), post=post, seen=None)
        settled()
    assert credits_of(helper) == ([f"post:{kept.pk}", f"post:{post.pk}"], 2)


def test_a_better_answer_or_a_hidden_one_moves_the_credit(
    asker: Viewer, helper: Viewer, keeper: Viewer
) -> None:
    topic = opened(asker, "Two answers")
    one, other = answered(helper, topic), answered(keeper, topic)
    accept(asker, topic=topic, post=one, seen=None)
    settled()
    accept(asker, topic=topic, post=other, seen=one.pk)
    settled()
    assert (credits_of(helper)[1], credits_of(keeper)[1]) == (0, 1)

    set_post_state(post=other, state="hidden", reason="wrong after all")
    settled()
    assert (credits_of(helper)[1], credits_of(keeper)[1]) == (0, 0)


def test_credit_follows_the_topic_however_late_it_is_heard_of(
    asker: Viewer, helper: Viewer
) -> None:
    topic = opened(asker, "Heard of late")
    post = answered(helper, topic)
    accept(asker, topic=topic, post=post, seen=None)
    unaccept(asker, topic=topic, post=post)
    heard = {"thread_id": topic.pk, "post_id": post.pk}
    tasks.on_answer_withdrawn.call(**heard)
    tasks.on_answer_accepted.call(**heard, user_id=asker.user_id)
    assert credits_of(helper) == ([], 0)
