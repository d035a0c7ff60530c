"""What a browser's session cookie is worth on machine paths."""

import pytest
from django.conf import settings
from django.test import Client
from starlette.requests import Request

from llmos.accounts.access import viewer_of
from llmos.accounts.actions import create_token, set_active
from llmos.accounts.models import User

HOST = "hub.test"


def request_of(browser: Client, method: str, **headers: str) -> Request:
    cookie = browser.cookies[settings.SESSION_COOKIE_NAME].value
    raw = {"host": HOST, "cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}", **headers}
    return Request(
        {
            "type": "http",
            "method": method,
            "path": "/",
            "query_string": b"",
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in raw.items()],
        }
    )


def test_a_session_reads_as_its_member(ada_browser: Client) -> None:
    viewer = viewer_of(request_of(ada_browser, "GET"))
    assert (viewer.name, viewer.can_write, viewer.token_id) == ("ada", True, None)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "same-origin", "origin": f"https://{HOST}"},
        {"origin": f"http://{HOST}"},
        {"origin": f"https://{HOST}"},
    ],
)
def test_our_own_pages_write_with_the_session(ada_browser: Client, headers: dict[str, str]) -> None:
    assert viewer_of(request_of(ada_browser, "POST", **headers)).name == "ada"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "cross-site", "origin": f"http://{HOST}"},
        {"origin": "https://evil.test"},
        {"origin": f"https://evil.test/{HOST}"},
        {"origin": f"http://{HOST}:81"},
        {"origin": "null"},
    ],
)
def test_other_pages_cannot_write_with_the_session(
    ada_browser: Client, method: str, headers: dict[str, str]
) -> None:
    assert viewer_of(request_of(ada_browser, method, **headers)).is_anonymous


def test_a_token_outweighs_the_session(ada_browser: Client, bob: User) -> None:
    _token, secret = create_token(user=bob, name="x", role="read")
    request = request_of(ada_browser, "POST", authorization=f"Bearer {secret}")
    assert viewer_of(request).name == "Bob"


def test_a_session_ends_with_sign_out_suspension_and_a_new_password(
    ada_browser: Client, ada: User
) -> None:
    set_active(user=ada, active=False)
    assert viewer_of(request_of(ada_browser, "GET")).is_anonymous
    set_active(user=ada, active=True)
    assert viewer_of(request_of(ada_browser, "GET")).name == "ada"
    ada.set_password("another horse 9")
    ada.save()
    assert viewer_of(request_of(ada_browser, "GET")).is_anonymous


def test_a_made_up_session_is_nobody(ada_browser: Client) -> None:
    ada_browser.cookies[settings.SESSION_COOKIE_NAME] = "0123456789abcdefghijklmnopqrstuv"
    assert viewer_of(request_of(ada_browser, "GET")).is_anonymous
