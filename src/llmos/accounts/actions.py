"""Changing members, organisations, tokens and invitations."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from allauth.account.models import EmailAddress
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from llmos.accounts.errors import (
    InvitationSpent,
    LastAdmin,
    NameTaken,
    NoSuchMember,
    TokenNameTaken,
)
from llmos.accounts.events import MembershipChanged, NamespaceChanged, NamespaceCreated
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
from llmos.accounts.names import check_name, key_of
from llmos.accounts.pictures import picture_path, store_picture
from llmos.accounts.queries import RANK
from llmos.kit.errors import Conflict, Invalid
from llmos.kit.ids import fingerprint, new_token
from llmos.kit.time import now
from llmos.store.events import announce

INVITATION_LIFE = timedelta(days=14)
LONGEST_TOKEN_NAME = 100
SHORTEST_SECRET = 8  # characters; whoever imports a secret answers for its strength


@transaction.atomic
def create_user(
    *,
    name: str,
    full_name: str = "",
    email: str = "",
    password: str | None = None,
    admin: bool = False,
    any_name: bool = False,
) -> User:
    """A new member. Without a password they sign in by link, provider or password reset.

    The e-mail address counts as verified: whoever calls this vouches for it.
    Raises NameRefused, NameTaken, Conflict.
    """
    email = email.strip().lower()
    if email and EmailAddress.objects.filter(email=email, verified=True).exists():
        raise Conflict(_("Another member has the address %(email)s") % {"email": email})
    user = User(username=name, email=email, is_staff=admin)
    user.set_password(password)
    enrol(user=user, full_name=full_name, any_name=any_name)
    if email:
        EmailAddress.objects.create(user=user, email=email, primary=True, verified=True)
    return user


@transaction.atomic
def enrol(*, user: User, full_name: str = "", any_name: bool = False) -> User:
    """Give an unsaved member a namespace and save both. Raises NameRefused, NameTaken."""
    user.namespace = _create_namespace(
        user.username, Namespace.Kind.USER, full_name=full_name, any_name=any_name
    )
    user.save()
    return user


@transaction.atomic
def change_profile(
    *, namespace: Namespace, full_name: str = "", bio: str = "", website: str = ""
) -> None:
    """What a profile page says about a member or an organisation."""
    namespace.full_name, namespace.bio, namespace.website = full_name, bio, website
    namespace.save(update_fields=["full_name", "bio", "website"])
    announce(NamespaceChanged(namespace_id=namespace.pk))


@transaction.atomic
def change_picture(*, namespace: Namespace, content: bytes | None) -> None:
    """Set the picture, or remove it with None. Raises PictureRefused."""
    former = namespace.avatar
    namespace.avatar = "" if content is None else store_picture(content)
    namespace.save(update_fields=["avatar"])
    if former and not Namespace.objects.filter(avatar=former).exists():
        transaction.on_commit(lambda: picture_path(former).unlink(missing_ok=True))
    announce(NamespaceChanged(namespace_id=namespace.pk))


@transaction.atomic
def set_active(*, user: User, active: bool, reason: str = "") -> None:
    """Suspend a member, or let them back in: sessions and tokens stop or work again at once."""
    User.objects.filter(pk=user.pk).update(is_active=active, suspension_reason=reason)
    announce(NamespaceChanged(namespace_id=user.namespace_id))


@transaction.atomic
def create_organisation(
    *,
    name: str,
    full_name: str = "",
    private_by_default: bool = False,
    owner: User | None = None,
    members: Sequence[tuple[User, Role]] = (),
    any_name: bool = False,
) -> Organisation:
    """A new organisation; `owner` becomes its administrator. Raises NameRefused, NameTaken."""
    namespace = _create_namespace(
        name, Namespace.Kind.ORGANISATION, full_name=full_name, any_name=any_name
    )
    organisation = Organisation.objects.create(
        namespace=namespace, private_by_default=private_by_default
    )
    roles = {user.pk: Role(role) for user, role in members}
    if owner is not None:
        roles[owner.pk] = Role.ADMIN
    for user_id, role in roles.items():
        _join(organisation, user_id, role)
    return organisation


@transaction.atomic
def change_organisation(*, organisation: Organisation, private_by_default: bool) -> None:
    organisation.private_by_default = private_by_default
    organisation.save(update_fields=["private_by_default"])
    announce(NamespaceChanged(namespace_id=organisation.namespace_id))


@transaction.atomic
def set_member_role(*, organisation: Organisation, user: User, role: Role) -> Membership:
    """Take a member in, or change their role. Raises LastAdmin."""
    # Both rows of a race are read under the organisation's lock, so one admin always stays.
    Organisation.objects.select_for_update().get(pk=organisation.pk)
    if role != Role.ADMIN:
        _keep_an_admin(organisation, without=user)
    return _join(organisation, user.pk, Role(role))


@transaction.atomic
def remove_member(*, organisation: Organisation, user: User) -> None:
    """Raises LastAdmin, NoSuchMember."""
    Organisation.objects.select_for_update().get(pk=organisation.pk)
    _keep_an_admin(organisation, without=user)
    gone, _rows = Membership.objects.filter(organisation=organisation, user=user).delete()
    if not gone:
        raise NoSuchMember(user.username)
    announce(MembershipChanged(organisation_id=organisation.pk, user_id=user.pk, role=""))


@transaction.atomic
def create_token(
    *,
    user: User,
    name: str,
    role: Token.Role | str,
    scoped: bool = False,
    value: str | None = None,
    expires_at: datetime | None = None,
) -> tuple[Token, str]:
    """A new access token and its secret, which is not kept; `value` imports a secret in use.

    Raises TokenNameTaken, Invalid, Conflict.
    """
    name = name.strip()
    if not 0 < len(name) <= LONGEST_TOKEN_NAME:
        raise Invalid(_("A token needs a name of at most 100 characters"))
    if role not in Token.Role.values:
        raise Invalid(_("A token's role is read or write"))
    if value is not None and (len(value) < SHORTEST_SECRET or not value.isascii() or " " in value):
        raise Invalid(_("An imported token is at least 8 characters of ASCII without spaces"))
    if expires_at is not None and expires_at <= now():
        raise Invalid(_("A token's end lies in the future"))
    if Token.objects.filter(user=user, name=name).exists():
        raise TokenNameTaken(name)
    secret = value or new_token()
    if Token.objects.filter(fingerprint=fingerprint(secret)).exists():
        raise Conflict(_("This token is known here already"))
    token = Token.objects.create(
        user=user,
        name=name,
        fingerprint=fingerprint(secret),
        tail=secret[-4:],
        role=role,
        scoped=scoped,
        expires_at=expires_at,
    )
    return token, secret


@transaction.atomic
def revoke_token(*, user: User, token_id: int) -> None:
    """End one of a member's tokens; it means nothing from the next request on."""
    Token.objects.filter(pk=token_id, user=user).delete()


