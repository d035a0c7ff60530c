"""Opening, answering, closing and merging: what members do in the discussions of a repository."""

from django.db import transaction
from django.db.models import CharField, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer, viewer_of_user
from llmos.community.discussions.access import as_member, discussion_rights, refuse_strangers
from llmos.community.discussions.models import Deed, Discussion
from llmos.community.moderation.access import post_target
from llmos.community.moderation.actions import decide
from llmos.community.moderation.queries import last_decision
from llmos.community.threads import actions as threads
from llmos.community.threads.errors import NotYours
from llmos.community.threads.events import ThreadChanged
from llmos.community.threads.models import Post, State, Thread
from llmos.hub import changes
from llmos.hub.actions import take_number
from llmos.hub.models import ChangeRequest, Repository
from llmos.kit.errors import Forbidden, Invalid
from llmos.kit.text import cleaned
from llmos.kit.time import now
from llmos.store.events import announce

_STATUS_DEEDS = {
    "open": Deed.OPEN,
    "closed": Deed.CLOSED,
    "merged": Deed.MERGED,
}


def address_of(repository: Repository, number: int) -> str:
    return f"/{repository}/discussions/{number}"


@transaction.atomic
def open_discussion(
    viewer: Viewer,
    *,
    repository: Repository,
    title: str,
    text: str,
    language: str = "",
    key: str | None = None,
) -> Discussion:
    """A discussion with the next number, by somebody who may contribute.

    Sent again with the same key it returns the one that is there. Raises what `open_thread`
    raises.
    """
    again = Discussion.objects.filter(
        thread__posts__author_id=viewer.user_id, thread__posts__key=key
    )
    if key and (found := again.select_related("thread", "repository").first()):
        return found
    number = take_number(repository_id=repository.pk)
    thread = threads.open_thread(
        as_member(viewer),
        where=_where(repository),
        title=title,
        text=text,
        address=address_of(repository, number),
        language=language,
        key=key,
    )
    return Discussion.objects.create(thread=thread, repository=repository, number=number)


def propose(viewer: Viewer, *, repository: Repository, title: str, text: str) -> ChangeRequest:
    """A draft change request; commits follow. Raises Invalid."""
    assert viewer.user_id is not None  # nobody contributes unnamed
    return changes.propose(
        repository=repository, author_id=viewer.user_id, title=title, description=text
    )


def comment(viewer: Viewer, *, discussion: Discussion, text: str, key: str | None = None) -> Post:
    """Raises what `write_post` raises."""
    return threads.write_post(as_member(viewer), thread=discussion.thread, text=text, key=key)


def edit_comment(viewer: Viewer, *, post: Post, text: str) -> Post:
    """Raises NotYours, EditedMeanwhile, Invalid."""
    return threads.edit_post(as_member(viewer), post=post, text=text, seen_edits=post.edits)


def hide_comment(viewer: Viewer, *, discussion: Discussion, post: Post) -> Post:
    """Take a comment away; a gap stays.

    That of somebody else is a decision of a moderator, and logged. Raises NotYours, Invalid.
    """
    is_own = post.author_id is not None and post.author_id == viewer.user_id
    if not is_own and not discussion_rights(viewer, discussion).write:
        raise NotYours
    if post.number == 1:
        raise Invalid(_("What opens a discussion cannot be hidden; edit it, or close all of it"))
    if is_own:
        return threads.set_taken_back(as_member(viewer), post=post, back=True)
    target, last = post_target(as_member(viewer), post.pk), last_decision("post", post.pk)
    decide(
        as_member(viewer),
        target=target,
        act="remove",
        seen=last.pk if last else 0,
        reason="off-topic",
    )
    post.refresh_from_db(fields=["state", "state_reason"])
    return post


@transaction.atomic
def rename(viewer: Viewer, *, discussion: Discussion, title: str) -> Post:
    """Returns the line that says so. Raises NotYourDiscussion, Invalid."""
    refuse_strangers(viewer, discussion)
    title = " ".join(cleaned(title).split())
    change = discussion.change_request
    if change is not None:
        changes.rename(change=change, user_id=viewer.user_id, title=title)
    elif not 0 < len(title) <= threads.LONGEST_TITLE:
        raise Invalid(_("A title has 1 to %(n)d characters") % {"n": threads.LONGEST_TITLE})
    else:
        _retitle(discussion, viewer.user_id, title)
    return _last(discussion, [Deed.RENAMED])


@transaction.atomic
def set_status(viewer: Viewer, *, discussion: Discussion, status: str, text: str = "") -> Post:
    """Open or close, with a word on why; returns the line that says so.

    Raises NotYourDiscussion, Invalid, Conflict for what was merged.
    """
    refuse_strangers(viewer, discussion)
    if text.strip():
        comment(viewer, discussion=discussion, text=text)
    change = discussion.change_request
    if change is not None:
        changes.set_status(change=change, user_id=viewer.user_id, status=status)
    else:
        _set_open(discussion, viewer.user_id, status)
    return _last(discussion, list(_STATUS_DEEDS.values()))


