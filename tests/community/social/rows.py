"""Members, repositories and conversations as rows, and the worker's share done at once."""

from datetime import timedelta
from typing import Any

from django_tasks_db.models import DBTaskResult

from llmos.accounts.access import Viewer, viewer_of_user
from llmos.accounts.actions import create_user
from llmos.accounts.models import User
from llmos.community.social.access import Subject, subject_named
from llmos.community.social.actions import follow
from llmos.community.social.feed import Wish, home_feed
from llmos.community.social.models import Activity
from llmos.community.social.words import line_of
from llmos.community.threads.actions import Where, open_thread
from llmos.community.threads.models import Thread
from llmos.community.trust.models import Level, Standing
from llmos.hub.actions import create_repository
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository

SOCIAL = "llmos.community.social.tasks"


def member(name: str) -> Viewer:
    """Somebody trusted enough to write as fast as tests do."""
    user = create_user(name=name)
    Standing.objects.update_or_create(pk=user.pk, defaults={"level": Level.LEADER})
    return viewer_of_user(user)


def shared(viewer: Viewer, name: str, *, kind: str = "model", private: bool = False) -> Repository:
    return create_repository(
        viewer=viewer,
        kind=KINDS[kind],
        namespace=viewer.name,
        name=name,
        visibility="private" if private else "public",
    )


def topic(viewer: Viewer, title: str, *, tags: list[str] | None = None, text: str = "") -> Thread:
    return open_thread(
        viewer,
        where=Where(Thread.Place.TOPIC, 1),
        title=title,
        text=text or title,
        address="/t/{id}/{slug}",
        tags=tags,
    )


def settled() -> None:
    """Let this room hear what was announced; what other rooms make of it is theirs."""
    for row in DBTaskResult.objects.filter(status="READY").order_by("enqueued_at", "id"):
        if row.task_path.startswith(SOCIAL):
            row.task.call(**row.args_kwargs["kwargs"])
        row.delete()


def follows(viewer: Viewer, path: str) -> Subject:
    subject = subject_named(viewer, path)
    follow(viewer, subject=subject)
    return subject


def told(viewer: Viewer, **wish: Any) -> list[str]:
    """The sentences and titles of a feed."""
    settled()
    found = home_feed(viewer, Wish(**wish)).items
    return [f"{line.sentence}: {line.title}" for line in map(line_of, found)]


def aged(days: float, **which: Any) -> None:
    """Move activities and what they are about into the past."""
    for activity in Activity.objects.filter(**which):
        activity.at -= timedelta(days=days)
        activity.save(update_fields=["at"])
        activity.about.update(at=activity.at)


def user_of(viewer: Viewer) -> User:
    return User.objects.get(pk=viewer.user_id)
