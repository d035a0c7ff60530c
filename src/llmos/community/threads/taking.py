"""What a member takes along of her posts, and what becomes of them when she leaves."""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext_noop, ngettext

from llmos.accounts.models import User
from llmos.accounts.taking import Farewell, Part
from llmos.community.threads.events import PostChanged, ThreadChanged
from llmos.community.threads.holding import held
from llmos.community.threads.models import (
    Attachment,
    Bookmark,
    Draft,
    Post,
    Reaction,
    Reference,
    Revision,
    State,
    Thread,
    Watch,
)
from llmos.community.threads.tags import set_tags
from llmos.kit.time import iso
from llmos.store.events import announce

TEXT_TAKEN_ALONG = gettext_noop("Who wrote this has left, and has taken the text along")


def export(user: User) -> Iterable[Part]:
    posts = Post.objects.filter(author=user, deed="").select_related("thread").order_by("pk")
    listed = []
    for post in posts.iterator(chunk_size=200):
        name = f"posts/{post.pk}.md"
        listed.append(
            {
                "file": name,
                "conversation": post.thread.title,
                "address": post.thread.address,
                "number": post.number,
                "state": post.state,
                "reason": post.state_reason,
                "at": post.created_at,
                "edits": post.edits,
            }
        )
        yield name, f"# {post.thread}\n\n{iso(post.created_at)}\n\n{post.text}\n"
    yield "posts.json", listed
    opened = Thread.objects.filter(author=user).order_by("pk")
    yield (
        "threads.json",
        [
            {
                "title": one.title,
                "address": one.address,
                "place": one.place,
                "state": one.state,
                "at": one.created_at,
                "published": one.published_at,
            }
            for one in opened.iterator(chunk_size=500)
        ],
    )
    yield from _deeds(user)


def goes(user: User) -> list[str]:
    """A blog goes with its owner, and what others said about its articles."""
    articles = Thread.objects.filter(namespace=user.namespace, place=Thread.Place.ARTICLE).count()
    if not articles:
        return []
    return [
        ngettext(
            "%(n)d article of your blog with the comments on it",
            "%(n)d articles of your blog with the comments on them",
            articles,
        )
        % {"n": articles}
    ]


def forget(user: User, removes_text: bool) -> None:
    for reaction in Reaction.objects.filter(user=user):
        _take_back(reaction)
    Watch.objects.filter(kind=Watch.Kind.MEMBER, target=str(user.pk)).delete()
    Reference.objects.filter(kind=Reference.Kind.MEMBER, target=user.pk).delete()
    for thread in Thread.objects.filter(namespace=user.namespace):
        _remove(thread)
    if removes_text:
        for thread in Thread.objects.filter(author=user):
            if not thread.posts.filter(deed="").exclude(author=user).exists():
                _remove(thread)
        mine = Post.objects.filter(author=user, deed="").exclude(text="", state=State.REMOVED)
        for pk in list(mine.values_list("pk", flat=True)):
            _empty(pk)


FAREWELL = Farewell(forget=forget, goes=goes)


def _deeds(user: User) -> Iterable[Part]:
    reacted = Reaction.objects.filter(user=user).order_by("pk")
    yield (
        "reactions.json",
        list(reacted.values("post_id", "name", "at")),
    )
    kept = Bookmark.objects.filter(user=user).order_by("pk")
    yield "bookmarks.json", list(kept.values("post_id", "post__thread__address", "at"))
    followed = Watch.objects.filter(user=user).order_by("pk")
    yield "follows.json", list(followed.values("kind", "target", "level", "since"))
    begun = Draft.objects.filter(user=user).order_by("pk")
    yield "drafts.json", list(begun.values("form", "content", "at"))
    files = Attachment.objects.filter(user=user).order_by("at")
    yield "attachments.json", list(files.values("id", "name", "media_type", "size", "at"))


@transaction.atomic
def _take_back(reaction: Reaction) -> None:
    post = held(reaction.post_id)
    reaction.delete()
    left = post.reactions.get(reaction.name, 0) - 1
    counts = {name: n for name, n in post.reactions.items() if name != reaction.name}
    post.reactions = {**counts, reaction.name: left} if left > 0 else counts
    post.save(update_fields=["reactions"])
    Thread.objects.filter(pk=post.thread_id).update(reactions_count=F("reactions_count") - 1)


@transaction.atomic
def _remove(thread: Thread) -> None:
    """A conversation goes as a whole: one of her blog, or one in which nobody else wrote."""
    for pk in thread.posts.values_list("pk", flat=True):
        announce(PostChanged(post_id=pk))
    set_tags(thread, [])
    announce(ThreadChanged(thread_id=thread.pk))
    thread.delete()


@transaction.atomic
def _empty(post_id: int) -> None:
    """A gap in place of a text; the conversation around it stays as it is."""
    post = held(post_id)
    was_visible = post.state == State.VISIBLE
    post.text = post.html = ""
    post.state, post.state_reason = State.REMOVED, TEXT_TAKEN_ALONG
    post.save(update_fields=["text", "html", "state", "state_reason"])
    Revision.objects.filter(post=post).delete()
    Attachment.objects.filter(post=post).delete()
    Reference.objects.filter(post=post).delete()
    if was_visible:
        thread = post.thread
        thread.posts_count = max(0, thread.posts_count - 1)
        thread.save(update_fields=["posts_count"])
    announce(PostChanged(post_id=post_id))
