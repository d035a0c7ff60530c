"""Members, topics and posts as rows, and the forum's share of the worker done at once."""

from typing import Any

from django_tasks_db.models import DBTaskResult

from llmos.accounts.access import Viewer, viewer_of_user
from llmos.accounts.actions import create_user
from llmos.community.forum.access import category_for, topic_for
from llmos.community.forum.actions import open_topic
from llmos.community.forum.models import Category, Topic
from llmos.community.threads.actions import write_post
from llmos.community.threads.models import Post
from llmos.community.trust.models import Level, Standing

FORUM = "llmos.community.forum.tasks"


def member(name: str, *, level: Level = Level.LEADER, admin: bool = False) -> Viewer:
    """Somebody who may write as fast as tests do, unless another level is asked for."""
    user = create_user(name=name, admin=admin)
    Standing.objects.update_or_create(pk=user.pk, defaults={"level": level, "held": True})
    return viewer_of_user(user)


def opened(viewer: Viewer, title: str, *, slug: str = "questions", **more: Any) -> Topic:
    more.setdefault("tags", [])
    more.setdefault("text", f"All about {title}")
    topic = open_topic(viewer, category=category_for(slug), title=title, **more)
    settled()
    return fresh(viewer, topic)


def answered(viewer: Viewer, topic: Topic, text: str = "So it is done") -> Post:
    post = write_post(viewer, thread=topic.thread, text=text)
    settled()
    return post


def fresh(viewer: Viewer, topic: Topic) -> Topic:
    return topic_for(viewer, topic.pk)


def counts(slug: str) -> tuple[int, int]:
    found = Category.objects.get(slug=slug)
    return found.topics_count, found.posts_count


def settled() -> None:
    """Let the forum hear what was announced; what other rooms make of it is theirs."""
    while rows := list(DBTaskResult.objects.filter(status="READY").order_by("enqueued_at", "id")):
        for row in rows:
            row.delete()
            if row.task_path.startswith(FORUM) and not row.task_path.endswith("close_poll"):
                row.task.call(**row.args_kwargs["kwargs"])
