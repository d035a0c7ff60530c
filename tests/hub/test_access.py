"""Who may do what to a repository: the rules, through the one door."""

from dataclasses import replace

import pytest

from llmos.accounts import actions as accounts
from llmos.accounts.access import ANONYMOUS, Viewer, viewer_of_user
from llmos.accounts.models import Organisation, Role, User
from llmos.hub import actions, gates
from llmos.hub.access import repo_for, rights_of
from llmos.hub.errors import (
    GatedRepo,
    GatedRepoForAnonymous,
    RepoDisabled,
    RepoMoved,
    RepoNotFound,
    RepoNotFoundForAnonymous,
)
from llmos.hub.kinds import KINDS
from llmos.hub.listing import Wish
from llmos.hub.models import Repository, TokenGrant
from llmos.hub.queries import repositories
from llmos.kit.errors import Forbidden, Unauthenticated

pytestmark = pytest.mark.django_db
MODEL = KINDS["model"]


@pytest.fixture
def ada() -> User:
    return accounts.create_user(name="ada")


@pytest.fixture
def bob() -> User:
    return accounts.create_user(name="bob")


@pytest.fixture
def lab(ada: User) -> Organisation:
    return accounts.create_organisation(name="lab", owner=ada)


def made(user: User, name: str = "ada/m", visibility: str = "public") -> Repository:
    namespace, _, short = name.partition("/")
    return actions.create_repository(
        viewer=viewer_of_user(user),
        kind=MODEL,
        namespace=namespace,
        name=short,
        visibility=visibility,
    )


def deeds(viewer: Viewer, repository: Repository) -> list[str]:
    rights = rights_of(viewer, repository)
    names = ("see", "read", "contribute", "write", "admin")
    return [name for name in names if getattr(rights, name)]


ALL = ["see", "read", "contribute", "write", "admin"]


def test_an_owner_may_everything_and_a_read_token_only_read(ada: User) -> None:
    repository, viewer = made(ada, visibility="private"), viewer_of_user(ada)
    assert deeds(viewer, repository) == ALL
    reader = replace(viewer, can_write=False)
    assert deeds(reader, repository) == ["see", "read"]
    with pytest.raises(Forbidden, match="may only read"):
        repo_for(reader, MODEL, "ada/m", wants="write")


def test_others_read_and_contribute_to_what_is_public(ada: User, bob: User) -> None:
    repository = made(ada)
    assert deeds(viewer_of_user(bob), repository) == ["see", "read", "contribute"]
    assert deeds(ANONYMOUS, repository) == ["see", "read"]
    with pytest.raises(Forbidden):
        repo_for(viewer_of_user(bob), MODEL, "ada/m", wants="write")
    with pytest.raises(Unauthenticated):
        repo_for(ANONYMOUS, MODEL, "ada/m", wants="contribute")


def test_private_and_missing_look_the_same(ada: User, bob: User) -> None:
    made(ada, visibility="private")
    for name in ("ada/m", "ada/none", "nobody/m"):
        with pytest.raises(RepoNotFound):
            repo_for(viewer_of_user(bob), MODEL, name, wants="see")
        with pytest.raises(RepoNotFoundForAnonymous) as refused:
            repo_for(ANONYMOUS, MODEL, name, wants="admin")
        assert (refused.value.status, refused.value.code) == (401, "RepoNotFound")


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (Role.READ, ["see", "read", "contribute"]),
        (Role.CONTRIBUTOR, ["see", "read", "contribute"]),
        (Role.WRITE, ["see", "read", "contribute", "write"]),
        (Role.ADMIN, ALL),
    ],
)
def test_a_role_says_what_a_member_may(
    ada: User, bob: User, lab: Organisation, role: Role, expected: list[str]
) -> None:
    repository = made(ada, "lab/m", "private")
    accounts.set_member_role(organisation=lab, user=bob, role=role)
    assert deeds(viewer_of_user(bob), repository) == expected


