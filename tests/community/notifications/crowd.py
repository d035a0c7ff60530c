"""Run as a script on the home of a hub: a crowd follows one member, who writes.

Prints the CPU time of her writing, in milliseconds: the crowd is told afterwards.
"""

import os
import sys
from time import process_time
from typing import Any


def main(count: int) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmos.web.settings")
    import django

    django.setup(set_prefix=False)
    from llmos.accounts.access import viewer_of_user
    from llmos.accounts.models import User
    from llmos.community.threads.actions import Where, open_thread
    from llmos.community.threads.models import Thread

    ada = User.objects.get(username="ada")
    if not User.objects.filter(username__startswith="crowd-").exists():
        gather(ada, count)
    before = process_time()
    open_thread(
        viewer_of_user(ada),
        where=Where(Thread.Place.TOPIC, 1),
        title="To everybody",
        text="words",
        address="/t/{id}/{slug}",
    )
    print(round((process_time() - before) * 1000, 1))


def gather(ada: Any, count: int) -> None:
    from llmos.accounts.models import Namespace, User
    from llmos.community.threads.models import Watch

    names = [f"crowd-{number}" for number in range(count)]
    Namespace.objects.bulk_create(Namespace(name=name, key=name, kind="user") for name in names)
    places = Namespace.objects.filter(key__startswith="crowd-").values_list("pk", "name")
    User.objects.bulk_create(User(username=name, namespace_id=pk) for pk, name in places)
    crowd = User.objects.filter(username__startswith="crowd-").values_list("pk", flat=True)
    Watch.objects.bulk_create(
        Watch(user_id=pk, kind="member", target=str(ada.pk), level=Watch.Level.FOLLOWING)
        for pk in crowd
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
