"""Which discussions a viewer may see and change: the only way from outside names to rows."""

from dataclasses import dataclass, replace

from llmos.accounts.access import Viewer
from llmos.community.discussions.errors import DiscussionNotFound, NotYourDiscussion
from llmos.community.discussions.models import Discussion
from llmos.community.threads.access import sees, sees_post
from llmos.community.threads.errors import PostNotFound
from llmos.community.threads.models import Post
from llmos.hub.access import rights_of
from llmos.hub.models import Repository


@dataclass(frozen=True, slots=True)
class Rights:
    """What one viewer may do to one discussion."""

    change: bool  # rename it, close it and open it again
    write: bool  # merge, pin, lock, hide what others wrote


def discussion_for(viewer: Viewer, repository: Repository, number: int) -> Discussion:
    """Of a repository that the viewer may see. Raises DiscussionNotFound."""
    found = (
        Discussion.objects.select_related("thread__author__namespace", "change_request__merged_by")
        .filter(repository=repository, number=number)
        .first()
        if number < 2**31
        else None
    )
    if found is None:
        raise DiscussionNotFound(number)
    found.repository = found.thread.repository = repository
    if found.change_request is not None:
        found.change_request.repository = repository
    if not sees(as_member(viewer), found.thread):
        raise DiscussionNotFound(number)
    return found


def comment_for(viewer: Viewer, discussion: Discussion, comment_id: str) -> Post:
    """A post of a discussion by the id that clients know. Raises PostNotFound."""
    try:
        pk = int(comment_id, 16)
    except ValueError:
        raise PostNotFound from None
    found = (
        Post.objects.select_related("author__namespace").filter(pk=pk, deed="").first()
        if 0 < pk < 2**63
        else None
    )
    if found is None or found.thread_id != discussion.pk:
        raise PostNotFound
    found.thread = discussion.thread
    if not sees_post(as_member(viewer), found):
        raise PostNotFound
    return found


def discussion_rights(viewer: Viewer, discussion: Discussion) -> Rights:
    rights = rights_of(viewer, discussion.repository)
    author_id = discussion.thread.author_id
    is_author = author_id is not None and author_id == viewer.user_id
    return Rights(change=rights.write or (is_author and rights.contribute), write=rights.write)


def refuse_strangers(viewer: Viewer, discussion: Discussion) -> None:
    """Raises NotYourDiscussion."""
    if not discussion_rights(viewer, discussion).change:
        raise NotYourDiscussion


def as_member(viewer: Viewer) -> Viewer:
    """Whoever was let into a repository by a token for it alone, as threads know members.

    They refuse such tokens, since most of their places are no repository.
    """
    return replace(viewer, scoped_token=False) if viewer.scoped_token else viewer
