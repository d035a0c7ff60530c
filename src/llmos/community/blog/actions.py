"""Writing, publishing and sharing articles.

Each action is one transaction. An article is made as a draft; publishing it is a deed of its own,
so that others are told of it once, however it came here.
"""

import secrets
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.accounts.models import Namespace
from llmos.accounts.names import key_of
from llmos.accounts.queries import user_named
from llmos.community.blog.access import check_editor, check_writer, may_edit
from llmos.community.blog.errors import (
    KeptInRepository,
    NotYourArticle,
    OriginalMissing,
    SlugTaken,
)
from llmos.community.blog.events import ArticleScheduled, CoauthorInvited
from llmos.community.blog.models import Article, Coauthor, Series
from llmos.community.blog.reading import minutes_of
from llmos.community.blog.words import Words, checked, opening_of
from llmos.community.threads.access import writer
from llmos.community.threads.actions import (
    Where,
    edit_post,
    open_thread,
    slug_of,
    tell_opened,
)
from llmos.community.threads.errors import EditedMeanwhile
from llmos.community.threads.events import ThreadChanged
from llmos.community.threads.models import Attachment, Post, State, Thread
from llmos.community.threads.rendering import NO_LINKS
from llmos.community.threads.tags import set_tags
from llmos.community.trust.actions import credit
from llmos.community.trust.errors import KeptAway
from llmos.community.trust.models import Credit
from llmos.community.trust.queries import who_block
from llmos.hub.models import Repository
from llmos.kit.errors import Invalid
from llmos.kit.time import now
from llmos.store.events import announce
from llmos.store.markup import LinkBase

MOST_COAUTHORS = 30
_ATTACHMENTS = "/attachments/"


def write_article(
    viewer: Viewer,
    *,
    blog: Namespace,
    words: Words,
    key: str | None = None,
    repository: Repository | None = None,
    links: LinkBase = NO_LINKS,
) -> Article:
    """A draft in a blog. Sent again with the same key it returns the one that is there.

    Raises NotYourBlog, SlugTaken, Invalid, Unauthenticated, Forbidden, NotTrustedYet, TooFast.
    """
    author = writer(viewer, "write")
    check_writer(viewer, blog)
    words = checked(words)
    again = Article.objects.filter(thread__posts__key=key, thread__posts__author_id=author)
    if key and (found := again.first()):
        return found
    with transaction.atomic():
        slug = _free_slug(blog, words)
        thread = open_thread(
            viewer,
            where=Where(Thread.Place.ARTICLE, blog.pk, repository=repository, namespace=blog),
            title=words.title,
            text=words.text,
            address=f"/blog/{blog.name}/{slug}",
            tags=list(words.tags),
            language=words.language,
            key=key,
            is_draft=True,
            links=links,
        )
        article = Article(thread=thread, blog=blog, slug=slug)
        _fill(viewer, article, words, text=words.text)
        article.save(force_insert=True)
    return article


def change_article(
    viewer: Viewer, *, article: Article, words: Words, seen_edits: int, note: str = ""
) -> None:
    """Replace what an article says; the text that was stays in its history.

    Raises KeptInRepository, NotYourArticle, EditedMeanwhile, SlugTaken, Invalid.
    """
    _check_kept_here(article)
    rewrite(viewer, article=article, words=words, seen_edits=seen_edits, note=note)


@transaction.atomic
def rewrite(
    viewer: Viewer,
    *,
    article: Article,
    words: Words,
    seen_edits: int | None = None,
    note: str = "",
    links: LinkBase = NO_LINKS,
) -> None:
    """The same, also for files. Without `seen_edits` the newest text gives way."""
    check_editor(viewer, article)
    words = checked(words)
    article = Article.objects.select_for_update().select_related("blog").get(pk=article.pk)
    thread = Thread.objects.select_for_update().get(pk=article.pk)
    post = first_post(thread)
    edits = post.edits if seen_edits is None else seen_edits
    if edits != post.edits:
        raise EditedMeanwhile(
            _("Somebody saved another text in the meantime; look at both, then save again"),
            data={"text": post.text, "edits": post.edits},
        )
    if (post.text, thread.title) != (words.text.strip(), words.title) or links != NO_LINKS:
        post = edit_post(
            viewer,
            post=post,
            text=words.text,
            title=words.title,
            seen_edits=edits,
            note=note,
            language=words.language,
            links=links,
        )
        thread.refresh_from_db()
    _fill(viewer, article, words, text=post.text)
    if article.announced_at is None and words.slug and words.slug != article.slug:
        # Others may have noted the address of what was published; that one stays.
        article.slug = _free_slug(article.blog, words)
        thread.address = f"/blog/{article.blog.name}/{article.slug}"
    article.save()
    if words.language:
        thread.language = words.language
        Post.objects.filter(pk=post.pk).update(language=words.language)
    thread.save(update_fields=["address", "language"])
    set_tags(thread, list(words.tags))
    announce(ThreadChanged(thread_id=thread.pk))


