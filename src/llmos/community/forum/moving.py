"""Moving topics to other categories, splitting them, and merging two into one.

Posts keep their rows, so `/posts/<id>` and quotes of them go on leading to them. Their numbers
change: posts that come to a topic are numbered behind those that are there, in their own
order, so that no address and no reader's place in the receiving topic moves. Where each stood
before is written down, and the old address leads on.
"""

import re
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.community.forum.actions import ADDRESS, count_in, moderator, settle
from llmos.community.forum.errors import ChangedMeanwhile
from llmos.community.forum.models import ASKING, Category, FormerPlace, Topic
from llmos.community.threads.actions import LONGEST_TITLE, note_deed, slug_of
from llmos.community.threads.events import ThreadChanged, ThreadOpened
from llmos.community.threads.models import (
    Draft,
    Post,
    Reading,
    Reference,
    State,
    Thread,
    ThreadTag,
    Watch,
)
from llmos.community.threads.tags import set_tags
from llmos.kit.errors import Invalid
from llmos.kit.text import cleaned
from llmos.store.events import announce

MOST_SPLIT = 500  # posts that one split takes
_BATCH = 500
_MARKS = re.compile(r"([\\`*_{}\[\]()#+.!|<>~$@:-])")


@transaction.atomic
def move(viewer: Viewer, *, topic: Topic, category: Category, seen: str) -> None:
    """Put a topic on another shelf. `seen` is the category that the form knew of.

    Raises ChangedMeanwhile where somebody else moved it elsewhere, Invalid, Forbidden.
    """
    member = moderator(viewer)
    thread = _locked(topic.pk)[topic.pk]
    if not thread.posts.exists():
        raise ChangedMeanwhile(_("One of these topics was merged into another in the meantime"))
    topic = Topic.objects.select_related("category").get(pk=topic.pk)
    if topic.category_id == category.pk:
        return
    if topic.category.slug != seen:
        raise ChangedMeanwhile(
            _("Somebody moved this topic to “%(category)s” in the meantime")
            % {"category": topic.category.title}
        )
    if category.retired_at is not None:
        raise Invalid(_("This category takes no new topics; choose another"))
    count_in(topic, None)
    topic.category = category
    topic.save(update_fields=["category", "counted"])
    thread.shelf, thread.is_pinned = category.pk, False
    thread.save(update_fields=["shelf", "is_pinned"])
    note_deed(thread=thread, author_id=member, deed="moved", text=_shelf_link(category))
    settle(thread.pk)
    announce(ThreadChanged(thread_id=thread.pk))


@transaction.atomic
def split(
    viewer: Viewer, *, topic: Topic, post_ids: Sequence[int], title: str, category: Category
) -> Topic:
    """Make some posts a topic of their own; its author is who wrote the first of them.

    Raises ChangedMeanwhile where posts are there no more, Invalid, Forbidden.
    """
    member = moderator(viewer)
    source = _locked(topic.pk)[topic.pk]
    posts = list(Post.objects.filter(thread=source, pk__in=set(post_ids)).order_by("number"))
    _refuse_split(posts, post_ids)
    first = posts[0]
    thread = Thread.objects.create(
        place=Thread.Place.TOPIC,
        shelf=category.pk,
        title=_titled(title),
        language=first.language,
        author_id=first.author_id,
        created_at=first.created_at,
    )
    thread.address = ADDRESS.format(id=thread.pk, slug=slug_of(thread.title))
    _take(thread, posts)
    made = Topic.objects.create(thread=thread, category=category)
    set_tags(thread, list(_tag_names(source)))
    _recount(source, thread)
    note_deed(thread=source, author_id=member, deed="split", text=_link(thread))
    note_deed(thread=thread, author_id=member, deed="split-from", text=_link(source))
    _copy_watches(source, thread, posts)
    _settle_and_tell(source, thread)
    if thread.state == State.VISIBLE:
        announce(ThreadOpened(thread_id=thread.pk))
    return made


