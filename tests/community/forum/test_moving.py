"""Moving, splitting, merging: no address dies, nothing is counted twice, two at once end well."""

import pytest
from django.test import Client
from tests.community.forum.rows import answered, counts, fresh, opened, settled

from llmos.accounts.access import Viewer
from llmos.accounts.models import User
from llmos.community.forum import moving
from llmos.community.forum.access import category_for
from llmos.community.forum.actions import accept
from llmos.community.forum.errors import ChangedMeanwhile
from llmos.community.forum.models import Topic
from llmos.community.threads.actions import react, set_post_state
from llmos.community.threads.deeds import keep_draft, mark_read, set_watch
from llmos.community.threads.models import Draft, Post, Reading, Thread, Watch
from llmos.kit.errors import Forbidden, Invalid


def texts(topic: Topic) -> list[tuple[int, str]]:
    rows = Post.objects.filter(thread=topic.pk, deed="").order_by("number")
    return list(rows.values_list("number", "text"))


def deeds(topic: Topic) -> list[str]:
    rows = Post.objects.filter(thread=topic.pk).exclude(deed="").order_by("number")
    return list(rows.values_list("deed", flat=True))


def leads_to(address: str) -> str:
    return str(Client().get(address).headers.get("Location", ""))


def test_a_moved_topic_takes_its_counts_along(asker: Viewer, keeper: Viewer) -> None:
    topic = opened(asker, "Wrong shelf")
    answered(asker, topic)
    show = category_for("show")
    moving.move(keeper, topic=topic, category=show, seen="questions")
    moving.move(keeper, topic=topic, category=show, seen="questions")
    settled()

    topic = fresh(asker, topic)
    assert (topic.category.slug, topic.thread.shelf, topic.waits) == ("show", show.pk, False)
    assert (counts("questions"), counts("show")) == ((0, 0), (1, 2))
    assert deeds(topic) == ["moved"]


def test_two_who_move_at_once_hear_of_each_other(asker: Viewer, keeper: Viewer) -> None:
    topic = opened(asker, "Torn")
    moving.move(keeper, topic=topic, category=category_for("show"), seen="questions")
    with pytest.raises(ChangedMeanwhile, match="Show and tell"):
        moving.move(keeper, topic=topic, category=category_for("support"), seen="questions")
    with pytest.raises(Forbidden):
        moving.move(asker, topic=topic, category=category_for("support"), seen="show")


def test_posts_that_are_split_off_keep_their_addresses(
    asker: Viewer, helper: Viewer, keeper: Viewer
) -> None:
    topic = opened(asker, "Two matters", tags=["data"])
    posts = [answered(helper, topic, f"Answer {n}") for n in range(4)]
    react(keeper, post=posts[1], name="heart", on=True)
    mark_read(user_id=keeper.user_id or 0, thread=fresh(keeper, topic).thread, number=4)
    set_watch(keeper, kind="thread", target=str(topic.pk), level=3)

    made = moving.split(
        keeper,
        topic=topic,
        post_ids=[posts[1].pk, posts[3].pk],
        title="The second matter",
        category=category_for("discussion"),
    )
    settled()

    assert texts(made) == [(1, "Answer 1"), (2, "Answer 3")]
    assert [number for number, _ in texts(topic)] == [1, 2, 4]
    assert (deeds(topic), deeds(made)) == (["split"], ["split-from"])
    thread = fresh(asker, made).thread
    assert (thread.author_id, thread.posts_count, thread.reactions_count) == (helper.user_id, 2, 1)
    assert [row.tag.name for row in thread.tag_rows.all()] == ["data"]
    assert (counts("questions"), counts("discussion")) == ((1, 3), (1, 2))
    read = Reading.objects.get(user_id=keeper.user_id, thread=thread)
    assert read.last_number == 1
    assert Watch.objects.filter(user_id=keeper.user_id, target=str(made.pk), level=3).exists()
    # old addresses of moved posts, the short one, and one that stayed
    old = f"/t/{topic.pk}/two-matters"
    assert leads_to(f"{old}/5") == f"{thread.address}#post-2"
    assert leads_to(f"/posts/{posts[3].pk}") == f"{thread.address}#post-2"
    assert leads_to(f"{old}/4") == f"{old}#post-4"


