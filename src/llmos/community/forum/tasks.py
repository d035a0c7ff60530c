"""What follows a topic, a post, a reaction: counts, similar topics, routing, credit.

Each looks at the state of now, so late, doubled and reordered runs end the same.
"""

from typing import Any

from django.db import transaction

from llmos.community.forum.actions import credit_answer, settle
from llmos.community.forum.models import Poll, Topic
from llmos.community.forum.polls import tell_closed
from llmos.community.forum.queries import SIMILAR_KEPT, similar
from llmos.community.forum.routing import route
from llmos.community.forum.shelving import make_first
from llmos.community.threads.models import Post
from llmos.store.tasks import task


@task()
def on_topic_opened(*, thread_id: int) -> None:
    """Its similar topics, who may answer it, and when its poll closes."""
    if settle(thread_id) is None:
        return
    _find_similar(thread_id)
    route(thread_id)
    for poll in Poll.objects.filter(post__thread_id=thread_id, closes_at__isnull=False):
        close_poll.using(run_after=poll.closes_at).enqueue(poll_id=poll.pk)


@task()
def on_topic_changed(*, thread_id: int) -> None:
    if settle(thread_id) is not None:
        _find_similar(thread_id)


@task()
def on_post(*, post_id: int, **_more: Any) -> None:
    """Written, changed, or reacted to."""
    post = Post.objects.filter(pk=post_id).only("thread_id").first()
    if post is not None:
        settle(post.thread_id)


@task()
def on_answer_accepted(*, thread_id: int, post_id: int, user_id: int) -> None:
    credit_answer(post_id)


@task()
def on_answer_withdrawn(*, thread_id: int, post_id: int) -> None:
    credit_answer(post_id)


@task()
def close_poll(*, poll_id: int) -> None:
    tell_closed(poll_id)


def begin() -> None:
    """What a starting worker owes: a new hub's first categories."""
    make_first()


def _find_similar(thread_id: int) -> None:
    """Name the nearest topics under this one, and this one under those."""
    topic = Topic.objects.select_related("thread").filter(pk=thread_id).first()
    if topic is None:
        return
    near = [one.pk for one in similar(topic.thread.title, leave_out=thread_id, limit=SIMILAR_KEPT)]
    with transaction.atomic():
        Topic.objects.filter(pk=thread_id).update(similar=near)
        for other in Topic.objects.select_for_update().filter(pk__in=near):
            if thread_id not in other.similar:
                other.similar = [*other.similar, thread_id][-SIMILAR_KEPT:]
                other.save(update_fields=["similar"])
