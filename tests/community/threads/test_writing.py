import pytest
from tests.community.keeping import answer, member, topic, viewer

from llmos.accounts.access import viewer_of_user
from llmos.community.threads import deeds, queries
from llmos.community.threads.actions import (
    Where,
    edit_post,
    open_thread,
    react,
    set_closed,
    write_post,
)
from llmos.community.threads.errors import (
    EditedMeanwhile,
    NotYours,
    PostNotFound,
    ThreadClosed,
)
from llmos.community.threads.health import recount, thread_findings
from llmos.community.threads.history import versions_of
from llmos.community.threads.models import Post, Reading, State, Thread, Watch
from llmos.community.threads.quoting import quotation
from llmos.community.threads.rendering import VERSION
from llmos.community.threads.tasks import render_anew
from llmos.community.trust.models import Level
from llmos.kit.errors import Invalid

pytestmark = pytest.mark.django_db


def test_a_form_that_is_sent_twice_writes_once() -> None:
    author = viewer()
    thread = topic(author)
    first = write_post(author, thread=thread, text="Words", key="k1")
    assert write_post(author, thread=thread, text="Words", key="k1") == first
    where = Where(place=Thread.Place.TOPIC, shelf=1)
    sent = {"where": where, "title": "Twice", "text": "Words", "address": "/t/{id}/{slug}"}
    assert open_thread(author, **sent, key="k2") == open_thread(author, **sent, key="k2")
    assert Post.objects.filter(key__in=["k1", "k2"]).count() == 2


def test_posts_are_numbered_and_counted_and_the_writer_has_read_her_own() -> None:
    author, other = viewer(), viewer()
    thread = topic(author)
    posts = [answer(other, thread) for _ in range(3)]
    thread.refresh_from_db()
    assert [post.number for post in posts] == [2, 3, 4]
    assert (thread.posts_count, thread.last_number) == (4, 4)
    assert Reading.objects.get(user_id=other.user_id, thread=thread).last_number == 4
    assert list(thread_findings()) == []


def test_who_closes_a_thread_that_she_has_read_has_nothing_unread_in_it() -> None:
    author, keeper = viewer(), viewer(admin=True)
    thread = topic(author)
    answer(keeper, thread)
    assert keeper.user_id is not None
    set_closed(thread=thread, user_id=keeper.user_id, closed=True)
    left_off = {one.user_id: one.last_number for one in Reading.objects.filter(thread=thread)}
    assert left_off == {keeper.user_id: 3, author.user_id: 1}


def test_wrong_counts_are_found_and_mended() -> None:
    thread = topic(viewer())
    Thread.objects.filter(pk=thread.pk).update(posts_count=9, last_number=0)
    [finding] = [one for one in thread_findings() if f"conversation {thread.pk}" in one.subject]
    assert finding.repair is not None
    recount(thread.pk)
    thread.refresh_from_db()
    assert (thread.posts_count, thread.last_number) == (1, 1)


def test_whoever_opens_watches_and_whoever_answers_tracks_unless_they_chose() -> None:
    opener, helper, quiet = viewer(), viewer(), viewer()
    thread = topic(opener)
    deeds.set_watch(quiet, kind="thread", target=str(thread.pk), level=Watch.Level.MUTED)
    answer(helper, thread)
    answer(quiet, thread)
    levels = {
        user: queries.watch_level(user or 0, "thread", str(thread.pk))
        for user in (opener.user_id, helper.user_id, quiet.user_id)
    }
    assert list(levels.values()) == [3, 1, -1]


def test_a_closed_conversation_takes_no_more_answers_but_shows_who_closed_it() -> None:
    author = viewer()
    thread = topic(author)
    set_closed(thread=thread, user_id=author.user_id or 0, closed=True)
    set_closed(thread=thread, user_id=author.user_id or 0, closed=True)
    thread.refresh_from_db()
    with pytest.raises(ThreadClosed):
        answer(viewer(), thread)
    assert [post.deed for post in thread.posts.order_by("number")] == ["", "closed"]
    assert thread.posts_count == 1


def test_two_edits_at_once_lose_nothing() -> None:
    author = viewer()
    post = answer(author, topic(author), "First text")
    edit_post(author, post=post, text="Second text", seen_edits=0, note="better")
    with pytest.raises(EditedMeanwhile) as refusal:
        edit_post(author, post=post, text="Third text", seen_edits=0)
    assert refusal.value.data["text"] == "Second text"
    edit_post(author, post=post, text="Third text", seen_edits=refusal.value.data["edits"])
    versions = versions_of(Post.objects.get(pk=post.pk))
    assert [version.number for version in versions] == [2, 1, 0]
    assert [(line.sign, line.text) for line in versions[1].lines] == [
        ("-", "First text"),
        ("+", "Second text"),
    ]
    assert versions[1].note == "better"