def merge(viewer: Viewer, *, discussion: Discussion, text: str = "") -> Post:
    """Bring a change request into `main`; returns the line that says so.

    Raises Invalid for other discussions, Forbidden, and what `merge_change` raises.
    """
    change = discussion.change_request
    if change is None:
        raise Invalid(_("This is a discussion; only change requests can be merged"))
    if not discussion_rights(viewer, discussion).write:
        raise Forbidden(_("Only those who may write here merge changes"))
    with transaction.atomic():  # so that no word is left of what could not be merged
        if text.strip():
            comment(viewer, discussion=discussion, text=text)
        changes.merge_change(change=change, viewer=viewer)
    return _last(discussion, [Deed.MERGED])


def begin_for_change(change: ChangeRequest, description: str) -> None:
    """The conversation of a change request, in the transaction that opens it.

    What its author writes is held to the limits of any post. Raises NotTrustedYet, TooFast,
    Silenced, KeptAway.
    """
    text = cleaned(description).strip()[: threads.LONGEST_TEXT]
    assert change.author is not None
    where = _where(change.repository)
    author = viewer_of_user(change.author)
    rendered, reason = threads.looked_over(author, where, text, kind="thread")
    thread = threads.begin_thread(
        where=where,
        author_id=change.author.pk,
        title=change.title,
        text=text,
        rendered=rendered,
        state=State.PENDING if reason else State.VISIBLE,
        reason=reason,
        address=address_of(change.repository, change.number),
        tags=[],
        published_at=now(),
    )
    Discussion.objects.create(
        thread=thread,
        repository=change.repository,
        number=change.number,
        change_request=change,
    )


def note_change(change: ChangeRequest, user_id: int | None, deed: str, text: str) -> None:
    """A line for what was done to a change request, in the transaction that did it."""
    discussion = Discussion.objects.select_related("thread").get(change_request=change)
    if deed == "renamed":
        _retitle(discussion, user_id, change.title)
        return
    discussion.is_open = change.status in changes.UNDER_WAY
    discussion.save(update_fields=["is_open"])
    _note(discussion, user_id, _STATUS_DEEDS[deed])


@transaction.atomic
def note_push(*, discussion: Discussion, user_id: int | None, text: str) -> None:
    """A line for commits that came; the same ones twice give one line."""
    thread = Thread.objects.select_for_update().get(pk=discussion.pk)
    if not Post.objects.filter(thread=thread, deed=Deed.PUSHED, text=text).exists():
        threads.note_deed(thread=thread, author_id=user_id, deed=Deed.PUSHED, text=text)


def move_addresses(repository: Repository) -> None:
    """Make the discussions of a renamed repository be read under its new name."""
    number = Discussion.objects.filter(pk=OuterRef("pk")).values("number")
    Thread.objects.filter(place=Thread.Place.DISCUSSION, shelf=repository.pk).update(
        address=Concat(
            Value(f"/{repository}/discussions/"),
            Cast(Subquery(number), CharField()),
            output_field=CharField(),
        )
    )


def _retitle(discussion: Discussion, user_id: int | None, title: str) -> None:
    former = discussion.thread.title
    discussion.thread.title = title
    discussion.thread.save(update_fields=["title"])
    _note(discussion, user_id, Deed.RENAMED, former)


def _set_open(discussion: Discussion, user_id: int | None, status: str) -> None:
    if status not in {"open", "closed"}:
        raise Invalid(f"status is open or closed, not {status!r}")
    row = Discussion.objects.select_for_update().get(pk=discussion.pk)
    if row.is_open == (status == "open"):
        raise Invalid(_("This discussion is %(status)s already") % {"status": _(status)})
    row.is_open = discussion.is_open = status == "open"
    row.save(update_fields=["is_open"])
    _note(discussion, user_id, _STATUS_DEEDS[status])


def _note(discussion: Discussion, user_id: int | None, deed: Deed, text: str = "") -> None:
    thread = Thread.objects.select_for_update().get(pk=discussion.pk)
    threads.note_deed(thread=thread, author_id=user_id, deed=deed, text=text)
    announce(ThreadChanged(thread_id=thread.pk))


def _last(discussion: Discussion, deeds: list[Deed]) -> Post:
    found = Post.objects.filter(thread_id=discussion.pk, deed__in=deeds).select_related(
        "author__namespace", "thread"
    )
    return found.latest("number")


def _where(repository: Repository) -> threads.Where:
    return threads.Where(place=Thread.Place.DISCUSSION, shelf=repository.pk, repository=repository)
