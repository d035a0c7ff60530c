"""What members were credited for, as far as a viewer may know of it.

What counts as a contribution, each once: a public model or data set with more in it than a card;
an evaluation that was run here on a public model; an answer that its asker accepted; a reviewed
change request; a published article; a finished first task. Likes, posts and notes do not.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.community.social.access import results_seen
from llmos.community.social.reading import repositories_seen, threads_seen
from llmos.community.threads.addresses import post_address
from llmos.community.threads.models import Post, State
from llmos.community.trust.models import Credit
from llmos.evaluation.words import metric_word, number
from llmos.hub.models import ChangeRequest
from llmos.hub.queries import visible


@dataclass(frozen=True, slots=True)
class Contribution:
    """One credited thing with its page. Without an address it is gone, or not for the viewer."""

    kind: str
    at: datetime
    title: str = ""
    address: str = ""


Link = tuple[str, str]  # title, address


def contributions(viewer: Viewer, credited: Sequence[Credit]) -> list[Contribution]:
    """The same in the same order, with what the viewer may know of each."""
    keys: dict[str, list[str]] = {}
    for row in credited:
        prefix, _colon, key = row.subject.partition(":")
        keys.setdefault(prefix, []).append(key)
    links = {
        f"{prefix}:{key}": link
        for prefix, find in _FINDERS.items()
        if prefix in keys
        for key, link in find(viewer, keys[prefix]).items()
    }
    return [Contribution(row.kind, row.at, *links.get(row.subject, ("", ""))) for row in credited]


def _repositories(viewer: Viewer, keys: Collection[str]) -> dict[str, Link]:
    found = repositories_seen(viewer, _numbers(keys))
    return {str(pk): (one.full_name, f"/{one}") for pk, one in found.items()}


def _results(viewer: Viewer, keys: Collection[str]) -> dict[str, Link]:
    return {
        pk: (f"{metric_word(one.metric)} {number(one.value)}", one.url)
        for pk, one in results_seen(viewer, keys).items()
    }


def _threads(viewer: Viewer, keys: Collection[str]) -> dict[str, Link]:
    found = threads_seen(viewer, _numbers(keys))
    return {str(pk): (one.title, one.address) for pk, one in found.items()}


def _posts(viewer: Viewer, keys: Collection[str]) -> dict[str, Link]:
    posts = Post.objects.filter(pk__in=_numbers(keys), state=State.VISIBLE)
    threads = threads_seen(viewer, {post.thread_id for post in posts})
    return {
        str(post.pk): (
            threads[post.thread_id].title,
            post_address(threads[post.thread_id].address, post.number),
        )
        for post in posts
        if post.thread_id in threads
    }


def _changes(viewer: Viewer, keys: Collection[str]) -> dict[str, Link]:
    """Keys are `<repository>/<number>`."""
    wanted = Q(pk__in=[])
    for key in keys:
        repository, _slash, number_ = key.partition("/")
        if repository.isdecimal() and number_.isdecimal():
            wanted |= Q(repository_id=int(repository), number=int(number_))
    found = ChangeRequest.objects.filter(wanted, repository__in=visible(viewer))
    return {
        f"{one.repository_id}/{one.number}": (
            one.title,
            f"/{one.repository}/discussions/{one.number}",
        )
        for one in found.select_related("repository")
    }


def _tasks(viewer: Viewer, keys: Collection[str]) -> dict[str, Link]:
    """Their page says the rest, to whom it may."""
    return {
        str(key): (_("First task %(number)s") % {"number": key}, f"/first-tasks/{key}")
        for key in _numbers(keys)
    }


def _numbers(keys: Collection[str]) -> list[int]:
    return [int(key) for key in keys if key.isdecimal() and len(key) < 19]


_FINDERS: dict[str, Callable[[Viewer, Collection[str]], dict[str, Link]]] = {
    "model": _repositories,
    "dataset": _repositories,
    "result": _results,
    "article": _threads,
    "post": _posts,
    "change": _changes,
    "task": _tasks,
}
