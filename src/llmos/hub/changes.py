"""Changing change requests: title, status, merging."""

from django.db import transaction
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.hub.access import rights_of
from llmos.hub.actions import LONGEST_TITLE, open_change_request, record_push
from llmos.hub.events import ChangeRequestChanged
from llmos.hub.git import refs, repos
from llmos.hub.merging import merge, outlook
from llmos.hub.models import ChangeEvent, ChangeRequest, Repository
from llmos.kit.errors import Conflict, Forbidden, Invalid
from llmos.store.events import announce

Status = ChangeRequest.Status


class NotMergeable(Conflict):
    """The change request is not in a state to be merged; the message says why."""


def propose(
    *, repository: Repository, author_id: int, title: str, description: str
) -> ChangeRequest:
    """A draft change request whose reference starts at the head of `main`; commits follow."""
    head = refs.resolve(repository.pk, "main")
    with transaction.atomic():
        change = open_change_request(
            repository=repository,
            author_id=author_id,
            title=title,
            description=description,
            base=head,
            draft=True,
        )
        refs.move(repository.pk, f"refs/pr/{change.number}", old=None, new=head)
    return change


def refuse_strangers(viewer: Viewer, change: ChangeRequest) -> None:
    """Its author and those who may write change it. Raises Forbidden."""
    is_author = change.author_id is not None and change.author_id == viewer.user_id
    rights = rights_of(viewer, change.repository)
    if not (rights.write or (is_author and rights.contribute)):
        raise Forbidden(_("Only its author and those who may write here change this proposal"))


@transaction.atomic
def rename(*, change: ChangeRequest, user_id: int | None, title: str) -> ChangeEvent:
    """Raises Invalid."""
    title = title.strip()
    if not 0 < len(title) <= LONGEST_TITLE:
        raise Invalid(
            _("A change request needs a title of at most %(n)d characters") % {"n": LONGEST_TITLE}
        )
    event = _note(change, ChangeEvent.Type.TITLE, user_id, {"from": change.title, "to": title})
    change.title = title
    change.save(update_fields=["title"])
    _announce(change)
    return event


@transaction.atomic
def set_status(
    *, change: ChangeRequest, user_id: int | None, status: str, comment: str = ""
) -> ChangeEvent:
    """Open or close. Raises Invalid, Conflict for what was merged."""
    if status not in {Status.OPEN, Status.CLOSED}:
        raise Invalid(f"status is open or closed, not {status!r}")
    if change.status == Status.MERGED:
        raise Conflict(_("This change request was merged, so it stays closed"))
    if change.status == status:
        raise Invalid(_("This change request is %(status)s already") % {"status": _(status)})
    event = _change_status(change, user_id, Status(status), comment)
    change.save(update_fields=["status"])
    return event


def merge_change(*, change: ChangeRequest, viewer: Viewer, comment: str = "") -> ChangeEvent:
    """Bring the change into `main`: fast-forward where possible, else by a merge commit.

    Raises NotMergeable, MergeConflict, BranchMoved.
    """
    if change.status != Status.OPEN:
        raise NotMergeable(
            _("Only open change requests are merged; this one is %(status)s")
            % {"status": _(change.status)}
        )
    repository, ref = change.repository, f"refs/pr/{change.number}"
    target, source = refs.resolve(repository.pk, "main"), refs.resolve(repository.pk, ref)
    if source == change.base:
        raise NotMergeable(_("This change request has no commits yet"))
    if outlook(repository.pk, target=target, source=source).nothing_new:
        return _settle(change, viewer, target, comment)  # a merge whose record was lost
    title = f"{change.title} (#{change.number})"
    merged = merge(repository.pk, target=target, source=source, title=title, author=viewer.name)
    refs.move(repository.pk, repos.MAIN, old=target, new=merged)
    with transaction.atomic():
        record_push(
            repository=repository, ref=repos.MAIN, old=target, new=merged, user_id=viewer.user_id
        )
        return _settle(change, viewer, merged, comment)


@transaction.atomic
def _settle(change: ChangeRequest, viewer: Viewer, merged: str, comment: str) -> ChangeEvent:
    change.merge_commit, change.merged_by_id = merged, viewer.user_id
    event = _change_status(change, viewer.user_id, Status.MERGED, comment)
    change.save(update_fields=["status", "merge_commit", "merged_by"])
    return event


def _change_status(
    change: ChangeRequest, user_id: int | None, status: ChangeRequest.Status, comment: str
) -> ChangeEvent:
    if comment.strip():
        _note(change, ChangeEvent.Type.COMMENT, user_id, {"text": comment.strip()[:65_536]})
    change.status = status
    event = _note(change, ChangeEvent.Type.STATUS, user_id, {"status": status.value})
    _announce(change)
    return event


def _note(
    change: ChangeRequest, type_: ChangeEvent.Type, user_id: int | None, content: dict[str, str]
) -> ChangeEvent:
    return ChangeEvent.objects.create(
        change_request=change, type=type_, author_id=user_id, content=content
    )


def _announce(change: ChangeRequest) -> None:
    announce(
        ChangeRequestChanged(
            repository_id=change.repository_id, number=change.number, status=change.status
        )
    )
