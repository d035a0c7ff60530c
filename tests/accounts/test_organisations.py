"""Organisations: roles, the last administrator, invitations."""

from datetime import timedelta

import pytest

from llmos.accounts.actions import (
    accept_invitation,
    create_organisation,
    invite,
    remove_member,
    set_active,
    set_member_role,
    withdraw_invitation,
)
from llmos.accounts.errors import InvitationSpent, LastAdmin, NoSuchMember
from llmos.accounts.models import Invitation, Organisation, Role, User
from llmos.accounts.queries import (
    includes,
    members_of,
    namespace_named,
    namespaces_open_to,
    role_in,
)
from llmos.kit.time import now


@pytest.fixture
def lab(ada: User) -> Organisation:
    return create_organisation(name="Lab", owner=ada)


@pytest.mark.parametrize(
    ("role", "sees", "creates", "writes", "manages"),
    [
        (None, False, False, False, False),
        (Role.READ, True, False, False, False),
        (Role.CONTRIBUTOR, True, True, False, False),
        (Role.WRITE, True, True, True, False),
        (Role.ADMIN, True, True, True, True),
    ],
)
def test_each_role_includes_the_ones_before_it(
    lab: Organisation,
    bob: User,
    role: Role | None,
    sees: bool,
    creates: bool,
    writes: bool,
    manages: bool,
) -> None:
    if role is not None:
        set_member_role(organisation=lab, user=bob, role=role)
    held = role_in(bob.pk, lab.namespace_id)
    assert held == role
    assert includes(held, Role.READ) == sees
    assert includes(held, Role.CONTRIBUTOR) == creates
    assert includes(held, Role.WRITE) == writes
    assert includes(held, Role.ADMIN) == manages
    assert (lab.namespace in namespaces_open_to(bob.pk)) == creates


def test_everybody_administers_their_own_name_alone(ada: User, bob: User) -> None:
    assert role_in(ada.pk, ada.namespace_id) == Role.ADMIN
    assert role_in(bob.pk, ada.namespace_id) is None
    assert role_in(None, ada.namespace_id) is None
    assert namespaces_open_to(ada.pk) == [ada.namespace]


def test_names_are_found_in_any_case(lab: Organisation) -> None:
    found = namespace_named("LAB")
    assert found is not None
    assert found.name == "Lab"


def test_the_last_administrator_stays(lab: Organisation, ada: User, bob: User) -> None:
    with pytest.raises(LastAdmin):
        remove_member(organisation=lab, user=ada)
    with pytest.raises(LastAdmin):
        set_member_role(organisation=lab, user=ada, role=Role.WRITE)
    set_member_role(organisation=lab, user=bob, role=Role.ADMIN)
    remove_member(organisation=lab, user=ada)
    assert [held.user for held in members_of(lab.pk)] == [bob]


def test_a_suspended_administrator_does_not_count(lab: Organisation, ada: User, bob: User) -> None:
    set_member_role(organisation=lab, user=bob, role=Role.ADMIN)
    set_active(user=bob, active=False)
    with pytest.raises(LastAdmin):
        remove_member(organisation=lab, user=ada)


def test_only_members_can_be_removed(lab: Organisation, bob: User) -> None:
    with pytest.raises(NoSuchMember):
        remove_member(organisation=lab, user=bob)


def test_an_invitation_works_once(lab: Organisation, ada: User, bob: User) -> None:
    _invitation, secret = invite(invited_by=ada, organisation=lab, role=Role.WRITE)
    accept_invitation(secret=secret, user=bob)
    assert role_in(bob.pk, lab.namespace_id) == Role.WRITE
    with pytest.raises(InvitationSpent):
        accept_invitation(secret=secret, user=ada)


def test_an_invitation_never_lowers_a_role(lab: Organisation, ada: User) -> None:
    _invitation, secret = invite(invited_by=ada, organisation=lab, role=Role.READ)
    accept_invitation(secret=secret, user=ada)
    assert role_in(ada.pk, lab.namespace_id) == Role.ADMIN


def test_withdrawn_expired_and_made_up_invitations_look_the_same(
    lab: Organisation, ada: User, bob: User
) -> None:
    withdrawn, first = invite(invited_by=ada, organisation=lab, role=Role.READ)
    withdraw_invitation(organisation=lab, invitation_id=withdrawn.pk)
    expired, second = invite(invited_by=ada, organisation=lab, role=Role.READ)
    Invitation.objects.filter(pk=expired.pk).update(expires_at=now() - timedelta(seconds=1))
    for secret in (first, second, "made up"):
        with pytest.raises(InvitationSpent):
            accept_invitation(secret=secret, user=bob)
