"""The one port: what the front door does before any room is asked."""

import socket
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import pytest
from tests.conftest import HubServer, in_a_loop

from llmos.web.asgi import FrontDoor


def fetch(url: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(
        url, headers={k.replace("_", "-"): v for k, v in headers.items()}
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status, dict(answer.headers), answer.read()
    except urllib.error.HTTPError as error:
        return error.code, dict(error.headers), error.read()


def raw(hub: HubServer, request: bytes) -> bytes:
    """The first bytes of the answer to hand-written bytes."""
    address = urlsplit(hub.url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as wire:
        wire.sendall(request)
        return wire.recv(4096)


def test_an_unknown_endpoint_is_a_json_404_with_a_code(hub_server: HubServer) -> None:
    status, headers, body = fetch(f"{hub_server.url}/api/no/such")

    assert status == 404
    assert headers["x-error-code"] == "NotFound"
    assert b"No such endpoint" in body


def test_headers_without_end_are_refused(hub_server: HubServer) -> None:
    endless = b"GET /api/health HTTP/1.1\r\nHost: x\r\nX-Big: " + b"a" * 3_000_000 + b"\r\n\r\n"

    assert b"431" in raw(hub_server, endless).split(b"\r\n")[0]


@pytest.mark.parametrize(
    "path",
    ["/static/../settings.py", "/static/%2e%2e/settings.py", "/static/css/../../settings.py"],
)
def test_static_files_end_at_their_folder(hub_server: HubServer, path: str) -> None:
    answer = raw(hub_server, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())

    assert b"404" in answer.split(b"\r\n")[0]
    assert b"INSTALLED_APPS" not in answer


def test_every_page_forbids_scripts_from_elsewhere(hub_server: HubServer) -> None:
    _, headers, _ = fetch(f"{hub_server.url}/")

    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize(("wish", "language"), [("zh-CN,zh;q=0.9", "zh-hans"), ("de", "en")])
def test_a_page_speaks_the_browsers_language(
    hub_server: HubServer, wish: str, language: str
) -> None:
    _, headers, body = fetch(f"{hub_server.url}/", Accept_Language=wish)

    assert headers["content-language"] == language
    assert f'lang="{language}"'.encode() in body.lower() or b'lang="zh' in body


def test_what_breaks_behind_the_front_door_is_logged(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(scope: Any, receive: Any, send: Any) -> None:
        raise ZeroDivisionError

    door: Any = FrontDoor()
    monkeypatch.setattr(door, "_router", broken)
    scope = {"type": "http", "method": "GET", "path": "/x", "raw_path": b"/x"}

    with pytest.raises(ZeroDivisionError):
        in_a_loop(door(scope, None, None))

    assert "GET /x" in caplog.text
