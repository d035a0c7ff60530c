"""Web push: a browser reads what it is sent, and only push services are called."""

import base64
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django_tasks_db.models import DBTaskResult
from tests.community.notifications.rows import answer, member, settled, topic

from llmos.community.notifications.actions import add_device, set_quiet
from llmos.community.notifications.errors import PushRefused
from llmos.community.notifications.models import Notification, PushSubscription
from llmos.community.notifications.push import check_endpoint, public_key
from llmos.kit.config import current

pytestmark = pytest.mark.django_db


def spelled(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@dataclass
class Browser:
    """A push service on this machine and the browser behind it, which can read its messages."""

    endpoint: str = ""
    status: int = 201
    got: list[dict[str, str]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    key: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    auth: bytes = b"0123456789abcdef"

    @property
    def p256dh(self) -> str:
        public = self.key.public_key()
        return spelled(public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

    def takes(self, headers: dict[str, str], body: bytes) -> None:
        opened = http_ece.decrypt(
            body, private_key=self.key, auth_secret=self.auth, version="aes128gcm"
        )
        self.got.append(json.loads(opened))
        self.headers.append(headers)


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> Iterator[Browser]:
    made = Browser()

    class Service(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if made.status < 300:
                made.takes({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(made.status)
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    place = f"http://127.0.0.1:{server.server_port}"
    made.endpoint = f"{place}/push/1"
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setitem(os.environ, "LLMOS_PUSH_INNER_SERVICES", place)
    current.cache_clear()
    yield made
    server.shutdown()
    server.server_close()
    monkeypatch.undo()
    current.cache_clear()


def test_a_message_reaches_the_browser_encrypted_and_signed_once(browser: Browser) -> None:
    ada, bob = member("ada"), member("bob")
    add_device(
        ada.user_id or 0,
        endpoint=browser.endpoint,
        p256dh=browser.p256dh,
        auth=spelled(browser.auth),
    )
    answer(bob, topic(ada, "Which one?"))
    settled()
    settled()

    assert [(one["title"], one["body"]) for one in browser.got] == [
        ("bob answers you", "Which one?")
    ]
    row = Notification.objects.get(user_id=ada.user_id)
    assert browser.got[0]["url"] == f"/notifications/{row.pk}"
    said = browser.headers[0]
    assert said["content-encoding"] == "aes128gcm"
    token = said["authorization"].removeprefix("vapid t=").partition(",")[0]
    claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert claims["aud"] == browser.endpoint.removesuffix("/push/1")
    assert said["authorization"].endswith(f"k={public_key()}")


@pytest.mark.parametrize(("status", "kept"), [(410, 0), (404, 0), (500, 1), (302, 1)])
def test_a_subscription_that_is_gone_is_dropped(browser: Browser, status: int, kept: int) -> None:
    ada, bob = member("ada"), member("bob")
    add_device(
        ada.user_id or 0,
        endpoint=browser.endpoint,
        p256dh=browser.p256dh,
        auth=spelled(browser.auth),
    )
    browser.status = status
    answer(bob, topic(ada))
    settled()

    assert PushSubscription.objects.count() == kept


def test_a_muted_week_has_no_pushes(browser: Browser) -> None:
    ada, bob = member("ada"), member("bob")
    add_device(
        ada.user_id or 0,
        endpoint=browser.endpoint,
        p256dh=browser.p256dh,
        auth=spelled(browser.auth),
    )
    set_quiet(ada.user_id or 0, quiet=True)
    answer(bob, topic(ada))

    settled()

    assert browser.got == []
    assert not DBTaskResult.objects.filter(task_path__endswith="push_out").exists()


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://127.0.0.1:1/push",
        "https://127.0.0.1/push",
        "https://10.1.2.3/push",
        "https://[::1]/push",
        "https://169.254.169.254/latest",
        "https://localhost/push",
        "http://93.184.216.34/push",
        "https://user@93.184.216.34/push",
        "https://93.184.216.34:99999/push",
        "ftp://93.184.216.34/push",
        "nonsense",
        "https://[::/push",
        "https://93.184.216.34/" + "x" * 800,
    ],
)
def test_only_public_push_services_are_called(endpoint: str) -> None:
    with pytest.raises(PushRefused):
        check_endpoint(endpoint)


@pytest.mark.parametrize(("p256dh", "auth"), [("", ""), ("AAAA", "AAAA"), ("é", "é")])
def test_keys_that_are_none_are_refused(browser: Browser, p256dh: str, auth: str) -> None:
    with pytest.raises(PushRefused):
        add_device(member("ada").user_id or 0, endpoint=browser.endpoint, p256dh=p256dh, auth=auth)
