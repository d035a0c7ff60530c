"""Who may sign up, and what a sign-up makes."""

from dataclasses import replace

import pytest
from django.test import Client

from llmos.accounts import adapter
from llmos.accounts.actions import create_organisation, invite
from llmos.accounts.config import AccountsSettings
from llmos.accounts.models import Namespace, Role, User
from llmos.accounts.queries import role_in, user_named
from llmos.kit.config import BadConfiguration, current

PASSWORD = "correct horse 9"


@pytest.fixture
def policy(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Set who may sign up."""

    def choose(sign_up: str) -> None:
        chosen = replace(current(AccountsSettings), sign_up=sign_up)
        monkeypatch.setattr(
            adapter,
            "current",
            lambda section: chosen if section is AccountsSettings else current(section),
        )

    return choose


def sign_up(browser: Client, name: str, **more: str) -> int:
    told = {"username": name, "password1": PASSWORD, **more}
    return browser.post("/accounts/signup/", told).status_code


@pytest.mark.django_db
def test_signing_up_makes_a_member_with_a_name_and_a_session(browser: Client) -> None:
    assert sign_up(browser, "Carol", email="carol@example.org") == 302
    carol = user_named("carol")
    assert carol is not None
    assert carol.namespace.name == carol.username == "Carol"
    assert browser.get("/settings/profile").status_code == 200


@pytest.mark.parametrize("name", ["ADA", "datasets", "_x", "a--b", "艾达", "аda", ""])
def test_a_refused_name_makes_nobody(ada: User, browser: Client, name: str) -> None:
    assert sign_up(browser, name) == 200
    assert User.objects.count() == Namespace.objects.count() == 1


@pytest.mark.django_db
def test_a_weak_password_makes_nobody(browser: Client) -> None:
    assert sign_up(browser, "carol", password1="carol1") == 200
    assert not Namespace.objects.exists()


@pytest.mark.django_db
def test_a_closed_hub_takes_nobody(browser: Client, policy) -> None:  # type: ignore[no-untyped-def]
    policy("closed")
    assert b"Sign-up is closed" in browser.get("/accounts/signup/").content
    assert sign_up(browser, "carol") == 200
    assert not User.objects.exists()
    assert b"/accounts/signup/" not in browser.get("/accounts/login/").content


def test_an_invitation_opens_a_hub_that_asks_for_one(ada: User, browser: Client, policy) -> None:  # type: ignore[no-untyped-def]
    policy("invitation")
    assert sign_up(browser, "carol") == 200
    lab = create_organisation(name="lab", owner=ada)
    _invitation, secret = invite(invited_by=ada, organisation=lab, role=Role.CONTRIBUTOR)

    assert browser.get(f"/join/{secret}").status_code == 200
    assert sign_up(browser, "carol") == 302

    carol = user_named("carol")
    assert carol is not None
    assert role_in(carol.pk, lab.namespace_id) == Role.CONTRIBUTOR
    assert Client(HTTP_HOST="hub.test").get(f"/join/{secret}").status_code == 400
    assert sign_up(Client(HTTP_HOST="hub.test"), "dave") == 200


def test_an_unknown_policy_is_a_clear_error() -> None:
    with pytest.raises(BadConfiguration, match="open, invitation, closed"):
        AccountsSettings(sign_up="perhaps")


def test_providers_are_told_to_allauth_in_its_own_words() -> None:
    told = AccountsSettings(
        providers={
            "github": {"client_id": "a", "secret": "b"},
            "gitlab": {"client_id": "a", "secret": "b", "url": "https://git.example.org"},
            "campus": {
                "client_id": "a",
                "secret": "b",
                "url": "https://id.example.org",
                "name": "Campus",
            },
        }
    ).for_allauth()["SOCIALACCOUNT_PROVIDERS"]
    assert told["github"]["APPS"] == [{"client_id": "a", "secret": "b"}]
    assert told["gitlab"]["APPS"][0]["settings"] == {"gitlab_url": "https://git.example.org"}
    assert told["openid_connect"]["APPS"][0]["name"] == "Campus"


@pytest.mark.parametrize(
    "providers", [{"github": {"client_id": "a"}}, {"campus": {"client_id": "a", "secret": "b"}}]
)
def test_a_half_configured_provider_is_a_clear_error(providers: dict[str, dict[str, str]]) -> None:
    with pytest.raises(BadConfiguration, match="needs"):
        AccountsSettings(providers=providers).for_allauth()


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["login", "signup"])
def test_the_forms_show_hints_not_markup(browser: Client, page: str) -> None:
    text = browser.get(f"/accounts/{page}/").content.decode()
    assert "&lt;" not in text
    assert text.count("(optional)") == (1 if page == "signup" else 0)