def test_what_cannot_be_split_is_said(asker: Viewer, helper: Viewer, keeper: Viewer) -> None:
    topic = opened(asker, "Not so")
    post = answered(helper, topic)
    first = topic.thread.posts.get(number=1)
    where = {"title": "New", "category": category_for("show")}
    for wrong in ([], [first.pk, post.pk]):
        with pytest.raises(Invalid):
            moving.split(keeper, topic=topic, post_ids=wrong, **where)  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="title"):
        moving.split(
            keeper, topic=topic, post_ids=[post.pk], title=" ", category=category_for("show")
        )
    moving.split(keeper, topic=topic, post_ids=[post.pk], **where)  # type: ignore[arg-type]
    with pytest.raises(ChangedMeanwhile):
        moving.split(keeper, topic=topic, post_ids=[post.pk], **where)  # type: ignore[arg-type]


def test_splitting_the_answer_off_opens_the_question(
    asker: Viewer, helper: Viewer, keeper: Viewer
) -> None:
    topic = opened(asker, "Answered elsewhere")
    post = answered(helper, topic)
    accept(asker, topic=topic, post=post, seen=None)
    moving.split(
        keeper, topic=topic, post_ids=[post.pk], title="The answer", category=category_for("show")
    )
    topic = fresh(asker, topic)
    assert (topic.is_solved, topic.waits) == (False, True)


def test_a_merged_topic_leads_to_the_one_that_took_its_posts(
    asker: Viewer, helper: Viewer, keeper: Viewer
) -> None:
    into, topic = opened(asker, "First asked", tags=["data"]), opened(helper, "Asked again")
    kept = answered(helper, into)
    answer = answered(asker, topic, "The answer")
    accept(helper, topic=topic, post=answer, seen=None)
    mark_read(user_id=keeper.user_id or 0, thread=fresh(keeper, into).thread, number=2)
    mark_read(user_id=keeper.user_id or 0, thread=fresh(keeper, topic).thread, number=1)
    set_watch(keeper, kind="thread", target=str(topic.pk), level=3)
    set_watch(keeper, kind="thread", target=str(into.pk), level=-1)
    keep_draft(asker, form=f"thread:{topic.pk}", content={"text": "half a sentence"})
    old = topic.thread.address

    moving.merge(keeper, topic=fresh(keeper, topic), into=fresh(keeper, into))
    settled()

    assert [number for number, _ in texts(into)] == [1, 2, 3, 4]
    assert deeds(into) == ["merged"]
    into = fresh(asker, into)
    assert into.answer_id == answer.pk
    assert into.thread.posts_count == 4
    assert counts("questions") == (1, 4)
    assert Reading.objects.get(user_id=keeper.user_id).last_number == 3
    assert Watch.objects.get(user_id=keeper.user_id, kind="thread").level == 3
    assert Draft.objects.get(user_id=asker.user_id).form == f"thread:{into.pk}"
    here = into.thread.address
    assert leads_to(f"/t/{topic.pk}") == leads_to(old) == f"{here}#post-3"
    assert leads_to(f"{old}/2") == f"{here}#post-4"
    assert leads_to(f"/posts/{answer.pk}") == f"{here}#post-4"
    assert leads_to(f"/posts/{kept.pk}") == f"{here}#post-2"


def test_two_merges_of_one_topic_end_well(asker: Viewer, keeper: Viewer) -> None:
    topic, one, other = (opened(asker, title) for title in ("Source", "One", "Other"))
    moving.merge(keeper, topic=topic, into=one)
    for into in (other, one):
        with pytest.raises(ChangedMeanwhile):
            moving.merge(keeper, topic=topic, into=into)
    with pytest.raises(ChangedMeanwhile):
        moving.merge(keeper, topic=other, into=topic)
    with pytest.raises(Invalid):
        moving.merge(keeper, topic=one, into=one)
    assert Thread.objects.get(pk=one.pk).posts_count == 2


