"""Members, conversations and the worker's share of telling, for tests of rules."""

from datetime import timedelta

from django_tasks_db.models import DBTaskResult

from llmos.accounts.access import Viewer, viewer_of_user
from llmos.accounts.actions import create_user
from llmos.accounts.models import User
from llmos.community.notifications.models import Letter, Notification
from llmos.community.notifications.queries import news_of
from llmos.community.notifications.words import Line, line_of
from llmos.community.threads.actions import Where, open_thread, write_post
from llmos.community.threads.models import Post, Reference, Thread, Watch
from llmos.community.trust.models import Level, Standing
from llmos.hub.models import Repository

OURS = "llmos.community.notifications.tasks"
CATEGORY = 7


def member(name: str, *, email: str = "") -> Viewer:
    """Somebody whom no limit of the new holds back."""
    user = create_user(name=name, email=email)
    Standing.objects.update_or_create(user=user, defaults={"level": Level.LEADER})
    return viewer_of_user(user)


def user_of(viewer: Viewer) -> User:
    return User.objects.get(pk=viewer.user_id)


def topic(
    viewer: Viewer,
    title: str = "A topic",
    *,
    text: str = "words",
    tags: list[str] | None = None,
    place: Thread.Place = Thread.Place.TOPIC,
    repository: Repository | None = None,
) -> Thread:
    where = Where(place, repository.pk if repository else CATEGORY, repository=repository)
    return open_thread(
        viewer, where=where, title=title, text=text, address="/t/{id}/{slug}", tags=tags
    )


def answer(viewer: Viewer, thread: Thread, text: str = "words", **more: Post) -> Post:
    return write_post(viewer, thread=thread, text=text, **more)


def naming(post: Post, *members: Viewer) -> Post:
    """As if the text had named them, which is rendering's to find."""
    for viewer in members:
        Reference.objects.get_or_create(
            post=post, kind=Reference.Kind.MEMBER, target=viewer.user_id
        )
    return post


def quoting(post: Post, quoted: Post) -> Post:
    Reference.objects.get_or_create(post=post, kind=Reference.Kind.POST, target=quoted.pk)
    return post


def watches(viewer: Viewer, kind: Watch.Kind, target: object, level: Watch.Level) -> None:
    Watch.objects.update_or_create(
        user_id=viewer.user_id, kind=kind, target=str(target), defaults={"level": level}
    )


def settled() -> int:
    """Let this room hear what was announced, and all that follows; how many tasks that took."""
    done = 0
    while True:
        rows = DBTaskResult.objects.filter(status="READY").order_by("enqueued_at", "id")
        due = [row for row in rows if row.task_path.startswith(OURS)]
        rows.delete()
        if not due:
            return done
        for row in due:
            if "send_" not in row.task_path:
                row.task.call(**row.args_kwargs["kwargs"])
                done += 1


def unread(viewer: Viewer) -> list[Line]:
    return [line_of(bundle) for bundle in news_of(viewer).unread]


def told(viewer: Viewer) -> list[str]:
    """The sentences that wait for a member."""
    settled()
    return [line.text for line in unread(viewer)]


def kinds_of(viewer: Viewer) -> list[str]:
    settled()
    return [line.kind for line in unread(viewer)]


def later(minutes: int = 5) -> None:
    """Let time pass for what waits to be mailed."""
    step = timedelta(minutes=minutes)
    for row in Notification.objects.all():
        Notification.objects.filter(pk=row.pk).update(at=row.at - step)
    for letter in Letter.objects.exclude(next_at=None):
        Letter.objects.filter(pk=letter.pk).update(next_at=letter.next_at - step)
