"""Reading discussions: lists, counts, what was said, and who mentions a repository."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import QuerySet

from llmos.accounts.access import Viewer
from llmos.community.discussions.models import Discussion
from llmos.community.threads.access import listed
from llmos.community.threads.models import Post, Reference, State, Thread
from llmos.hub.models import Repository

MOST_POSTS = 2000  # of one discussion that a client gets
REFERENCES_LOOKED_AT = 200
MENTIONS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Wish:
    """Which discussions of a repository are wanted."""

    type: str = ""  # discussion, change, or both
    status: str = ""  # open, closed, or both
    author: str = ""  # a member's name


def discussions(repository_id: int, wish: Wish) -> QuerySet[Discussion]:
    """Newest first; what moderators hold back is left out."""
    found = Discussion.objects.filter(
        repository_id=repository_id, thread__state=State.VISIBLE
    ).select_related("thread__author__namespace", "change_request")
    if wish.type:
        found = found.filter(change_request__isnull=wish.type == "discussion")
    if wish.status:
        found = found.filter(is_open=wish.status == "open")
    if wish.author:
        found = found.filter(thread__author__namespace__key=wish.author.casefold())
    return found.order_by("-number")


def open_count(repository_id: int) -> int:
    return Discussion.objects.filter(repository_id=repository_id, is_open=True).count()


def of_change(repository_id: int, number: int) -> Discussion | None:
    return (
        Discussion.objects.filter(
            repository_id=repository_id, number=number, change_request__isnull=False
        )
        .select_related("thread", "change_request__repository", "repository")
        .first()
    )


def posts_of(discussion: Discussion) -> list[Post]:
    """All that was said and done, oldest first, with authors and former texts."""
    found = (
        Post.objects.filter(thread_id=discussion.pk)
        .select_related("author__namespace")
        .prefetch_related("revisions__author__namespace")
        .order_by("number")[:MOST_POSTS]
    )
    posts = list(found)
    for post in posts:
        post.thread = discussion.thread
    return posts


def mentions_of(viewer: Viewer, repository: Repository) -> list[Thread]:
    """Conversations elsewhere that name a repository, as far as the viewer finds them in lists.

    Newest first; of very many only the latest are looked at.
    """
    rows = Reference.objects.filter(
        kind=Reference.Kind.REPOSITORY, target=repository.pk, post__state=State.VISIBLE
    )
    latest = rows.order_by("-pk").values_list("post__thread_id", flat=True)
    ids = set(latest[:REFERENCES_LOOKED_AT])
    if not ids:
        return []
    found = Thread.objects.filter(listed(viewer), pk__in=ids).exclude(repository=repository)
    return list(found.select_related("author__namespace").order_by("-bumped_at")[:MENTIONS_SHOWN])


def facts_for_search(thread_ids: Collection[int]) -> dict[int, list[str]]:
    """Terms by thread: `status:open`, `is:change`; threads that are no discussions are left out."""
    found = Discussion.objects.filter(pk__in=thread_ids).select_related("change_request")
    return {
        row.pk: [f"status:{row.status}", f"is:{'change' if row.change_request else 'discussion'}"]
        for row in found
    }