def test_posts_that_moved_twice_are_found_from_both_places(
    asker: Viewer, helper: Viewer, keeper: Viewer
) -> None:
    topic, last = opened(asker, "Beginning"), opened(asker, "End")
    post = answered(helper, topic)
    made = moving.split(
        keeper, topic=topic, post_ids=[post.pk], title="Middle", category=category_for("show")
    )
    moving.merge(keeper, topic=fresh(keeper, made), into=last)

    end = f"{last.thread.address}#post-2"
    assert leads_to(f"/t/{topic.pk}/-/2") == leads_to(f"/t/{made.pk}") == end


def browser_of(viewer: Viewer) -> Client:
    client = Client()
    client.force_login(User.objects.get(pk=viewer.user_id))
    return client


def test_an_answer_from_a_page_that_is_older_than_the_merge_comes_to_the_topic_that_stands(
    asker: Viewer, helper: Viewer, keeper: Viewer
) -> None:
    into, topic = opened(asker, "It stands"), opened(asker, "It was merged")
    answer = answered(helper, topic)
    moving.merge(keeper, topic=fresh(keeper, topic), into=fresh(keeper, into))

    for viewer in (helper, asker, keeper):  # who sees it no more, who opened it, who moderates
        sent = {"text": f"Late words of {viewer.name}", "reply_to": str(answer.pk)}
        heard = browser_of(viewer).post(f"/threads/{topic.pk}/reply", sent)
        last = Post.objects.filter(deed="").latest("pk")
        assert heard.headers["Location"] == f"{into.thread.address}#post-{last.number}"
        assert (last.thread_id, last.reply_to_id) == (into.pk, answer.pk)
    assert not Post.objects.filter(thread=topic.pk).exists()


def test_old_forms_about_a_merged_topic_do_nothing_to_what_is_left_of_it(
    asker: Viewer, helper: Viewer, keeper: Viewer
) -> None:
    into, topic = opened(asker, "Where it went"), opened(asker, "Where it was")
    answer = answered(helper, topic)
    moving.merge(keeper, topic=fresh(keeper, topic), into=fresh(keeper, into))
    page, mine = browser_of(keeper), browser_of(asker)

    for deed in ("close", "pin"):
        assert page.post(f"/threads/{topic.pk}/{deed}", {"on": "1"}).status_code == 409
    sent = {"category": "show", "seen": "questions"}
    assert page.post(f"/t/{topic.pk}/move", sent).status_code == 409
    mine.post(f"/threads/{topic.pk}/watch", {"level": "-1"})
    for deed in ("accept", "react"):
        sent = {"on": "1", "seen": "", "heart": "1"}
        heard = mine.post(f"/posts/{answer.pk}/{deed}", sent)
        assert heard.headers["Location"].startswith(into.thread.address)

    assert not Post.objects.filter(thread=topic.pk).exists()
    assert fresh(asker, into).answer_id == answer.pk
    muted = Watch.objects.filter(user_id=asker.user_id, level=-1, target=str(into.pk))
    assert muted.exists()


def test_words_to_what_was_taken_away_meanwhile_are_shown_again(
    asker: Viewer, helper: Viewer, keeper: Viewer
) -> None:
    topic = opened(asker, "Taken away")
    post = answered(helper, topic)
    set_post_state(post=post, state="removed", reason="off topic")
    heard = browser_of(helper).post(f"/posts/{post.pk}/edit", {"text": "My better words"})
    assert (heard.status_code, "My better words" in heard.content.decode()) == (403, True)
    react_to = browser_of(helper).post(f"/posts/{post.pk}/react", {"heart": "1"})
    assert react_to.status_code == 404

    set_post_state(post=topic.thread.posts.get(number=1), state="removed", reason="spam")
    for viewer, status in ((helper, 404), (asker, 403), (keeper, 403)):
        heard = browser_of(viewer).post(f"/threads/{topic.pk}/reply", {"text": "All my words"})
        assert (heard.status_code, "All my words" in heard.content.decode()) == (status, True)
    missing = browser_of(helper).post("/threads/999999/reply", {"text": "All my words"})
    assert "All my words" in missing.content.decode()
    assert Post.objects.filter(thread=topic.pk, deed="").count() == 2
