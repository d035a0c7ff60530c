"""Who sees, writes and changes articles, and that others are told of each exactly once."""

from datetime import timedelta

import feedparser
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django_tasks_db.models import DBTaskResult
from tests.community.blog.conftest import Write, home_of, viewer_named

from llmos.accounts.access import ANONYMOUS, Viewer
from llmos.accounts.actions import create_organisation, create_user, set_member_role
from llmos.accounts.models import Role, User
from llmos.community.blog import actions, queries, tasks
from llmos.community.blog.access import article_for, article_shared, may_edit
from llmos.community.blog.errors import (
    ArticleNotFound,
    NotYourArticle,
    NotYourBlog,
    SlugTaken,
)
from llmos.community.blog.models import Article
from llmos.community.blog.queries import Wish, article_with
from llmos.community.blog.words import Words
from llmos.community.threads.access import is_moderator
from llmos.community.threads.actions import set_post_state
from llmos.community.threads.errors import EditedMeanwhile
from llmos.community.threads.models import Post, State, Thread
from llmos.community.trust.models import Credit
from llmos.kit.errors import Invalid
from llmos.kit.time import now

HOUR = timedelta(hours=1)


def seen(viewer: Viewer, article: Article) -> bool:
    try:
        article_for(viewer, article.blog.name, article.slug)
    except ArticleNotFound:
        return False
    return True


def told() -> int:
    """How often others were told of a newly published article."""
    return DBTaskResult.objects.filter(task_path=tasks.on_thread_opened.module_path).count()


def titles(viewer: Viewer, **wish: object) -> list[str]:
    page = queries.articles(viewer, Wish(**wish))  # type: ignore[arg-type]
    return [row.thread.title for row in page.rows]


def test_a_draft_is_seen_by_its_author_alone(ada: Viewer, bob: Viewer, write: Write) -> None:
    article = write()
    assert seen(ada, article)
    assert not seen(bob, article)
    assert not seen(ANONYMOUS, article)
    assert titles(ada) == []


def test_a_published_article_is_listed_for_everybody(ada: Viewer, write: Write) -> None:
    article = write(language="en", tags=("evaluation",))
    actions.publish(ada, article=article)
    assert seen(ANONYMOUS, article)
    assert titles(ANONYMOUS) == titles(ANONYMOUS, language="en") == ["How we measured"]
    assert titles(ANONYMOUS, blog=home_of(ada)) == ["How we measured"]
    assert titles(ANONYMOUS, language="zh") == []


def test_others_are_told_of_an_article_once_whatever_happens_to_it(
    ada: Viewer, write: Write
) -> None:
    article = write()
    assert told() == 0
    for _ in range(3):
        actions.publish(ada, article=article_with(article.pk))
        actions.unpublish(ada, article=article_with(article.pk))
    actions.publish(ada, article=article_with(article.pk))
    tasks.on_article_scheduled.call(thread_id=article.pk)
    assert told() == 1


def test_what_is_taken_back_is_a_draft_that_keeps_its_day(ada: Viewer, write: Write) -> None:
    article = write()
    actions.publish(ada, article=article)
    day = article_with(article.pk).thread.published_at
    actions.unpublish(ada, article=article_with(article.pk))
    assert not seen(ANONYMOUS, article)
    actions.publish(ada, article=article_with(article.pk))
    assert article_with(article.pk).thread.published_at == day


def test_a_scheduled_article_is_seen_and_told_of_when_its_time_comes(
    ada: Viewer, write: Write
) -> None:
    article = write()
    actions.publish(ada, article=article, at=now() + HOUR)
    tasks.on_article_scheduled.call(thread_id=article.pk)
    assert not seen(ANONYMOUS, article)
    assert told() == 0

    came = now() - timedelta(seconds=1)
    Thread.objects.filter(pk=article.pk).update(published_at=came)
    # A worker that was killed in between runs it again.
    tasks.on_article_scheduled.call(thread_id=article.pk)
    tasks.on_article_scheduled.call(thread_id=article.pk)
    assert seen(ANONYMOUS, article)
    assert told() == 1
    assert Post.objects.get(thread=article.pk, number=1).created_at == came


def test_a_time_that_was_moved_is_waited_for_again(ada: Viewer, write: Write) -> None:
    article = write()
    actions.publish(ada, article=article, at=now() + HOUR)
    actions.publish(ada, article=article_with(article.pk), at=now() + 3 * HOUR)
    waiting = DBTaskResult.objects.filter(task_path=tasks.on_article_scheduled.module_path)
    waiting.delete()
    tasks.on_article_scheduled.call(thread_id=article.pk)
    assert waiting.get().run_after > now() + 2 * HOUR


