"""Gated repositories: asking to read one, and answering who asks."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from llmos.hub.errors import GatedRepo
from llmos.hub.events import AccessAsked
from llmos.hub.models import AccessRequest, Repository
from llmos.kit.errors import Invalid, NotFound
from llmos.kit.time import now
from llmos.store.events import announce

Status = AccessRequest.Status
LONGEST_REASON = 5000


class NoSuchRequest(NotFound):
    """Nobody of that name asked, or the answer was given already."""


@transaction.atomic
def ask_access(*, repository: Repository, user_id: int, reason: str = "") -> AccessRequest:
    """Ask to read; where the gate opens by itself the answer is yes at once.

    Asking twice changes nothing. Raises Invalid when there is no gate, GatedRepo after a no.
    """
    if not repository.gated:
        raise Invalid(_("This repository is not gated: everybody who sees it may read it"))
    status = Status.ACCEPTED if repository.gated == "auto" else Status.PENDING
    request, new = AccessRequest.objects.get_or_create(
        repository=repository,
        user_id=user_id,
        defaults={"status": status, "reason": reason[:LONGEST_REASON]},
    )
    if request.status == Status.REJECTED:
        raise GatedRepo(_("Your request to access this repository was rejected by its owners"))
    if new:
        _announce(request)
    return request


@transaction.atomic
def answer_request(*, request: AccessRequest, status: str, reason: str = "") -> AccessRequest:
    """Accept, reject, or put back to pending. Raises NoSuchRequest when it stands so already."""
    if status not in Status.values:
        raise Invalid(f"status is one of {', '.join(Status.values)}, not {status!r}")
    if request.status == status:
        raise NoSuchRequest(f"The request is already {status}")
    request.status = Status(status)
    if reason:
        request.reason = reason[:LONGEST_REASON]
    request.save(update_fields=["status", "reason"])
    _announce(request)
    return request


@transaction.atomic
def grant_access(*, repository: Repository, user_id: int) -> AccessRequest:
    """Let a member read who did not ask. Raises Invalid when she may already."""
    if not repository.gated:
        raise Invalid(_("This repository is not gated: everybody who sees it may read it"))
    try:
        with transaction.atomic():
            request = AccessRequest.objects.create(
                repository=repository,
                user_id=user_id,
                status=Status.ACCEPTED,
                granted=True,
                created_at=now(),
            )
    except IntegrityError:
        request = AccessRequest.objects.get(repository=repository, user_id=user_id)
        if request.status == Status.ACCEPTED:
            raise Invalid(_("This member has access already")) from None
        return answer_request(request=request, status=Status.ACCEPTED)
    _announce(request)
    return request


def refuse_unless_gated(repository: Repository) -> None:
    """Raises Invalid: lists of requests exist only behind a gate."""
    if not repository.gated:
        raise Invalid(_("This repository is not gated, so nobody asks for access"))


def _announce(request: AccessRequest) -> None:
    announce(
        AccessAsked(
            repository_id=request.repository_id, user_id=request.user_id, status=request.status
        )
    )
