"""Deleting an account: closed at once, taken apart by the worker, step by step until gone.

The first step is one transaction that nobody can undo; every later one may run twice, so a
kill in the middle only means that the worker begins again.
"""

import logging

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.translation import gettext as _

from llmos.accounts.actions import change_picture
from llmos.accounts.errors import CannotLeaveYet
from llmos.accounts.events import MemberLeft
from llmos.accounts.exports import take_export
from llmos.accounts.models import (
    Departure,
    DeviceCode,
    Export,
    FormerName,
    Membership,
    Role,
    Token,
    User,
)
from llmos.accounts.names import key_of
from llmos.accounts.taking import farewells, hindrances_of, what_goes_with
from llmos.kit.errors import NotFound
from llmos.kit.time import now
from llmos.store.events import announce

logger = logging.getLogger(__name__)


def outlook(user: User) -> tuple[list[str], list[str]]:
    """What must be settled before a member can leave, and what goes with her."""
    mine = [*_sole_admin_lines(user), *_last_administrator_lines(user)]
    return [*mine, *hindrances_of(user)], what_goes_with(user)


@transaction.atomic
def leave(user: User, *, removes_text: bool) -> Departure:
    """Close an account for good: nobody signs in, tokens and addresses mean nothing any more.

    The worker does the rest. Raises CannotLeaveYet.
    """
    user = User.objects.select_for_update().get(pk=user.pk)
    in_the_way, _goes = outlook(user)
    if in_the_way:
        raise CannotLeaveYet(" ".join(in_the_way), data={"reasons": in_the_way})
    departure, _new = Departure.objects.get_or_create(
        user=user, defaults={"removes_text": removes_text}
    )
    FormerName.objects.get_or_create(key=key_of(user.username))
    user.is_active, user.email = False, ""
    user.set_unusable_password()
    user.save(update_fields=["is_active", "email", "password"])
    Token.objects.filter(user=user).delete()
    DeviceCode.objects.filter(user=user).delete()
    Membership.objects.filter(user=user).delete()
    for theirs in (EmailAddress, Authenticator, SocialAccount):
        theirs.objects.filter(user=user).delete()
    return departure


def finish_leaving(user_id: int) -> None:
    """Take away what is left of a member who has asked to be deleted."""
    departure = Departure.objects.filter(pk=user_id).select_related("user__namespace").first()
    if departure is None:
        return
    user = departure.user
    _end_sessions(user.pk)
    for farewell in farewells():
        farewell.forget(user, departure.removes_text)
    if user.namespace.avatar:
        change_picture(namespace=user.namespace, content=None)
    _throw_export_away(user)
    _delete(user)


@transaction.atomic
def _delete(user: User) -> None:
    namespace = user.namespace
    announce(MemberLeft(user_id=user.pk, namespace_id=namespace.pk, name=user.username))
    user.delete()
    namespace.delete()


def _end_sessions(user_id: int) -> None:
    for session in Session.objects.filter(expire_date__gt=now()).iterator(chunk_size=500):
        if session.get_decoded().get("_auth_user_id") == str(user_id):
            session.delete()


def _throw_export_away(user: User) -> None:
    try:
        take_export(user).close()
    except NotFound:
        Export.objects.filter(user=user).delete()


def _sole_admin_lines(user: User) -> list[str]:
    lines = []
    held = Membership.objects.filter(user=user, role=Role.ADMIN).select_related(
        "organisation__namespace"
    )
    for membership in held:
        admins = Membership.objects.filter(
            organisation=membership.organisation, role=Role.ADMIN, user__is_active=True
        )
        if not admins.exclude(user=user).exists():
            name = membership.organisation.namespace.name
            lines.append(
                _("You are the only administrator of %(name)s: give somebody else that role first.")
                % {"name": name}
            )
    return lines


def _last_administrator_lines(user: User) -> list[str]:
    others = User.objects.filter(is_staff=True, is_active=True).exclude(pk=user.pk)
    if not user.is_staff or others.exists():
        return []
    return [_("You are the only administrator of this hub: make somebody else one first.")]