@transaction.atomic
def merge(viewer: Viewer, *, topic: Topic, into: Topic) -> None:
    """Let another topic take all posts of this one, behind its own; this one's address leads there.

    Who had read both to the end has read the whole; watches come along. Raises
    ChangedMeanwhile where either was merged already, Invalid, Forbidden.
    """
    member = moderator(viewer)
    if topic.pk == into.pk:
        raise Invalid(_("A topic cannot be merged into itself"))
    locked = _locked(topic.pk, into.pk)
    source, target = locked[topic.pk], locked[into.pk]
    if not source.posts.exists() or not target.posts.exists():
        raise ChangedMeanwhile(_("One of these topics was merged into another in the meantime"))
    end, posts = target.last_number, list(source.posts.order_by("number"))
    _take(target, posts)
    _merge_readings(source, target, before=end, posts=posts)
    _merge_watches(source, target)
    _merge_references(source, target)
    set_tags(target, list(dict.fromkeys([*_tag_names(target), *_tag_names(source)]))[:5])
    set_tags(source, [])
    _merge_drafts(source, target)
    _keep_answer(source, target)
    Thread.objects.filter(pk=target.pk).update(views=F("views") + source.views)
    _leave(source, target)
    _recount(target)
    note_deed(thread=target, author_id=member, deed="merged", text=f"“{_plain(source.title)}”")
    _settle_and_tell(source, target)


def _locked(*thread_ids: int) -> dict[int, Thread]:
    """The threads, held until the transaction ends; in one order, so that none waits in a ring."""
    rows = Thread.objects.select_for_update().filter(pk__in=thread_ids).order_by("pk")
    return {thread.pk: thread for thread in rows}


def _refuse_split(posts: Sequence[Post], asked: Iterable[int]) -> None:
    if len(posts) < len(set(asked)):
        raise ChangedMeanwhile(
            _("Some of these posts were moved elsewhere in the meantime; look again, then choose")
        )
    if not posts:
        raise Invalid(_("Choose the posts that become a topic of their own"))
    if len(posts) > MOST_SPLIT:
        raise Invalid(_("At most %(n)d posts are split off at once") % {"n": MOST_SPLIT})
    if posts[0].number == 1:
        raise Invalid(
            _("The first post stays where it is; move or merge the whole topic to put it elsewhere")
        )
    if all(post.deed for post in posts):
        raise Invalid(_("Choose a post that somebody wrote"))


def _take(thread: Thread, posts: Sequence[Post]) -> None:
    """Number posts behind those of a thread, and write down where they stood."""
    former = [FormerPlace(thread=post.thread_id, number=post.number, post=post) for post in posts]
    # A number that was left once and left again leads to who left it last.
    FormerPlace.objects.bulk_create(
        former,
        batch_size=_BATCH,
        update_conflicts=True,
        unique_fields=["thread", "number"],
        update_fields=["post"],
    )
    for offset, post in enumerate(posts, start=1):
        post.thread, post.number = thread, thread.last_number + offset
    Post.objects.bulk_update(posts, ["thread", "number"], batch_size=_BATCH)
    thread.last_number += len(posts)
    thread.save(update_fields=["last_number", "address"])


def _recount(*threads: Thread) -> None:
    """Counts and the last word of threads after posts came or went."""
    for thread in threads:
        visible = Post.objects.filter(thread=thread, state=State.VISIBLE, deed="")
        last = visible.order_by("-created_at", "-number").first()
        thread.posts_count = visible.count()
        if last is not None:
            thread.bumped_at, thread.last_author_id = last.created_at, last.author_id
        first = Post.objects.filter(thread=thread, number=1).first()
        if first is not None:
            thread.state, thread.state_reason = first.state, first.state_reason
        rows = Post.objects.filter(thread=thread).values_list("reactions", flat=True)
        thread.reactions_count = sum(sum(one.values()) for one in rows)
        thread.save(
            update_fields=[
                "posts_count",
                "bumped_at",
                "last_author",
                "state",
                "state_reason",
                "reactions_count",
            ]
        )


def _leave(source: Thread, target: Thread) -> None:
    """What is left of a merged topic: nothing to see, and an address that leads on."""
    source.state, source.state_reason = State.REMOVED, _("Merged into another topic")
    source.address, source.posts_count, source.reactions_count = target.address, 0, 0
    source.is_pinned = False
    source.save(
        update_fields=[
            "state",
            "state_reason",
            "address",
            "posts_count",
            "reactions_count",
            "is_pinned",
        ]
    )


