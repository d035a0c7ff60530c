"""Commits made in the browser: onto the branch for those who may write, else as a proposal."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from llmos.hub.actions import open_change_request, record_push
from llmos.hub.additions import panels_of
from llmos.hub.door import Opened
from llmos.hub.errors import RevisionNotFound
from llmos.hub.git import refs, signoff
from llmos.hub.git.draft import Draft, Landed
from llmos.kit.errors import Forbidden

Change = Callable[[Draft], None]


def commit_fields(request: HttpRequest, at: Opened) -> dict[str, Any]:
    """What `hub/parts/commit_fields.html` shows on every page that commits."""
    return {
        "panels": panels_of(request, at, "commit"),
        "sign_off_line": signoff.line_of(at.viewer.name),
    }


def proposes(request: HttpRequest, at: Opened) -> bool:
    """Whether the commit becomes a change request: because asked, or because one may not write."""
    return not at.rights.write or request.POST.get("how") == "propose"


def commit(request: HttpRequest, at: Opened, change: Change, *, summary: str) -> str:
    """Make one commit of the form's change; returns the page that shows it.

    Raises Forbidden, RevisionNotFound, BranchMoved, and what `change` raises.
    """
    if not at.rights.contribute:
        raise Forbidden(_("Sign in to propose changes"))
    ref = refs.writable_ref(at.revision)
    head = refs.read_ref(at.repository.pk, ref)
    if head is None:
        raise RevisionNotFound(at.revision)
    summary = request.POST.get("summary", "").strip() or summary
    description = _description(request, at)
    draft = Draft(at.repository.pk, head)
    try:
        draft.describe(summary=summary, description=description, author=at.viewer.name)
        change(draft)
        if proposes(request, at):
            return _propose(at, draft, summary, description)
        _record(at, draft.land(ref, old=head, retry=False))
    finally:
        draft.discard()
    return at.at("tree", "")


def _description(request: HttpRequest, at: Opened) -> str:
    """What the form says of the commit, with the sign-off where it is wanted and given.

    Raises NotSignedOff.
    """
    description = request.POST.get("description", "").strip()
    if not at.repository.sign_off:
        return description
    if request.POST.get("sign_off") != "yes":
        signoff.check_message(message=description, name=at.viewer.name)
    return signoff.with_line(description, at.viewer.name)


def _propose(at: Opened, draft: Draft, summary: str, description: str) -> str:
    assert at.viewer.user_id is not None  # nobody contributes unnamed
    change = open_change_request(
        repository=at.repository,
        author_id=at.viewer.user_id,
        title=summary[:300],
        description=description,
        base=draft.base,
    )
    _record(at, draft.land(f"refs/pr/{change.number}", old=None, retry=False))
    return f"{at.url}/discussions/{change.number}"


def _record(at: Opened, landed: Landed) -> None:
    record_push(
        repository=at.repository,
        ref=landed.ref,
        old=landed.old or refs.NOTHING,
        new=landed.new,
        user_id=at.viewer.user_id,
    )