def publish(viewer: Viewer, *, article: Article, at: datetime | None = None) -> None:
    """Let others read it, now or at a time to come. Raises NotYourArticle, KeptInRepository."""
    _check_kept_here(article)
    release(viewer, article=article, at=at if at is not None and at > now() else None)


@transaction.atomic
def release(viewer: Viewer, *, article: Article, at: datetime | None = None) -> None:
    """The same, also for files, whose first publication may lie back: told again, it changes when.

    One that was taken back comes back as it was, and nobody is told a second time.
    """
    check_editor(viewer, article)
    article = Article.objects.select_for_update().get(pk=article.pk)
    thread = Thread.objects.select_for_update().get(pk=article.pk)
    moment = now()
    thread.published_at = at or article.announced_at or moment
    if article.announced_at is not None and thread.published_at > moment:
        raise Invalid(
            _("It was published before; it can be taken back, but not set to a later day")
        )
    thread.save(update_fields=["published_at"])
    if thread.published_at > moment:
        announce(ArticleScheduled(thread_id=thread.pk))
    elif article.announced_at is None and thread.state == State.VISIBLE:
        _tell(article, thread)
    else:
        announce(ThreadChanged(thread_id=thread.pk))


@transaction.atomic
def announce_due(*, thread_id: int) -> datetime | None:
    """Tell others of an article whose time has come, once; returns a time still to come.

    One that a moderator holds back waits for her: it is looked at again when she decides.
    """
    article = Article.objects.select_for_update().filter(pk=thread_id).first()
    if article is None or article.announced_at is not None:
        return None
    thread = Thread.objects.select_for_update().get(pk=thread_id)
    if thread.published_at is None or thread.state != State.VISIBLE:
        return None
    if thread.published_at > now():
        return thread.published_at
    _tell(article, thread)
    return None


@transaction.atomic
def unpublish(viewer: Viewer, *, article: Article) -> None:
    """Make it a draft again, seen by its authors alone.

    Raises NotYourArticle, KeptInRepository.
    """
    _check_kept_here(article)
    check_editor(viewer, article)
    withdraw(article)


def withdraw(article: Article) -> None:
    """The same without asking who: its file is gone."""
    with transaction.atomic():
        Thread.objects.filter(pk=article.pk).update(published_at=None)
        announce(ThreadChanged(thread_id=article.pk))


@transaction.atomic
def discard(viewer: Viewer, *, article: Article) -> None:
    """Throw a draft away that nobody else was told of. Raises NotYourArticle, Invalid."""
    if viewer.user_id is None or article.thread.author_id != viewer.user_id:
        raise NotYourArticle
    if article.announced_at is not None:
        raise Invalid(_("It was published: take it back instead, others may have cited it"))
    Thread.objects.filter(pk=article.pk).delete()


@transaction.atomic
def share(viewer: Viewer, *, article: Article) -> str:
    """The key of a link that shows the draft to anybody; the same one until it is taken back."""
    check_editor(viewer, article)
    article = Article.objects.select_for_update().get(pk=article.pk)
    if article.preview_key is None:
        article.preview_key = secrets.token_urlsafe(32)
        article.save(update_fields=["preview_key"])
    return article.preview_key


@transaction.atomic
def stop_sharing(viewer: Viewer, *, article: Article) -> None:
    check_editor(viewer, article)
    Article.objects.filter(pk=article.pk).update(preview_key=None)


def invite(viewer: Viewer, *, article: Article, name: str) -> None:
    """Ask a member to stand beside the authors. Raises NotYourArticle, Invalid, KeptAway."""
    by = check_editor(viewer, article)
    invited = user_named(name.strip().lstrip("@"))
    if invited is None or not invited.is_active:
        raise Invalid(_("There is no member %(name)s here") % {"name": name.strip()[:96]})
    if who_block(by, [invited.pk]):
        raise KeptAway(_("This member does not take invitations from you"))
    if invited.pk == article.thread.author_id:
        return
    if Coauthor.objects.filter(article=article).count() >= MOST_COAUTHORS:
        raise Invalid(_("An article has at most %(n)d co-authors") % {"n": MOST_COAUTHORS})
    with transaction.atomic():
        _row, is_new = Coauthor.objects.get_or_create(
            article=article, user=invited, defaults={"invited_by_id": by}
        )
        if is_new:
            announce(CoauthorInvited(thread_id=article.pk, user_id=invited.pk, by_id=by))


@transaction.atomic
def accept_invitation(viewer: Viewer, *, article: Article) -> None:
    """Stand beside the authors; credited like them if it is published. Raises NotYourArticle."""
    user = writer(viewer, "write")
    row = Coauthor.objects.filter(article=article, user_id=user).first()
    if row is None:
        raise NotYourArticle
    if row.accepted_at is None:
        row.accepted_at = now()
        row.save(update_fields=["accepted_at"])
        announce(ThreadChanged(thread_id=article.pk))
    if article.announced_at is not None:
        credit_author(thread_id=article.pk, user_id=user)


