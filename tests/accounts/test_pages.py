"""Settings of members and organisations in a browser."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from llmos.accounts.access import InvalidToken, viewer_of_token
from llmos.accounts.actions import create_organisation, set_member_role
from llmos.accounts.models import Organisation, Role, Token, User
from llmos.accounts.pictures import picture_path
from llmos.accounts.queries import role_in

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 32


@pytest.fixture
def lab(bob: User) -> Organisation:
    return create_organisation(name="lab", owner=bob)


def test_a_profile_is_saved(ada: User, ada_browser: Client) -> None:
    told = {"full_name": "Ada Lovelace", "bio": "<b>x</b>", "website": "https://ada.example"}
    assert ada_browser.post("/settings/profile", told).status_code == 302
    ada.namespace.refresh_from_db()
    assert ada.namespace.full_name == "Ada Lovelace"
    assert b"<b>x</b>" not in ada_browser.get("/settings/profile").content


def test_a_script_is_no_website(ada: User, ada_browser: Client) -> None:
    answer = ada_browser.post("/settings/profile", {"website": "javascript:alert(1)"})
    assert answer.status_code == 200
    ada.namespace.refresh_from_db()
    assert ada.namespace.website == ""


def test_a_picture_is_kept_by_content_and_removed(ada: User, ada_browser: Client) -> None:
    picture = SimpleUploadedFile("../../evil.svg", PNG, content_type="image/svg+xml")
    assert ada_browser.post("/settings/profile", {"picture": picture}).status_code == 302
    ada.namespace.refresh_from_db()
    assert ada.namespace.avatar.endswith(".png")
    assert picture_path(ada.namespace.avatar).read_bytes() == PNG
    ada_browser.post("/settings/profile", {"remove_picture": "on"})
    ada.namespace.refresh_from_db()
    assert ada.namespace.avatar == ""


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", PNG + b"\0" * 2**20]
)
def test_what_is_no_small_picture_is_refused(
    ada: User, ada_browser: Client, content: bytes
) -> None:
    picture = SimpleUploadedFile("a.png", content, content_type="image/png")
    assert ada_browser.post("/settings/profile", {"picture": picture}).status_code == 200
    ada.namespace.refresh_from_db()
    assert ada.namespace.avatar == ""


def test_whoever_makes_an_organisation_administers_it(ada: User, ada_browser: Client) -> None:
    assert ada_browser.post("/organizations/new", {"name": "Guild"}).status_code == 302
    guild = Organisation.objects.get()
    assert role_in(ada.pk, guild.namespace_id) == Role.ADMIN
    again = ada_browser.post("/organizations/new", {"name": "guild"})
    assert b"is taken" in again.content


@pytest.mark.parametrize("role", [None, Role.READ, Role.CONTRIBUTOR, Role.WRITE])
def test_only_administrators_manage_an_organisation(
    ada: User, ada_browser: Client, lab: Organisation, role: Role | None
) -> None:
    if role is not None:
        set_member_role(organisation=lab, user=ada, role=role)
    assert ada_browser.get("/organizations/lab/settings").status_code == 403
    for deed in ("members/ada/role", "members/Bob/remove", "invitations"):
        answer = ada_browser.post(f"/organizations/lab/{deed}", {"role": "admin"})
        assert answer.status_code == 403
    assert role_in(ada.pk, lab.namespace_id) == role


def test_an_invitation_link_lets_a_member_in(
    ada: User, ada_browser: Client, lab: Organisation
) -> None:
    set_member_role(organisation=lab, user=ada, role=Role.ADMIN)
    page = ada_browser.post("/organizations/lab/invitations", {"role": "write"})
    link = page.content.decode().split("http://hub.test/join/")[1].split("<")[0]
    assert link not in ada_browser.get("/organizations/lab/settings").content.decode()

    carol = Client(HTTP_HOST="hub.test")
    carol.post("/accounts/signup/", {"username": "carol", "password1": "correct horse 9"})
    assert carol.get(f"/join/{link}").status_code == 200
    assert carol.post(f"/join/{link}").headers["Location"] == "/lab"
    member = User.objects.get(username="carol")
    assert role_in(member.pk, lab.namespace_id) == Role.WRITE


def test_a_member_leaves_but_the_last_administrator_cannot(
    ada: User, ada_browser: Client, lab: Organisation, bob: User
) -> None:
    set_member_role(organisation=lab, user=ada, role=Role.READ)
    assert ada_browser.post("/organizations/lab/leave").status_code == 302
    assert role_in(ada.pk, lab.namespace_id) is None
    ada_browser.force_login(bob)
    assert ada_browser.post("/organizations/lab/leave").status_code == 409


def test_a_token_is_shown_once_and_revoked(ada: User, ada_browser: Client) -> None:
    told = {"name": "ci", "role": "write", "days": "30", "repositories": ""}
    page = ada_browser.post("/settings/tokens", told).content.decode()
    secret = "hf_" + page.split("<code>hf_")[1].split("<")[0]
    assert viewer_of_token(secret).can_write
    assert secret not in ada_browser.get("/settings/tokens").content.decode()
    ada_browser.post(f"/settings/tokens/{Token.objects.get().pk}/revoke")
    with pytest.raises(InvalidToken):
        viewer_of_token(secret)


def test_a_token_for_a_repository_that_one_cannot_see_is_not_made(
    ada: User, ada_browser: Client
) -> None:
    told = {"name": "ci", "role": "read", "days": "0", "repositories": "bob/secret"}
    page = ada_browser.post("/settings/tokens", told)
    assert b"bob/secret: Repository not found" in page.content
    assert not Token.objects.exists()


def test_only_administrators_of_the_hub_invite_to_it(ada: User, ada_browser: Client) -> None:
    assert ada_browser.get("/settings/invitations").status_code == 403
    User.objects.filter(pk=ada.pk).update(is_staff=True)
    page = ada_browser.post("/settings/invitations", {"email": ""})
    assert b"http://hub.test/join/" in page.content


def test_forms_from_elsewhere_change_nothing(ada: User) -> None:
    strict = Client(HTTP_HOST="hub.test", enforce_csrf_checks=True)
    strict.force_login(ada)
    assert strict.post("/settings/profile", {"full_name": "Eve"}).status_code == 403
    assert strict.post("/device", {"code": "x", "decision": "approve"}).status_code == 403


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_allauths_pages_wear_our_shell(ada_browser: Client, language: str) -> None:
    for page in ("2fa/", "2fa/webauthn/", "email/", "password/change/", "3rdparty/", "logout/"):
        answer = ada_browser.get(f"/accounts/{page}", HTTP_ACCEPT_LANGUAGE=language)
        text = answer.content.decode()
        assert answer.status_code == 200, page
        assert text.count('<header class="masthead">') == 1, page
        assert text.count("<main") == 1, page
        assert "&lt;nav" not in text, page
