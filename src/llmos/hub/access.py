"""The only way from outside names to repositories, and the one answer to "may this viewer?".

Pages, API, git, LFS and Xet all call `repo_for`. Private and missing look the same.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from django.utils.translation import gettext as _

from llmos.accounts.access import Viewer
from llmos.accounts.models import Membership, Namespace, Organisation, Role, User
from llmos.hub.errors import (
    GatedRepo,
    GatedRepoForAnonymous,
    RepoDisabled,
    RepoMoved,
    RepoNotFound,
    RepoNotFoundForAnonymous,
)
from llmos.hub.kinds import Kind
from llmos.hub.models import AccessRequest, Redirect, Repository, TokenGrant
from llmos.kit.errors import Forbidden, Unauthenticated
from llmos.store import db

Wants = Literal["see", "read", "contribute", "write", "admin"]

# Long or encoded columns that the hot paths never look at; read when they are asked for.
_RARELY_ASKED = ("card", "tags", "description", "protected_branches")

# A viewer without the thing asked for: an id that no row has.
_NOBODY = -1


@dataclass(frozen=True, slots=True)
class Rights:
    """What one viewer may do to one repository; each includes the ones before it.

    see: know that it exists, its card and file names · read: its files (gated repositories
    differ from `see` here) · contribute: open change requests · write · admin.
    """

    see: bool
    read: bool
    contribute: bool
    write: bool
    admin: bool


@dataclass(frozen=True, slots=True)
class Ties:
    """What binds a viewer to one repository, as the rows say it."""

    owns: bool  # it lies in her own namespace
    role: str | None  # in the organisation that owns it
    granted: bool  # her scoped token names it
    granted_to_write: bool  # … and not for reading only
    accepted: bool  # her access request was accepted


_STRANGER = Ties(owns=False, role=None, granted=False, granted_to_write=False, accepted=False)
_NOTHING = Rights(see=False, read=False, contribute=False, write=False, admin=False)
_EVERYTHING = Rights(see=True, read=True, contribute=True, write=True, admin=True)


def repo_for(viewer: Viewer, kind: Kind, full_name: str, *, wants: Wants = "read") -> Repository:
    """The repository of that name, if the viewer may do what it wants.

    One point read. Raises RepoNotFound(ForAnonymous), GatedRepo(ForAnonymous), RepoDisabled,
    Forbidden, Unauthenticated, or RepoMoved with the new name when only a former name fits.
    """
    found = _repository_and_ties(viewer, kind, full_name)
    if found is None:
        raise _moved_or_missing(viewer, kind, full_name)
    repository, ties = found
    rights = rights_from(viewer, repository, ties)
    if not getattr(rights, wants):
        raise _refusal(viewer, repository, ties, rights, wants)
    return repository


def rights_of(viewer: Viewer, repository: Repository) -> Rights:
    """What the viewer may do to a repository already at hand: for buttons on pages."""
    found = _repository_and_ties(viewer, repository.kind, repository.full_name)
    return _NOTHING if found is None else rights_from(viewer, found[0], found[1])


def rights_from(viewer: Viewer, repository: Repository, ties: Ties) -> Rights:
    """The rules themselves: no rows are read here."""
    if viewer.scoped_token and not ties.granted:
        viewer, ties = Viewer(user_id=viewer.user_id), _STRANGER
    elif viewer.scoped_token and not ties.granted_to_write:
        viewer = replace(viewer, can_write=False)
    if viewer.is_admin:
        return _limited_to_token(_EVERYTHING, viewer)
    is_member = ties.owns or ties.role is not None
    see = is_member or not repository.is_private
    if repository.disabled:
        return _NOTHING
    read = see and (is_member or ties.accepted or not repository.gated)
    write = (
        ties.owns or ties.role in {Role.WRITE, Role.ADMIN} or _contributes(viewer, repository, ties)
    )
    rights = Rights(
        see=see,
        read=read,
        contribute=read and not viewer.is_anonymous,
        write=write,
        admin=ties.owns or ties.role == Role.ADMIN or (write and _created(viewer, repository)),
    )
    return _limited_to_token(rights, viewer)


def member_acting(viewer: Viewer, repository: Repository, deed: str) -> int:
    """The member in whose name a viewer acts on a repository they may see: `deed` says how.

    Raises Unauthenticated, and Forbidden for tokens that only read or open other repositories.
    """
    if viewer.user_id is None:
        raise Unauthenticated(f"Sign in to {deed}")
    if not viewer.can_write:
        raise Forbidden(f"This token may only read; to {deed} use a write token")
    if viewer.scoped_token and not rights_of(viewer, repository).contribute:
        raise Forbidden(f"This token opens other repositories; to {deed} use one for this one")
    return viewer.user_id


def may_create_in(viewer: Viewer, namespace: Namespace) -> bool:
    """Whether the viewer may create repositories under a name."""
    if not viewer.can_write or viewer.user_id is None or viewer.scoped_token:
        return False
    if viewer.is_admin or User.objects.filter(pk=viewer.user_id, namespace=namespace).exists():
        return True
    return Membership.objects.filter(
        organisation__namespace=namespace,
        user_id=viewer.user_id,
        role__in=[Role.CONTRIBUTOR, Role.WRITE, Role.ADMIN],
    ).exists()


def visible_sql(viewer: Viewer, alias: str) -> tuple[str, list[int]]:
    """A condition on repository rows, and its parameters: those whose existence she may know."""
    if viewer.is_admin and not viewer.scoped_token:
        return "1=1", []
    enabled, public = f"NOT {alias}.disabled", f"{alias}.visibility <> 'private'"
    if viewer.user_id is None:
        return f"({public} AND {enabled})", []
    own = f"SELECT namespace_id FROM {User._meta.db_table} WHERE id = %s"
    theirs = (
        f"SELECT o.namespace_id FROM {Membership._meta.db_table} m "
        f"JOIN {Organisation._meta.db_table} o ON o.id = m.organisation_id WHERE m.user_id = %s"
    )
    hers = f"{alias}.namespace_id IN ({own} UNION {theirs})"
    params = [viewer.user_id, viewer.user_id]
    if viewer.scoped_token:
        grants = f"SELECT repository_id FROM {TokenGrant._meta.db_table} WHERE token_id = %s"
        granted = f"{alias}.id IN ({grants})"
        hers = granted if viewer.is_admin else f"({hers} AND {granted})"
        params = [*([] if viewer.is_admin else params), viewer.token_id or _NOBODY]
    return f"(({public} OR {hers}) AND {enabled})", params


def _contributes(viewer: Viewer, repository: Repository, ties: Ties) -> bool:
    return ties.role == Role.CONTRIBUTOR and _created(viewer, repository)


def _created(viewer: Viewer, repository: Repository) -> bool:
    return viewer.user_id is not None and repository.created_by_id == viewer.user_id


def _limited_to_token(rights: Rights, viewer: Viewer) -> Rights:
    if viewer.can_write:
        return rights
    return Rights(see=rights.see, read=rights.read, contribute=False, write=False, admin=False)


def _repository_and_ties(
    viewer: Viewer, kind: Kind, full_name: str
) -> tuple[Repository, Ties] | None:
    user_id = _NOBODY if viewer.user_id is None else viewer.user_id
    token_id = viewer.token_id if viewer.scoped_token and viewer.token_id else _NOBODY
    found = db.row(
        _point_read(), (user_id, user_id, user_id, token_id, kind.name, full_name.casefold())
    )
    if found is None:
        return None
    owns, role, accepted, granted, *columns = found
    ties = Ties(
        owns=owns is not None,
        role=role,
        granted=granted is not None,
        granted_to_write=bool(granted),
        accepted=accepted == AccessRequest.Status.ACCEPTED,
    )
    return db.instance(Repository, columns, without=_RARELY_ASKED), ties


@cache
def _point_read() -> str:
    return f"""
        SELECT u.id, m.role, a.status, g.may_write,
            {db.columns(Repository, "r", without=_RARELY_ASKED)}
        FROM {Repository._meta.db_table} r
        LEFT JOIN {User._meta.db_table} u ON u.namespace_id = r.namespace_id AND u.id = %s
        LEFT JOIN {Organisation._meta.db_table} o ON o.namespace_id = r.namespace_id
        LEFT JOIN {Membership._meta.db_table} m ON m.organisation_id = o.id AND m.user_id = %s
        LEFT JOIN {AccessRequest._meta.db_table} a ON a.repository_id = r.id AND a.user_id = %s
        LEFT JOIN {TokenGrant._meta.db_table} g ON g.repository_id = r.id AND g.token_id = %s
        WHERE r.type = %s AND r.key = %s"""


def _missing(viewer: Viewer) -> RepoNotFound | RepoNotFoundForAnonymous:
    return RepoNotFoundForAnonymous() if viewer.is_anonymous else RepoNotFound()


def _moved_or_missing(viewer: Viewer, kind: Kind, full_name: str) -> Exception:
    """A former name leads on only for those who may see where it leads."""
    redirect = (
        Redirect.objects.filter(type=kind.name, key=full_name.casefold())
        .select_related("repository")
        .first()
    )
    if redirect is not None and rights_of(viewer, redirect.repository).see:
        return RepoMoved(full_name, redirect.repository.full_name)
    return _missing(viewer)


def _refusal(
    viewer: Viewer, repository: Repository, ties: Ties, rights: Rights, wants: Wants
) -> Exception:
    if repository.disabled and (ties.owns or ties.role or not repository.is_private):
        return RepoDisabled()
    if not rights.see:
        return _missing(viewer)
    thing = f"{repository.kind.word} {repository.full_name}"
    if not rights.read and viewer.is_anonymous:
        return GatedRepoForAnonymous(
            _(
                "Access to %(thing)s is restricted. You must have access to it and be "
                "authenticated to access it. Please log in."
            )
            % {"thing": thing}
        )
    if not rights.read:
        return GatedRepo(
            _(
                "Access to %(thing)s is restricted and you are not in the authorized list. "
                "Visit its page, /%(page)s, to ask for access."
            )
            % {"thing": thing, "page": str(repository)}
        )
    if viewer.is_anonymous:
        return Unauthenticated(_("Sign in to change %(thing)s") % {"thing": thing})
    if not viewer.can_write:
        return Forbidden(f"This token may only read; to change {thing} use one with the write role")
    return Forbidden(_rights_text(wants) % {"thing": thing})


def _rights_text(wants: Wants) -> str:
    texts: dict[Wants, str] = {
        "see": _("You don't have the rights to see %(thing)s"),
        "read": _("You don't have the rights to read %(thing)s"),
        "contribute": _("You don't have the rights to propose changes to %(thing)s"),
        "write": _("You don't have the rights to write to %(thing)s"),
        "admin": _("You don't have the rights to administer %(thing)s"),
    }
    return texts[wants]