@pytest.mark.parametrize("approved", ["before", "at", "after"])
def test_an_article_held_back_is_told_of_once_whenever_it_is_approved(
    ada: Viewer, write: Write, approved: str
) -> None:
    article = write()
    actions.publish(ada, article=article, at=now() + HOUR)
    first = Post.objects.get(thread=article.pk, number=1)
    set_post_state(post=first, state=State.PENDING, reason="a moderator looks first")

    def approve() -> None:
        set_post_state(post=first, state=State.VISIBLE, reason="")
        tasks.on_post_changed.call(post_id=first.pk)

    if approved == "before":
        approve()
    Thread.objects.filter(pk=article.pk).update(published_at=now() - timedelta(seconds=1))
    if approved == "at":  # its hour has come, and the worker did not look yet
        approve()
    tasks.on_article_scheduled.call(thread_id=article.pk)
    if approved == "after":
        assert told() == 0
        approve()
    tasks.on_article_scheduled.call(thread_id=article.pk)
    tasks.on_post_changed.call(post_id=first.pk)
    assert told() == 1
    assert seen(ANONYMOUS, article)


def test_an_article_held_back_when_it_is_published_is_told_of_when_approved(
    ada: Viewer, write: Write
) -> None:
    article = write()
    first = Post.objects.get(thread=article.pk, number=1)
    set_post_state(post=first, state=State.PENDING, reason="a moderator looks first")
    actions.publish(ada, article=article_with(article.pk))
    tasks.begin()
    assert told() == 0
    for _ in range(2):  # held back again since it was edited: nobody hears of it twice
        set_post_state(post=first, state=State.VISIBLE, reason="")
        tasks.on_post_changed.call(post_id=first.pk)
        set_post_state(post=first, state=State.PENDING, reason="a moderator looks again")
        tasks.on_post_changed.call(post_id=first.pk)
    assert told() == 1


def test_a_starting_worker_tells_of_what_came_due_while_it_slept(ada: Viewer, write: Write) -> None:
    article = write()
    actions.publish(ada, article=article, at=now() + HOUR)
    Thread.objects.filter(pk=article.pk).update(published_at=now() - HOUR)
    DBTaskResult.objects.all().delete()
    tasks.begin()
    filed = DBTaskResult.objects.get(task_path=tasks.on_article_scheduled.module_path)
    assert filed.args_kwargs["kwargs"] == {"thread_id": article.pk}


def test_a_blog_has_one_article_at_an_address(ada: Viewer, bob: Viewer, write: Write) -> None:
    write(slug="measured")
    with pytest.raises(SlugTaken):
        write(slug="measured")
    assert write("Measured").slug == "measured-2"
    assert write(slug="measured", viewer=bob).slug == "measured"


def test_a_form_that_is_sent_twice_writes_one_article(ada: Viewer, write: Write) -> None:
    assert write(key="k1", slug="one").pk == write(key="k1", slug="one").pk
    assert Article.objects.count() == 1


def test_the_address_of_what_was_published_stays(ada: Viewer, write: Write) -> None:
    article = write()
    words = Words(title="Another title", text="Another text.", slug="another")
    actions.change_article(ada, article=article, words=words, seen_edits=0)
    assert article_with(article.pk).slug == "another"
    assert article_with(article.pk).thread.address == "/blog/ada/another"

    actions.publish(ada, article=article_with(article.pk))
    words = Words(title="A third one", text="Another text.", slug="third")
    actions.change_article(ada, article=article_with(article.pk), words=words, seen_edits=1)
    assert article_with(article.pk).slug == "another"


def test_changes_are_kept_and_the_second_of_two_at_once_is_told(ada: Viewer, write: Write) -> None:
    article = write()
    words = Words(title="How we measured", text="We counted all words.")
    actions.change_article(ada, article=article, words=words, seen_edits=0, note="all")
    with pytest.raises(EditedMeanwhile):
        actions.change_article(ada, article=article, words=words, seen_edits=0)
    post = actions.first_post(article.thread)
    assert post.text == "We counted all words."
    assert [(one.text, one.note) for one in post.revisions.all()] == [("We counted words.", "all")]


