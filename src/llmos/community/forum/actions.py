"""Opening topics, accepting answers, and keeping what lists copy from posts right.

Each action is one transaction and ends with an announcement.
"""

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.community.forum.access import refuse_strangers, topic_rights
from llmos.community.forum.errors import ChangedMeanwhile
from llmos.community.forum.events import AnswerAccepted, AnswerWithdrawn
from llmos.community.forum.models import Category, Route, Topic
from llmos.community.forum.polls import Draft, add_poll
from llmos.community.threads.access import is_moderator, writer
from llmos.community.threads.actions import Where, open_thread
from llmos.community.threads.events import ThreadChanged
from llmos.community.threads.models import Post, State, Thread
from llmos.community.threads.tags import refuse_new_tags
from llmos.community.trust.actions import credit, withdraw
from llmos.community.trust.models import Credit
from llmos.kit.errors import Forbidden, Invalid
from llmos.kit.time import now
from llmos.store.events import announce

ADDRESS = "/t/{id}/{slug}"
A_REACTION_IS = 2  # posts, in the order "top"


@transaction.atomic
def open_topic(
    viewer: Viewer,
    *,
    category: Category,
    title: str,
    text: str,
    tags: list[str],
    language: str = "",
    poll: Draft | None = None,
    key: str | None = None,
) -> Topic:
    """A topic with its first post, and a poll under it. Sent again with the same key: that one.

    Raises NotHere, Invalid, NotTrustedYet, TooFast, Unauthenticated, Forbidden.
    """
    writer(viewer, "open a topic")
    refuse_strangers(viewer, category)
    refuse_new_tags(viewer, tags)
    where = Where(place=Thread.Place.TOPIC, shelf=category.pk)
    thread = open_thread(
        viewer,
        where=where,
        title=title,
        text=text,
        address=ADDRESS,
        tags=tags,
        language=language,
        key=key,
    )
    topic, is_new = Topic.objects.get_or_create(thread=thread, defaults={"category": category})
    if is_new:
        if poll is not None:
            add_poll(post=thread.posts.get(number=1), draft=poll)
        settle(thread.pk)
    return topic


@transaction.atomic
def accept(viewer: Viewer, *, topic: Topic, post: Post, seen: int | None) -> None:
    """Say that this post answers the question. `seen` is the answer that the form knew of.

    Raises ChangedMeanwhile where somebody accepted another one, Invalid, Forbidden.
    """
    member = _who_accepts(viewer, topic)
    topic = _locked(topic)
    if post.thread_id != topic.pk or post.number == 1 or post.deed or post.state != State.VISIBLE:
        raise Invalid(_("An answer is a post below the question that everybody can read"))
    if topic.answer_id == post.pk:
        return
    if topic.answer_id != seen:
        raise ChangedMeanwhile(
            _("Another answer was accepted in the meantime; look at it, then decide again")
        )
    if topic.answer_id is not None:
        announce(AnswerWithdrawn(thread_id=topic.pk, post_id=topic.answer_id))
    topic.answer, topic.accepted_by_id, topic.solved_at = post, member, now()
    topic.save(update_fields=["answer", "accepted_by", "solved_at"])
    announce(AnswerAccepted(thread_id=topic.pk, post_id=post.pk, user_id=member))
    announce(ThreadChanged(thread_id=topic.pk))


@transaction.atomic
def unaccept(viewer: Viewer, *, topic: Topic, post: Post) -> None:
    """The question is open again. Twice is once; another answer meanwhile stays."""
    _who_accepts(viewer, topic)
    topic = _locked(topic)
    if topic.answer_id != post.pk:
        return
    _forget_answer(topic)
    announce(ThreadChanged(thread_id=topic.pk))


@transaction.atomic
def credit_answer(post_id: int) -> None:
    """Credit whose answer stands, and take that back where it stands no more.

    Nobody is credited for answering herself.
    """
    # The lock lets accepting and taking back, heard of in any order, end as the topics say.
    post = Post.objects.select_for_update().filter(pk=post_id).first()
    if post is None or post.author_id is None:
        return
    stands = Topic.objects.filter(answer=post).exclude(thread__author=post.author_id).exists()
    change = credit if stands else withdraw
    change(user_id=post.author_id, kind=Credit.Kind.ANSWER, subject=f"post:{post_id}")


def decline(viewer: Viewer, *, thread_id: int) -> None:
    """A routed question is not for this member; it leaves her list."""
    member = writer(viewer, "decline a question")
    Route.objects.filter(user_id=member, thread_id=thread_id).update(is_declined=True)


def moderator(viewer: Viewer) -> int:
    """The member who keeps order here. Raises Unauthenticated, Forbidden."""
    member = writer(viewer, "keep order")
    if not is_moderator(viewer):
        raise Forbidden(_("Moderators do this: stewards and administrators"))
    return member


@transaction.atomic
def settle(thread_id: int) -> Topic | None:
    """Make the copies in a topic, and the counts of its category, what the posts say now.

    Called after every change of its posts; any number of times gives the same.
    """
    topic = (
        Topic.objects.select_for_update(of=("self",))
        .select_related("thread", "category", "answer")
        .filter(pk=thread_id)
        .first()
    )
    if topic is None:
        return None
    thread = topic.thread
    if topic.solved_at is not None and not _still_answers(topic.answer, thread):
        _forget_answer(topic)
    others = Post.objects.filter(thread=thread, state=State.VISIBLE, deed="", number__gt=1)
    asks = topic.category.asks and thread.closed_at is None
    topic.waits = asks and not others.exclude(author_id=thread.author_id).exists()
    topic.score = thread.posts_count + A_REACTION_IS * thread.reactions_count
    count_in(topic, thread.posts_count if thread.state == State.VISIBLE else None)
    topic.save(update_fields=["waits", "score", "counted"])
    return topic


def count_in(topic: Topic, posts: int | None) -> None:
    """Let the category count so many posts of a topic; None: not the topic either."""
    before = topic.counted
    topic.counted = posts
    topics = int(posts is not None) - int(before is not None)
    Category.objects.filter(pk=topic.category_id).update(
        topics_count=F("topics_count") + topics,
        posts_count=F("posts_count") + (posts or 0) - (before or 0),
    )


def _still_answers(answer: Post | None, thread: Thread) -> bool:
    if answer is None:
        return False
    return answer.thread_id == thread.pk and answer.state == State.VISIBLE and answer.number > 1


def _forget_answer(topic: Topic) -> None:
    if topic.answer_id is not None:
        announce(AnswerWithdrawn(thread_id=topic.pk, post_id=topic.answer_id))
    topic.answer, topic.accepted_by, topic.solved_at = None, None, None
    topic.save(update_fields=["answer", "accepted_by", "solved_at"])


def _who_accepts(viewer: Viewer, topic: Topic) -> int:
    member = writer(viewer, "accept an answer")
    if not topic.category.asks:
        raise Invalid(_("Topics of this category have no accepted answer"))
    if not topic_rights(viewer, topic).accept:
        raise Forbidden(_("Who asked, and moderators, say which answer helped"))
    return member


def _locked(topic: Topic) -> Topic:
    return Topic.objects.select_for_update(of=("self",)).get(pk=topic.pk)