def _merge_readings(source: Thread, target: Thread, *, before: int, posts: Sequence[Post]) -> None:
    """Who had read all of the target goes on where she left off in the source."""
    read = dict(Reading.objects.filter(thread=source).values_list("user_id", "last_number"))
    formers = {row.post_id: row.number for row in FormerPlace.objects.filter(thread=source.pk)}
    numbers = [formers[post.pk] for post in posts]
    at_end = Reading.objects.filter(thread=target, user_id__in=read, last_number__gte=before)
    moved = []
    for reading in at_end:
        seen = sum(1 for number in numbers if number <= read[reading.user_id])
        reading.last_number = before + seen
        moved.append(reading)
    Reading.objects.bulk_update(moved, ["last_number"], batch_size=_BATCH)
    Reading.objects.filter(thread=source).delete()


def _merge_watches(source: Thread, target: Thread) -> None:
    """The closer of two watches stays; who muted one and followed the other follows."""
    kind = Watch.Kind.THREAD
    there = {row.user_id: row for row in Watch.objects.filter(kind=kind, target=str(target.pk))}
    for row in Watch.objects.filter(kind=kind, target=str(source.pk)):
        other = there.get(row.user_id)
        if other is None:
            row.target = str(target.pk)
            row.save(update_fields=["target"])
            continue
        if row.level > other.level:
            other.level = row.level
            other.save(update_fields=["level"])
        row.delete()


def _merge_references(source: Thread, target: Thread) -> None:
    """What named the merged topic names the one that took its posts."""
    kind = Reference.Kind.THREAD
    there = Reference.objects.filter(kind=kind, target=target.pk).values("post_id")
    naming = Reference.objects.filter(kind=kind, target=source.pk)
    naming.filter(post_id__in=list(there.values_list("post_id", flat=True))).delete()
    naming.update(target=target.pk)


def _merge_drafts(source: Thread, target: Thread) -> None:
    """Who was writing an answer finds it under the topic that took the posts."""
    old, new = f"thread:{source.pk}", f"thread:{target.pk}"
    busy = Draft.objects.filter(form=new).values_list("user_id", flat=True)
    Draft.objects.filter(form=old).exclude(user_id__in=list(busy)).update(form=new)


def _keep_answer(source: Thread, target: Thread) -> None:
    """An answer that was accepted stays one, where the other topic asks and has none."""
    given = Topic.objects.get(pk=source.pk)
    waiting = Topic.objects.filter(pk=target.pk, answer=None, category__kind__in=ASKING)
    if given.answer_id is not None and waiting.update(
        answer=given.answer_id, accepted_by=given.accepted_by_id, solved_at=given.solved_at
    ):
        # Nobody is told that it was taken back: it only stands elsewhere.
        Topic.objects.filter(pk=source.pk).update(answer=None, accepted_by=None, solved_at=None)


def _copy_watches(source: Thread, made: Thread, posts: Sequence[Post]) -> None:
    """Who watches the old topic watches the new one, and has read in it what she had read."""
    kind = Watch.Kind.THREAD
    Watch.objects.bulk_create(
        [
            Watch(user_id=row.user_id, kind=kind, target=str(made.pk), level=row.level)
            for row in Watch.objects.filter(kind=kind, target=str(source.pk))
        ],
        batch_size=_BATCH,
    )
    formers = FormerPlace.objects.filter(post__in=[post.pk for post in posts], thread=source.pk)
    numbers = sorted(formers.values_list("number", flat=True))
    Reading.objects.bulk_create(
        [
            Reading(user_id=row.user_id, thread=made, last_number=seen)
            for row in Reading.objects.filter(thread=source, last_number__gte=numbers[0])
            for seen in [sum(1 for number in numbers if number <= row.last_number)]
        ],
        batch_size=_BATCH,
    )


def _settle_and_tell(*threads: Thread) -> None:
    for thread in threads:
        settle(thread.pk)
        announce(ThreadChanged(thread_id=thread.pk))


def _titled(title: str) -> str:
    said = " ".join(cleaned(title).split())
    if not 0 < len(said) <= LONGEST_TITLE:
        raise Invalid(_("A title has 1 to %(n)d characters") % {"n": LONGEST_TITLE})
    return said


def _tag_names(thread: Thread) -> list[str]:
    rows = ThreadTag.objects.filter(thread=thread).select_related("tag").order_by("pk")
    return [row.tag.name for row in rows]


def _link(thread: Thread) -> str:
    return f"[{_plain(thread.title)}]({thread.address})"


def _shelf_link(category: Category) -> str:
    both = dict.fromkeys([category.title_en, category.title_zh])
    return f"[{_plain(' · '.join(both))}]({category.address})"


def _plain(text: str) -> str:
    """A text as Markdown that shows just that text."""
    return _MARKS.sub(r"\\\1", text)