def test_changing_only_the_summary_leaves_the_history_alone(ada: Viewer, write: Write) -> None:
    article = write()
    words = Words(title="How we measured", text="We counted words.", summary="Counting.")
    actions.change_article(ada, article=article, words=words, seen_edits=0)
    assert article_with(article.pk).about == "Counting."
    assert actions.first_post(article.thread).edits == 0


def test_a_coauthor_reads_at_once_and_edits_after_accepting(
    ada: Viewer, bob: Viewer, write: Write
) -> None:
    article = write()
    actions.invite(ada, article=article, name="@bob")
    assert seen(bob, article)
    assert not may_edit(bob, article)
    assert [one.article_id for one in queries.invitations_of(bob.user_id or 0)] == [article.pk]

    actions.accept_invitation(bob, article=article)
    assert may_edit(bob, article)
    assert [one.username for one in queries.authors_of([article])[article.pk]] == ["ada", "bob"]

    actions.remove_coauthor(bob, article=article, user_id=bob.user_id or 0)
    assert not seen(bob, article)


def test_nobody_accepts_who_was_not_asked(ada: Viewer, bob: Viewer, write: Write) -> None:
    article = write()
    actions.publish(ada, article=article)
    with pytest.raises(NotYourArticle):
        actions.accept_invitation(bob, article=article)
    with pytest.raises(NotYourArticle):
        actions.invite(bob, article=article, name="bob")


def test_all_authors_of_a_published_article_are_credited_once(
    ada: Viewer, bob: Viewer, write: Write
) -> None:
    article = write()
    actions.invite(ada, article=article, name="bob")
    tasks.on_thread_opened.call(thread_id=article.pk)
    assert not Credit.objects.exists()
    actions.publish(ada, article=article)
    for _ in range(2):
        tasks.on_thread_opened.call(thread_id=article.pk)
        actions.accept_invitation(bob, article=article_with(article.pk))
    credited = Credit.objects.order_by("user_id").values_list("user_id", "kind", "subject")
    subject = f"article:{article.pk}"
    assert list(credited) == [(one.user_id, "article", subject) for one in (ada, bob)]


def test_contributors_write_in_an_organisations_name_and_its_administrators_keep_order(
    ada: Viewer, bob: Viewer, write: Write
) -> None:
    lab = create_organisation(name="lab", owner=User.objects.get(username="ada"))
    member, blog = User.objects.get(username="bob"), lab.namespace
    with pytest.raises(NotYourBlog):
        write(viewer=bob, blog=blog)
    set_member_role(organisation=lab, user=member, role=Role.READ)
    with pytest.raises(NotYourBlog):
        write(viewer=bob, blog=blog)
    set_member_role(organisation=lab, user=member, role=Role.CONTRIBUTOR)
    article = write(viewer=bob, blog=blog)
    assert article.thread.address == f"/blog/lab/{article.slug}"
    assert not seen(ada, article)

    actions.publish(bob, article=article)
    assert is_moderator(ada, article_with(article.pk).thread)
    assert not is_moderator(viewer_named("eve"), article_with(article.pk).thread)


def test_a_shared_draft_is_open_to_who_has_the_link_until_it_is_taken_back(
    ada: Viewer, bob: Viewer, write: Write
) -> None:
    article = write()
    with pytest.raises(NotYourArticle):
        actions.share(bob, article=article)
    key = actions.share(ada, article=article)
    assert len(key) >= 43
    assert actions.share(ada, article=article) == key
    assert article_shared(key).pk == article.pk
    assert not seen(bob, article)

    actions.stop_sharing(ada, article=article)
    with pytest.raises(ArticleNotFound):
        article_shared(key)
    assert actions.share(ada, article=article_with(article.pk)) != key


def test_a_draft_can_be_thrown_away_and_what_was_published_cannot(
    ada: Viewer, write: Write
) -> None:
    kept, gone = write("Kept"), write("Gone")
    actions.discard(ada, article=gone)
    assert not Article.objects.filter(pk=gone.pk).exists()
    actions.publish(ada, article=kept)
    with pytest.raises(Invalid):
        actions.discard(ada, article=article_with(kept.pk))


def test_a_series_leads_from_part_to_part_over_what_is_published(ada: Viewer, write: Write) -> None:
    first, second, third = (write(f"Part {n}", series="Measuring") for n in (1, 2, 3))
    assert [one.part for one in (first, second, third)] == [1, 2, 3]
    for one in (first, third):
        actions.publish(ada, article=one)
    found = queries.neighbours_of(ANONYMOUS, article_with(first.pk))
    assert found is not None
    assert (found.place, found.count, found.previous) == (1, 2, None)
    assert found.following is not None
    assert found.following.pk == third.pk