@transaction.atomic
def invite(
    *,
    invited_by: User,
    email: str = "",
    organisation: Organisation | None = None,
    role: Role | str = "",
) -> tuple[Invitation, str]:
    """An invitation to the hub or to an organisation, and the secret of its link."""
    if organisation is not None and role not in Role.values:
        raise Invalid(_("An invitation to an organisation names a role"))
    secret = new_token().removeprefix("hf_")
    invitation = Invitation.objects.create(
        fingerprint=fingerprint(secret),
        email=email,
        organisation=organisation,
        role=role if organisation else "",
        invited_by=invited_by,
        expires_at=now() + INVITATION_LIFE,
    )
    return invitation, secret


def invitation_of(secret: str) -> Invitation:
    """The invitation behind a link, still valid. Raises InvitationSpent."""
    found = (
        Invitation.objects.filter(
            fingerprint=fingerprint(secret), used_at=None, expires_at__gt=now()
        )
        .select_related("organisation__namespace", "invited_by")
        .first()
    )
    if found is None:
        raise InvitationSpent
    return found


@transaction.atomic
def accept_invitation(*, secret: str, user: User) -> Invitation:
    """Use an invitation up and join its organisation, never with a lower role than held.

    Raises InvitationSpent.
    """
    invitation = invitation_of(secret)
    # Of two who follow one link at once, the update lets one through.
    if not Invitation.objects.filter(pk=invitation.pk, used_at=None).update(used_at=now()):
        raise InvitationSpent
    if invitation.organisation is not None:
        held = Membership.objects.filter(organisation=invitation.organisation, user=user).first()
        if held is None or RANK[Role(held.role)] < RANK[Role(invitation.role)]:
            _join(invitation.organisation, user.pk, Role(invitation.role))
    return invitation


@transaction.atomic
def withdraw_invitation(*, organisation: Organisation | None, invitation_id: int) -> None:
    Invitation.objects.filter(pk=invitation_id, organisation=organisation, used_at=None).delete()


def _create_namespace(
    name: str, kind: Namespace.Kind, *, full_name: str, any_name: bool
) -> Namespace:
    check_name(name, any_name=any_name)
    if FormerName.objects.filter(key=key_of(name)).exists():
        raise NameTaken(_("The name %(name)s is taken") % {"name": name})
    try:
        with transaction.atomic():
            namespace = Namespace.objects.create(
                name=name, key=key_of(name), kind=kind, full_name=full_name
            )
    except IntegrityError:
        raise NameTaken(_("The name %(name)s is taken") % {"name": name}) from None
    announce(NamespaceCreated(namespace_id=namespace.pk))
    return namespace


def _join(organisation: Organisation, user_id: int, role: Role) -> Membership:
    membership, _new = Membership.objects.update_or_create(
        organisation=organisation, user_id=user_id, defaults={"role": role}
    )
    announce(MembershipChanged(organisation_id=organisation.pk, user_id=user_id, role=role.value))
    return membership


def _keep_an_admin(organisation: Organisation, *, without: User) -> None:
    admins = Membership.objects.filter(organisation=organisation, role=Role.ADMIN)
    holds_it = admins.filter(user=without).exists()
    if holds_it and not admins.filter(user__is_active=True).exclude(user=without).exists():
        raise LastAdmin(organisation.namespace.name)
