"""Members of any level and conversations between them, for tests of trust and moderation."""

from itertools import count

from llmos.accounts.access import Viewer, viewer_of_user
from llmos.accounts.actions import create_user
from llmos.accounts.models import User
from llmos.community.threads.actions import Where, open_thread, write_post
from llmos.community.threads.models import Post, Thread
from llmos.community.trust.models import Level, Standing

_numbers = count(1)


def member(level: Level = Level.MEMBER, *, admin: bool = False) -> User:
    user = create_user(name=f"person-{next(_numbers)}", admin=admin)
    Standing.objects.update_or_create(pk=user.pk, defaults={"level": level})
    return user


def viewer(level: Level = Level.MEMBER, *, admin: bool = False) -> Viewer:
    return viewer_of_user(member(level, admin=admin))


def topic(by: Viewer, text: str = "", title: str = "What do you think?") -> Thread:
    return open_thread(
        by,
        where=Where(place=Thread.Place.TOPIC, shelf=1),
        title=title,
        text=text or f"The first words of conversation {next(_numbers)}.",
        address="/t/{id}/{slug}",
    )


def answer(by: Viewer, thread: Thread, text: str = "") -> Post:
    return write_post(by, thread=thread, text=text or f"Answer number {next(_numbers)} to this.")
