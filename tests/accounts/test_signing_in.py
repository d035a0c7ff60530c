"""Passwords, second factors and one-time links, in a browser."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from llmos.accounts.actions import create_user, set_active
from llmos.accounts.links import sign_in_link
from llmos.accounts.models import User

PASSWORD = "correct horse 9"


def totp_now(secret: str) -> str:
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // 30)))


def is_signed_in(browser: Client) -> bool:
    return browser.get("/settings/profile").status_code == 200


def test_members_sign_in_by_name_in_any_case_or_by_address(db: None) -> None:
    create_user(name="Carol", email="carol@example.org", password=PASSWORD)
    for login in ("carol", "CAROL", "carol@example.org", "Carol@Example.org"):
        browser = Client(HTTP_HOST="hub.test")
        browser.post("/accounts/login/", {"login": login, "password": PASSWORD})
        assert is_signed_in(browser), login


def test_guessing_passwords_is_slowed_down(ada: User, browser: Client) -> None:
    for _ in range(6):
        browser.post("/accounts/login/", {"login": "ada", "password": "wrong"})
    browser.post("/accounts/login/", {"login": "ada", "password": PASSWORD})
    assert not is_signed_in(browser)


def test_an_authenticator_app_is_asked_for_once_it_is_on(ada: User, ada_browser: Client) -> None:
    activation = "/accounts/2fa/totp/activate/"
    assert ada_browser.get(activation).headers["Location"].startswith("/accounts/reauthenticate/")
    ada_browser.post(f"/accounts/reauthenticate/?next={activation}", {"password": PASSWORD})
    page = ada_browser.get(activation)
    secret = page.context["form"].secret
    done = ada_browser.post(activation, {"code": totp_now(secret)})
    assert done.status_code == 302
    kept = Authenticator.objects.get(user=ada, type=Authenticator.Type.TOTP)
    assert secret not in str(kept.data)
    assert b"recovery" in ada_browser.get("/accounts/2fa/").content.lower()

    other = Client(HTTP_HOST="hub.test")
    first = other.post("/accounts/login/", {"login": "ada", "password": PASSWORD})
    assert first.headers["Location"] == "/accounts/2fa/authenticate/"
    assert not is_signed_in(other)
    other.post("/accounts/2fa/authenticate/", {"code": "000000"})
    assert not is_signed_in(other)
    # A code works once, so the one that switched it on is spent; the next step's is taken.
    step = int(time.time()) // 30 + 1
    other.post("/accounts/2fa/authenticate/", {"code": format_hotp_value(hotp_value(secret, step))})
    assert is_signed_in(other)


def test_a_link_signs_in_once_and_only_by_its_button(ada: User, browser: Client) -> None:
    link = sign_in_link(ada, "http://hub.test")
    assert browser.get(link).status_code == 200
    assert browser.get(link).status_code == 200
    assert not is_signed_in(browser)
    assert browser.post(link).status_code == 302
    assert is_signed_in(browser)
    other = Client(HTTP_HOST="hub.test")
    assert other.get(link).status_code == 410
    assert other.post(link).status_code == 410
    assert not is_signed_in(other)


def test_a_link_ends_with_any_other_sign_in_a_new_password_or_suspension(
    ada: User, browser: Client
) -> None:
    link = sign_in_link(ada, "")
    Client(HTTP_HOST="hub.test").post("/accounts/login/", {"login": "ada", "password": PASSWORD})
    assert browser.post(link).status_code == 410

    ada.refresh_from_db()
    link = sign_in_link(ada, "")
    ada.set_password("another horse 9")
    ada.save()
    assert browser.post(link).status_code == 410

    link = sign_in_link(ada, "")
    set_active(user=ada, active=False)
    assert browser.post(link).status_code == 410


def test_a_tampered_link_is_refused(ada: User, browser: Client) -> None:
    link = sign_in_link(ada, "")
    assert browser.post(link[:-3] + "abc").status_code == 410


@pytest.mark.parametrize(
    "page",
    ["/settings/profile", "/settings/account", "/settings/tokens", "/settings/organizations"],
)
def test_strangers_are_led_to_the_sign_in_page(db: None, browser: Client, page: str) -> None:
    answer = browser.get(page)
    assert answer.status_code == 302
    assert answer.headers["Location"] == f"/accounts/login/?next={page}"
