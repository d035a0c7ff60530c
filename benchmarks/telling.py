"""One post, many to be told: `python -m benchmarks.telling HOME FOLLOWERS`, with the hub running.

Prints how long writing it took, and how long until every watcher has a notification.
"""

import json
import os
import sys
import time
from pathlib import Path


def main() -> None:
    home, followers = Path(sys.argv[1]), int(sys.argv[2])
    os.environ["LLMOS_HOME"] = str(home)
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmos.web.settings")
    import django

    django.setup(set_prefix=False)
    print(json.dumps(tell(followers)))  # noqa: T201 - what the bench reads


def tell(followers: int) -> dict[str, float]:
    from llmos.accounts.access import viewer_of_user
    from llmos.accounts.models import Namespace, User
    from llmos.community.notifications.models import Notification
    from llmos.community.threads.actions import write_post
    from llmos.community.threads.models import Thread, Watch

    names = [f"follower-{number}" for number in range(followers)]
    Namespace.objects.bulk_create(
        [Namespace(name=name, key=name, kind="user") for name in names], batch_size=500
    )
    spaces = Namespace.objects.filter(key__startswith="follower-")
    User.objects.bulk_create(
        [User(username=one.name, namespace=one, password="!") for one in spaces], batch_size=500
    )
    thread = Thread.objects.order_by("pk").first()
    assert thread is not None
    users = User.objects.filter(username__startswith="follower-")
    Watch.objects.bulk_create(
        [
            Watch(user=user, kind="thread", target=str(thread.pk), level=Watch.Level.WATCHING)
            for user in users
        ],
        batch_size=500,
    )
    author = User.objects.get(username="bench")
    before = Notification.objects.count()
    start = time.perf_counter()
    write_post(viewer_of_user(author), thread=thread, text="News for all who watch this.")
    filed = time.perf_counter() - start
    while Notification.objects.count() - before < followers:
        if time.perf_counter() - start > 300:
            raise TimeoutError(f"only {Notification.objects.count() - before} were told")
        time.sleep(0.05)
    return {"filed_ms": filed * 1000, "told_s": time.perf_counter() - start}


if __name__ == "__main__":
    main()