def test_a_series_has_feeds_of_what_is_published_in_it(ada: Viewer, write: Write) -> None:
    first, second, secret = (write(f"Part {n}", series="Measuring") for n in (1, 2, 3))
    address = f"/blog/series/{article_with(first.pk).series_id}"
    assert Client().get(f"{address}.atom").status_code == 404
    for one in (second, first):
        actions.publish(ada, article=one)
    feed = feedparser.parse(Client().get(f"{address}.atom").content)
    assert (feed.bozo, feed.feed.title) == (False, "Measuring")
    assert [entry.title for entry in feed.entries] == ["Part 1", "Part 2"]
    items = Client().get(f"{address}.json").json()["items"]
    assert [item["title"] for item in items] == ["Part 1", "Part 2"]
    page = Client().get(address).content.decode()
    assert f'href="{address}.atom"' in page
    assert secret.thread.title not in page


def test_translations_are_linked_to_each_other(ada: Viewer, bob: Viewer, write: Write) -> None:
    english = write("Measuring", language="en", slug="measuring")
    chinese = write("测量", language="zh", translates="measuring", text="我们数了词。")
    actions.publish(ada, article=english)
    assert queries.translations_of(ANONYMOUS, article_with(english.pk)) == []
    actions.publish(ada, article=chinese)
    for one, other in ((english, chinese), (chinese, english)):
        linked = queries.translations_of(ANONYMOUS, article_with(one.pk))
        assert [found.pk for found in linked] == [other.pk]
    with pytest.raises(Invalid):
        write("Not hers", viewer=bob, translates="/blog/ada/measuring")


@pytest.mark.parametrize(
    "said",
    [
        {"cover": "/attachments/0123"},
        {"canonical": "javascript:alert(1)"},
        {"canonical": "example.org/x"},
        {"language": "English!"},
        {"summary": "long " * 100},
        {"slug": "edit"},
        {"slug": "???"},
        {"part": -1},
        {"tags": ("a", "b", "c", "d", "e", "f")},
        {"text": "  "},
        {"title": "x" * 201},
    ],
)
def test_words_that_are_wrong_are_refused_and_nothing_is_written(
    write: Write, said: dict[str, object]
) -> None:
    with pytest.raises(Invalid):
        write(**said)
    assert not Thread.objects.exists()


def test_a_list_goes_on_where_the_page_before_ended(ada: Viewer, write: Write) -> None:
    for number in range(5):
        article = write(f"Article {number}")
        actions.publish(ada, article=article)
    found, after = [], ""
    while True:
        page = queries.articles(ANONYMOUS, Wish(after=after), limit=2)
        found += [row.thread.title for row in page.rows]
        if page.cursor is None:
            break
        after = page.cursor
    assert found == [f"Article {number}" for number in (4, 3, 2, 1, 0)]
    with pytest.raises(Invalid):
        queries.articles(ANONYMOUS, Wish(after="nonsense"))


def test_a_list_asks_the_database_as_often_for_many_articles_as_for_one(
    ada: Viewer, write: Write
) -> None:
    asked = []
    for number in range(4):
        actions.publish(ada, article=write(f"Article {number}", tags=("one",)))
        queries.articles(ANONYMOUS, Wish())  # what a process keeps, it has by now
        with CaptureQueriesContext(connection) as seen:
            queries.articles(ANONYMOUS, Wish())
        asked.append(len(seen))
    assert asked == [asked[0]] * 4


def test_search_knows_the_blog_and_all_authors(ada: Viewer, bob: Viewer, write: Write) -> None:
    article = write()
    actions.invite(ada, article=article, name="bob")
    actions.accept_invitation(bob, article=article)
    assert queries.facts_for_search([article.pk, 10**9]) == {article.pk: ["blog:ada", "author:bob"]}


def test_an_article_offers_its_form_to_who_wrote_it_and_not_to_moderators(
    ada: Viewer, write: Write
) -> None:
    article = write()
    actions.release(ada, article=article)
    steward = create_user(name="keeper", admin=True)
    form = f"/posts/{article.thread.posts.get().pk}"
    author, keeper = Client(), Client()
    author.force_login(User.objects.get(pk=ada.user_id))
    keeper.force_login(steward)
    assert f"{form}/edit" in author.get(article.thread.address).text
    page = keeper.get(article.thread.address).text
    assert f"{form}/menu" in page
    assert f"{form}/edit" not in page