@transaction.atomic
def remove_coauthor(viewer: Viewer, *, article: Article, user_id: int) -> None:
    """She says no or leaves, or the others take her name away. Raises NotYourArticle."""
    if user_id != writer(viewer, "write"):
        check_editor(viewer, article)
    gone, _rows = Coauthor.objects.filter(article=article, user_id=user_id).delete()
    if gone:
        announce(ThreadChanged(thread_id=article.pk))


def credit_authors(*, thread_id: int) -> None:
    """Count a published article for those who wrote it. Twice is once."""
    article = Article.objects.select_related("thread").filter(pk=thread_id).first()
    if article is None or article.announced_at is None:
        return
    accepted = article.coauthors.filter(accepted_at__isnull=False)
    for user_id in (article.thread.author_id, *accepted.values_list("user_id", flat=True)):
        if user_id is not None:
            credit_author(thread_id=thread_id, user_id=user_id)


def credit_author(*, thread_id: int, user_id: int) -> None:
    credit(user_id=user_id, kind=Credit.Kind.ARTICLE, subject=f"article:{thread_id}")


def describe(*, thread_id: int) -> None:
    """Bring what follows from the text up to date: time to read, opening words.

    Who takes the text away, as one who leaves may, takes along what was said of it.
    """
    article = Article.objects.filter(pk=thread_id).first()
    if article is None:
        return
    text = first_post(article.thread).text
    article.minutes, article.opening = minutes_of(text), opening_of(text)
    if not text:
        article.summary = article.cover = article.cover_text = ""
    article.save(update_fields=["minutes", "opening", "summary", "cover", "cover_text"])


def first_post(thread: Thread) -> Post:
    post = Post.objects.select_related("author__namespace").get(thread=thread, number=1)
    post.thread = thread
    return post


def _check_kept_here(article: Article) -> None:
    source = getattr(article, "source", None)
    if source is not None:
        raise KeptInRepository(source.path, str(source.repository))


def _tell(article: Article, thread: Thread) -> None:
    """Announce what others can read now, and date it so; in a transaction that holds both rows."""
    article.announced_at = thread.published_at
    article.save(update_fields=["announced_at"])
    Post.objects.filter(thread=thread, number=1).update(created_at=thread.published_at)
    thread.bumped_at = thread.published_at or now()
    thread.save(update_fields=["bumped_at"])
    tell_opened(thread, Post.objects.get(thread=thread, number=1))


def _free_slug(blog: Namespace, words: Words) -> str:
    """The slug that was asked for; one made of the title gets a number where it is taken.

    Raises SlugTaken.
    """
    slug = words.slug or slug_of(words.title)
    taken = set(
        Article.objects.filter(blog=blog, slug__startswith=slug[:70]).values_list("slug", flat=True)
    )
    if slug not in taken:
        return slug
    if words.slug:
        raise SlugTaken(slug)
    return next(name for n in range(2, 10_000) if (name := f"{slug[:70]}-{n}") not in taken)


def _fill(viewer: Viewer, article: Article, words: Words, *, text: str) -> None:
    article.summary, article.opening = words.summary, opening_of(text)
    article.minutes = minutes_of(text)
    article.cover, article.cover_text = words.cover, words.cover_text
    article.canonical = words.canonical
    _keep_cover(article, viewer)
    _set_series(article, words)
    article.group = _group(viewer, article, words)


def _keep_cover(article: Article, viewer: Viewer) -> None:
    """Let whoever sees the article see its cover: attachments are seen with their post."""
    if article.cover.startswith(_ATTACHMENTS):
        name = article.cover.removeprefix(_ATTACHMENTS).split("/")[0]
        post = Post.objects.get(thread_id=article.pk, number=1)
        mine: dict[str, Any] = {"pk": name, "user_id": viewer.user_id, "post": None}
        Attachment.objects.filter(**mine).update(post=post)


def _set_series(article: Article, words: Words) -> None:
    if not words.series:
        article.series, article.part = None, 0
        return
    series, _new = Series.objects.get_or_create(blog=article.blog, title=words.series)
    stays = article.series_id == series.pk
    if words.part or not stays:
        last = series.articles.exclude(pk=article.pk).aggregate(last=Max("part"))["last"]
        article.part = words.part or (last or 0) + 1
    article.series = series


def _group(viewer: Viewer, article: Article, words: Words) -> int | None:
    """The group of translations that the article belongs to. Raises OriginalMissing."""
    if not words.translates:
        others = Article.objects.filter(group=article.group).exclude(pk=article.pk)
        return article.group if article.group == article.pk and others.exists() else None
    blog, slug = [article.blog.name, *words.translates.strip("/").split("/")][-2:]
    other = (
        Article.objects.select_related("thread", "blog")
        .filter(blog__key=key_of(blog), slug=slug)
        .exclude(pk=article.pk)
        .first()
    )
    if other is None or not may_edit(viewer, other):
        raise OriginalMissing(words.translates)
    if other.group is None:
        Article.objects.filter(pk=other.pk).update(group=other.pk)
    return other.group or other.pk
