"""Changing change requests: title, status, merging."""

from django.db import transaction
from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.hub.actions import LONGEST_TITLE, open_change_request, record_push
from llmos.hub.events import ChangeRequestChanged
from llmos.hub.git import refs, repos, signoff
from llmos.hub.merging import Outlook, merge, outlook
from llmos.hub.models import ChangeRequest, Repository
from llmos.hub.telling import tell_done
from llmos.kit.errors import Conflict, Invalid
from llmos.store.events import announce

Status = ChangeRequest.Status
UNDER_WAY = (Status.OPEN, Status.DRAFT)


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


def ends(change: ChangeRequest) -> tuple[str, str]:
    """Where a change request started and where it is: what lies between is the change.

    Before it is merged or closed it starts where it left `main` for the last time.
    """
    head = refs.read_ref(change.repository_id, f"refs/pr/{change.number}") or change.base
    if change.status not in UNDER_WAY:
        return change.base, head
    return prospect(change).base or change.base, head


def prospect(change: ChangeRequest) -> Outlook:
    """What merging it now would do."""
    target = refs.resolve(change.repository_id, "main")
    head = refs.read_ref(change.repository_id, f"refs/pr/{change.number}") or change.base
    return outlook(change.repository_id, target=target, source=head)


@transaction.atomic
def rename(*, change: ChangeRequest, user_id: int | None, title: str) -> ChangeRequest:
    """Raises Invalid."""
    title = " ".join(title.split())
    if not 0 < len(title) <= LONGEST_TITLE:
        raise Invalid(
            _("A change request needs a title of at most %(n)d characters") % {"n": LONGEST_TITLE}
        )
    former, change.title = change.title, title
    change.save(update_fields=["title"])
    tell_done(change, user_id=user_id, deed="renamed", text=former)
    _announce(change)
    return change


@transaction.atomic
def set_status(*, change: ChangeRequest, user_id: int | None, status: str) -> ChangeRequest:
    """Open or close. Raises Invalid, Conflict for what was merged."""
    if status not in {Status.OPEN, Status.CLOSED}:
        raise Invalid(f"status is open or closed, not {status!r}")
    if change.status == Status.MERGED:
        raise Conflict(_("This change request was merged, so it stays closed"))
    if change.status == status:
        raise Invalid(_("This change request is %(status)s already") % {"status": _(status)})
    change.status = Status(status)
    change.save(update_fields=["status"])
    tell_done(change, user_id=user_id, deed=change.status)
    _announce(change)
    return change


def merge_change(*, change: ChangeRequest, viewer: Viewer) -> ChangeRequest:
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
    ahead = outlook(repository.pk, target=target, source=source)
    if ahead.nothing_new:
        return _settle(change, viewer, target)  # a merge whose record was lost
    if signoff.must_sign(repository.sign_off, repos.MAIN):
        _refuse_unsigned(repository, ahead.base or change.base, source)
    title = f"{change.title} (#{change.number})"
    merged = merge(repository.pk, target=target, source=source, title=title, author=viewer.name)
    refs.move(repository.pk, repos.MAIN, old=target, new=merged)
    with transaction.atomic():
        record_push(
            repository=repository, ref=repos.MAIN, old=target, new=merged, user_id=viewer.user_id
        )
        return _settle(change, viewer, merged)


def _refuse_unsigned(repository: Repository, base: str, head: str) -> None:
    signed = signoff.signed_between(repository.pk, base, head)
    lacking = [commit.sha[:8] for commit in signed if not commit.is_signed_off]
    if lacking:
        raise NotMergeable(
            _(
                "This repository asks for a sign-off, and %(commits)s lack it. Their author adds "
                "it with git rebase --signoff origin/main and pushes the change request again."
            )
            % {"commits": ", ".join(lacking[:10]) + ("…" if len(lacking) > 10 else "")}
        )


@transaction.atomic
def _settle(change: ChangeRequest, viewer: Viewer, merged: str) -> ChangeRequest:
    change.merge_commit, change.merged_by_id = merged, viewer.user_id
    change.status = Status.MERGED
    change.save(update_fields=["status", "merge_commit", "merged_by"])
    tell_done(change, user_id=viewer.user_id, deed=change.status)
    _announce(change)
    return change


def _announce(change: ChangeRequest) -> None:
    announce(
        ChangeRequestChanged(
            repository_id=change.repository_id, number=change.number, status=change.status
        )
    )