def test_wiki_posts_are_edited_by_members_and_others_by_their_authors() -> None:
    author, newcomer, other = viewer(), viewer(Level.NEW), viewer()
    post = answer(author, topic(author), "Text")
    with pytest.raises(NotYours):
        edit_post(other, post=post, text="Other", seen_edits=0)
    Post.objects.filter(pk=post.pk).update(is_wiki=True)
    post.refresh_from_db()
    with pytest.raises(NotYours):
        edit_post(newcomer, post=post, text="Other", seen_edits=0)
    edit_post(other, post=post, text="Other", seen_edits=0)


def test_reactions_count_once_a_member() -> None:
    author, reader = viewer(), viewer()
    post = answer(author, topic(author))
    for _ in range(2):
        react(reader, post=post, name="insight", on=True)
    post.refresh_from_db()
    assert post.reactions == {"insight": 1}
    react(reader, post=post, name="insight", on=False)
    post.refresh_from_db()
    assert post.reactions == {}
    with pytest.raises(Invalid):
        react(reader, post=post, name="rocket", on=True)


def test_a_quotation_names_its_post_and_leaves_out_what_that_quoted() -> None:
    author = viewer()
    post = answer(author, topic(author), "> old words\n\nMine, in two\nlines")
    assert quotation(post) == (
        f"> [@{author.name}](/posts/{post.pk})\n>\n> Mine, in two\n> lines\n\n"
    )
    assert "> lines\n\n" in quotation(post, "lines")
    other = answer(viewer(), post.thread, quotation(post) + "I agree")
    [link] = queries.backlinks_of(author, post.thread.pk, [post.pk]).of_posts[post.pk]
    assert (link.post_id, link.number) == (other.pk, other.number)


def test_back_links_from_hidden_places_are_not_shown() -> None:
    author = viewer()
    post = answer(author, topic(author))
    where = topic(author, text=f"[it](/posts/{post.pk})")
    assert queries.backlinks_of(viewer(), post.thread.pk, [post.pk]).of_posts
    Thread.objects.filter(pk=where.pk).update(state=State.HIDDEN)
    assert queries.backlinks_of(viewer(), post.thread.pk, [post.pk]).of_posts[post.pk] == []


def test_an_answer_to_a_post_of_another_conversation_is_refused() -> None:
    author = viewer()
    elsewhere = answer(author, topic(author))
    with pytest.raises(PostNotFound):
        write_post(author, thread=topic(author), text="Words", reply_to=elsewhere)


def test_texts_of_an_older_renderer_are_made_anew() -> None:
    post = answer(viewer(), topic(viewer()), "*Words*")
    Post.objects.filter(pk=post.pk).update(html="old", renderer=VERSION - 1)
    render_anew.call()
    post.refresh_from_db()
    assert post.html == "<p><em>Words</em></p>\n"
    assert post.renderer == VERSION


def test_reading_goes_forward_only_and_never_past_the_end() -> None:
    author, reader = viewer(), member()
    thread = topic(author)
    for _ in range(4):
        answer(author, thread)
    thread.refresh_from_db()
    assert deeds.mark_read(user_id=reader.pk, thread=thread, number=3) == 3
    assert deeds.mark_read(user_id=reader.pk, thread=thread, number=2) == 3
    assert deeds.mark_read(user_id=reader.pk, thread=thread, number=99) == 5


def test_drafts_are_kept_by_form_and_forgotten_when_empty() -> None:
    writer = viewer()
    deeds.keep_draft(writer, form="new-topic", content={"text": "Begun", "evil": "x"})
    assert queries.draft_of(writer.user_id, "new-topic") == {"text": "Begun"}
    assert queries.draft_of(viewer().user_id, "new-topic") == {}
    deeds.keep_draft(writer, form="new-topic", content={"text": "  "})
    assert queries.draft_of(writer.user_id, "new-topic") == {}


def test_the_first_language_is_guessed_and_may_be_said() -> None:
    author = viewer_of_user(member())
    thread = topic(author)
    assert answer(author, thread, "这是一个关于翻译模型的问题").language == "zh"
    assert answer(author, thread, "A question").language == "en"
    said = write_post(author, thread=thread, text="Hi 你好", language="en")
    assert said.language == "en"
