"""What the forum's topics mean for feeds: `python -m benchmarks.feed_population HOME FOLLOWS`.

Records an activity for each topic, lets the member of the bench follow so many members, and
prints a session of hers. The hub must not run meanwhile.
"""

import os
import sys
from pathlib import Path

from benchmarks.hub import MEMBER

BATCH = 500


def main() -> None:
    home, follows = Path(sys.argv[1]), int(sys.argv[2])
    os.environ["LLMOS_HOME"] = str(home)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmos.web.settings")
    import django

    django.setup(set_prefix=False)
    record()
    print(follow(follows))  # noqa: T201 - what the bench reads


def record() -> None:
    from django.db import transaction

    from llmos.community.social.tasks import on_thread_opened
    from llmos.community.threads.models import Thread

    ids = list(Thread.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        with transaction.atomic():
            for thread_id in ids[start : start + BATCH]:
                on_thread_opened.func(thread_id=thread_id)


def follow(count: int) -> str:
    """The key of a session of hers."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    from llmos.accounts.models import User
    from llmos.community.threads.models import Watch

    member = User.objects.get(username=MEMBER)
    others = User.objects.exclude(pk=member.pk).order_by("pk")[:count]
    Watch.objects.bulk_create(
        Watch(
            user=member,
            kind=Watch.Kind.MEMBER,
            target=str(other.pk),
            level=Watch.Level.FOLLOWING,
        )
        for other in others
    )
    session = SessionStore()
    session[SESSION_KEY] = str(member.pk)
    session[BACKEND_SESSION_KEY] = "llmos.accounts.sessions.Members"
    session[HASH_SESSION_KEY] = member.get_session_auth_hash()
    session.create()
    return str(session.session_key)


if __name__ == "__main__":
    main()
