"""Reading members, organisations, roles and tokens."""

from collections.abc import Callable, Iterable, Mapping

from llmos.accounts.access import Viewer
from llmos.accounts.models import (
    FormerName,
    Invitation,
    Membership,
    Namespace,
    Organisation,
    Role,
    Token,
    User,
)
from llmos.accounts.names import key_of
from llmos.kit.time import now
from llmos.store.db import row

# Each role includes the ones before it.
RANK = {role: rank for rank, role in enumerate(Role)}

# Contributors own what they create; they may create it in the organisation's name.
CREATING_ROLES = (Role.CONTRIBUTOR, Role.WRITE, Role.ADMIN)


def includes(role: Role | str | None, wanted: Role) -> bool:
    """Whether somebody with `role` (None: no member) may do what `wanted` may."""
    return role is not None and RANK[Role(role)] >= RANK[wanted]


def namespace_named(name: str) -> Namespace | None:
    return Namespace.objects.filter(key=key_of(name)).first()


def is_taken(name: str) -> bool:
    """Whether somebody has this name, or had it and is gone."""
    key = key_of(name)
    return Namespace.objects.filter(key=key).exists() or FormerName.objects.filter(key=key).exists()


def user_named(name: str) -> User | None:
    return User.objects.filter(namespace__key=key_of(name)).select_related("namespace").first()


def organisation_named(name: str) -> Organisation | None:
    return (
        Organisation.objects.filter(namespace__key=key_of(name)).select_related("namespace").first()
    )


def role_in(user_id: int | None, namespace_id: int) -> Role | None:
    """A member's role in a namespace; everybody is the administrator of their own."""
    if user_id is None:
        return None
    found = row(
        "SELECT 'admin' FROM accounts_user WHERE id = %s AND namespace_id = %s "
        "UNION ALL SELECT m.role FROM accounts_membership m "
        "JOIN accounts_organisation o ON o.id = m.organisation_id "
        "WHERE m.user_id = %s AND o.namespace_id = %s",
        (user_id, namespace_id, user_id, namespace_id),
    )
    return Role(found[0]) if found else None


def memberships_of(user_id: int) -> list[Membership]:
    """A member's organisations with the role in each, by name."""
    return list(
        Membership.objects.filter(user_id=user_id)
        .select_related("organisation__namespace")
        .order_by("organisation__namespace__key")
    )


def members_of(organisation_id: int) -> list[Membership]:
    """An organisation's active members with their roles, administrators first, then by name."""
    found = (
        Membership.objects.filter(organisation_id=organisation_id, user__is_active=True)
        .select_related("user__namespace")
        .order_by("user__namespace__key")
    )
    return sorted(found, key=lambda m: -RANK[Role(m.role)])


def namespaces_open_to(user_id: int) -> list[Namespace]:
    """Where a member may create repositories: at home first, then organisations by name."""
    own = list(Namespace.objects.filter(user__id=user_id))
    organisations = Namespace.objects.filter(
        organisation__memberships__user_id=user_id,
        organisation__memberships__role__in=CREATING_ROLES,
    ).order_by("key")
    return own + list(organisations)


def tokens_of(user_id: int) -> list[Token]:
    """A member's tokens, newest first."""
    return list(Token.objects.filter(user_id=user_id).order_by("-created_at", "-pk"))


def open_invitations(organisation: Organisation | None) -> list[Invitation]:
    """Invitations that still work: to an organisation, or (None) to the hub alone."""
    return list(
        Invitation.objects.filter(organisation=organisation, used_at=None, expires_at__gt=now())
        .select_related("invited_by")
        .order_by("-created_at")
    )


def display_names(user_ids: Iterable[int]) -> dict[int, str]:
    """Names by member id, for lists that hold ids."""
    return dict(User.objects.filter(pk__in=list(user_ids)).values_list("pk", "username"))


# What rooms to the right know of a namespace, by viewer and namespace id.
Facts = Callable[[Viewer, int], Mapping[str, int]]
_facts: list[Facts] = []


def provide_facts(facts: Facts) -> None:
    """Name a function whose counts are shown in overviews of members and organisations."""
    if facts not in _facts:
        _facts.append(facts)


def facts_of(viewer: Viewer, namespace_id: int) -> dict[str, int]:
    """All counts about a namespace that this viewer may know, by their name on the wire."""
    return {name: count for facts in _facts for name, count in facts(viewer, namespace_id).items()}