def test_a_contributor_rules_what_they_created(ada: User, bob: User, lab: Organisation) -> None:
    accounts.set_member_role(organisation=lab, user=bob, role=Role.CONTRIBUTOR)
    own, other = made(bob, "lab/own"), made(ada, "lab/other")
    assert "write" in deeds(viewer_of_user(bob), own)
    assert "write" not in deeds(viewer_of_user(bob), other)
    accounts.set_member_role(organisation=lab, user=bob, role=Role.READ)
    assert "write" not in deeds(viewer_of_user(bob), own)


def test_only_contributing_members_create_in_an_organisation(bob: User, lab: Organisation) -> None:
    accounts.set_member_role(organisation=lab, user=bob, role=Role.READ)
    with pytest.raises(Forbidden):
        made(bob, "lab/mine")


def test_a_scoped_token_opens_only_what_it_names(ada: User) -> None:
    named, other = made(ada, "ada/named", "private"), made(ada, "ada/other", "private")
    public = made(ada, "ada/public")
    token, _secret = accounts.create_token(user=ada, name="t", role="write", scoped=True)
    TokenGrant.objects.create(token=token, repository=named)
    viewer = replace(viewer_of_user(ada), token_id=token.pk, scoped_token=True)
    assert deeds(viewer, named) == ALL
    assert deeds(viewer, other) == []
    assert deeds(viewer, public) == ["see", "read"]
    listed = repositories(viewer, MODEL, Wish()).repositories
    assert {repository.name for repository in listed} == {"named", "public"}


def test_a_gate_hides_files_and_not_the_card(ada: User, bob: User) -> None:
    repository, viewer = made(ada), viewer_of_user(bob)
    actions.change_settings(repository=repository, gated="manual")
    assert deeds(viewer, repository) == ["see"]
    with pytest.raises(GatedRepo, match="not in the authorized list"):
        repo_for(viewer, MODEL, "ada/m")
    with pytest.raises(GatedRepoForAnonymous):
        repo_for(ANONYMOUS, MODEL, "ada/m")
    asked = gates.ask_access(repository=repository, user_id=bob.pk)
    assert asked.status == "pending"
    gates.answer_request(request=asked, status="accepted")
    assert deeds(viewer, repository) == ["see", "read", "contribute"]


def test_an_automatic_gate_opens_at_once(ada: User, bob: User) -> None:
    repository = made(ada)
    actions.change_settings(repository=repository, gated="auto")
    gates.ask_access(repository=repository, user_id=bob.pk)
    assert repo_for(viewer_of_user(bob), MODEL, "ada/m").pk == repository.pk


def test_a_disabled_repository_is_closed_to_all_but_administrators(ada: User) -> None:
    repository = made(ada)
    actions.change_settings(repository=repository, disabled=True)
    with pytest.raises(RepoDisabled, match="Access to this resource is disabled"):
        repo_for(viewer_of_user(ada), MODEL, "ada/m")
    chief = accounts.create_user(name="chief", admin=True)
    assert deeds(viewer_of_user(chief), repository) == ALL


def test_a_former_name_leads_on_for_those_who_may_know(ada: User, bob: User) -> None:
    repository = made(ada, visibility="private")
    actions.move_repository(
        viewer=viewer_of_user(ada), repository=repository, namespace="ada", name="new"
    )
    with pytest.raises(RepoMoved) as moved:
        repo_for(viewer_of_user(ada), MODEL, "Ada/M")
    path = "/api/models/ADA/m/tree/main?recursive=true"
    assert moved.value.location(path) == "/api/models/ada/new/tree/main?recursive=true"
    with pytest.raises(RepoNotFound):
        repo_for(viewer_of_user(bob), MODEL, "ada/m")


def test_lists_hold_exactly_what_a_viewer_may_know(ada: User, bob: User, lab: Organisation) -> None:
    made(ada, "ada/open")
    made(ada, "ada/hidden", "private")
    made(ada, "lab/inner", "private")
    accounts.set_member_role(organisation=lab, user=bob, role=Role.READ)

    def names(viewer: Viewer) -> set[str]:
        return {r.full_name for r in repositories(viewer, MODEL, Wish()).repositories}

    assert names(ANONYMOUS) == {"ada/open"}
    assert names(viewer_of_user(bob)) == {"ada/open", "lab/inner"}
    assert names(viewer_of_user(ada)) == {"ada/open", "ada/hidden", "lab/inner"}
