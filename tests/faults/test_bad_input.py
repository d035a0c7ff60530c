"""Requests that no honest client sends: a clear error, and nothing half-written."""

import base64
import json
import socket
import unicodedata
from collections.abc import Callable, Iterator
from hashlib import sha256
from uuid import uuid4

import pytest
from huggingface_hub import HfApi
from tests.conftest import HubServer
from tests.faults.conftest import Answer, send

LINES = {"Content-Type": "application/x-ndjson"}


@pytest.fixture
def api(hub_server: HubServer) -> HfApi:
    return HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])


@pytest.fixture
def repo(api: HfApi) -> Iterator[str]:
    """A repository that must be just as it was when the test ends."""
    name = api.create_repo(f"ada/target-{uuid4().hex[:8]}").repo_id
    before = api.model_info(name).sha
    yield name
    assert api.model_info(name).sha == before


@pytest.fixture
def ask(hub_server: HubServer) -> Callable[..., Answer]:
    def call(method: str, path: str, **options: object) -> Answer:
        token = hub_server.tokens["ada"]
        return send(hub_server.url, method, path, token=token, **options)  # type: ignore[arg-type]

    return call


def commit_body(*paths: str) -> bytes:
    content = base64.b64encode(b"content").decode()
    header = {"key": "header", "value": {"summary": "change"}}
    files = [
        {"key": "file", "value": {"path": path, "content": content, "encoding": "base64"}}
        for path in paths
    ]
    return "\n".join(json.dumps(line) for line in (header, *files)).encode()


def assert_refused(answer: Answer, *statuses: int) -> None:
    assert answer.status in (statuses or (400, 404, 413, 422)), answer
    assert answer.code
    assert answer.error


BAD_PATHS = {
    "parent": "../outside.txt",
    "hidden parent": "a/../../outside.txt",
    "absolute": "/etc/passwd",
    "git's own": ".git/hooks/post-update",
    "git's own in capitals": "sub/.GIT/config",
    "git's short name": "git~1/config",
    "double slash": "a//b.txt",
    "trailing slash": "a/",
    "backslash": "..\\outside.txt",
    "null": "a\0b.txt",
    "new line": "a\nb.txt",
    "empty": "",
    "dot": "./a.txt",
    "long name": "n" * 300,
    "deep": "d/" * 10_000 + "f.txt",
    "decomposed": unicodedata.normalize("NFD", "é.txt"),
    "right to left": "gpj.\N{RIGHT-TO-LEFT OVERRIDE}exe",
    "invisible": "a\N{ZERO WIDTH SPACE}.txt",
    "lone surrogate": "\ud800.txt",
}


@pytest.mark.parametrize("path", BAD_PATHS.values(), ids=BAD_PATHS.keys())
def test_a_commit_to_a_path_that_cannot_be_is_refused(
    ask: Callable[..., Answer], repo: str, path: str
) -> None:
    body = commit_body("fine.txt", path)
    assert_refused(ask("POST", f"/api/models/{repo}/commit/main", body=body, headers=LINES))


@pytest.mark.parametrize(
    "names",
    [("readme.md", "README.md"), ("Straße.txt", "STRASSE.txt"), ("a/x.txt", "A/y.txt")],
    ids=["letter case", "sharp s", "folders"],
)
def test_names_that_many_file_systems_confuse_are_refused(
    ask: Callable[..., Answer], repo: str, names: tuple[str, str]
) -> None:
    body = commit_body(*names)
    assert_refused(ask("POST", f"/api/models/{repo}/commit/main", body=body, headers=LINES), 422)


@pytest.mark.parametrize(
    "path",
    [
        "../../../../etc/passwd",
        "..%2F..%2F..%2Fetc%2Fpasswd",
        "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "a%00b",
        "%FF%FE",
        "d/" * 4000 + "f",
    ],
)
def test_reading_a_path_that_cannot_be_is_not_found(
    ask: Callable[..., Answer], repo: str, path: str
) -> None:
    for address in (f"/{repo}/resolve/main/{path}", f"/api/models/{repo}/tree/main/{path}"):
        answer = ask("GET", address)
        assert answer.status in {400, 404, 414, 422}, answer
        assert b"root:" not in answer.body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"not json",
        b"[]",
        b'{"key":"file"}',
        b'{"key":"header","value":{"summary":"s"}}\n{"key":"file","value":{"path":"a"}}',
        (
            b'{"key":"header","value":{"summary":"s"}}\n{"key":"file","value":'
            b'{"path":"a","content":"%%%","encoding":"base64"}}'
        ),
        b'{"key":"header","value":{"summary":"s"}}\n{"key":"surprise","value":{}}',
        b'{"key":"header","value":{"summary":7}}\n{"key":"file","value":7}',
        b'{"key":"header","value":{"summary":"s","parentCommit":"xyz"}}',
        b"\xff\xfe\xfd",
        b"[" * 100_000,
    ],
    ids=range(11),
)
def test_a_commit_that_makes_no_sense_is_refused(
    ask: Callable[..., Answer], repo: str, body: bytes
) -> None:
    answer = ask("POST", f"/api/models/{repo}/commit/main", body=body, headers=LINES)
    assert answer.status in {400, 412, 413, 422}, answer
    assert answer.code


@pytest.mark.parametrize(
    "path",
    ["preupload/main", "paths-info/main", "tag/main", "branch/b", "super-squash/main"],
)
@pytest.mark.parametrize(
    "body",
    [b"[1]", b'"text"', b"{", b'{"files":7,"paths":{},"tag":[],"startingPoint":7,"message":7}'],
)
def test_json_of_the_wrong_shape_is_a_refusal_not_a_fault(
    ask: Callable[..., Answer], repo: str, path: str, body: bytes
) -> None:
    answer = ask(
        "POST",
        f"/api/models/{repo}/{path}",
        body=body,
        headers={"Content-Type": "application/json"},
    )
    assert_refused(answer, 400, 422)


def test_a_body_that_breaks_off_leaves_nothing(
    hub_server: HubServer, api: HfApi, repo: str
) -> None:
    body = commit_body("a.txt", "b.txt")
    head = (
        f"POST /api/models/{repo}/commit/main HTTP/1.1\r\nHost: hub\r\n"
        f"Authorization: Bearer {hub_server.tokens['ada']}\r\n"
        f"Content-Type: application/x-ndjson\r\nContent-Length: {len(body) + 1000}\r\n\r\n"
    )
    break_off(hub_server.url, head.encode() + body)
    assert api.list_repo_files(repo) == [".gitattributes"]


def test_an_lfs_body_that_breaks_off_or_lies_leaves_nothing(
    ask: Callable[..., Answer], hub_server: HubServer, repo: str
) -> None:
    content = b"\0weights" * 10_000
    oid = sha256(content).hexdigest()
    href = upload_address(ask, repo, oid, len(content))
    path = href.removeprefix(hub_server.url)
    head = f"PUT {path} HTTP/1.1\r\nHost: hub\r\nContent-Length: {len(content)}\r\n\r\n"
    break_off(hub_server.url, head.encode() + content[:1000])
    lie = send(hub_server.url, "PUT", path, body=bytes(len(content)))
    assert 400 <= lie.status < 500, lie
    assert lie.code

    pointer = {"path": "w.bin", "algo": "sha256", "oid": oid, "size": len(content)}
    lines = [{"key": "header", "value": {"summary": "s"}}, {"key": "lfsFile", "value": pointer}]
    body = "\n".join(map(json.dumps, lines)).encode()
    assert_refused(
        ask("POST", f"/api/models/{repo}/commit/main", body=body, headers=LINES), 400, 404, 422
    )
    assert upload_address(ask, repo, oid, len(content))  # still wanted
    uploads = hub_server.home / "uploads"
    assert not [f for f in uploads.rglob("*") if f.is_file() and f.stat().st_size > 0]


def upload_address(ask: Callable[..., Answer], repo: str, oid: str, size: int) -> str:
    answer = ask(
        "POST",
        f"/{repo}.git/info/lfs/objects/batch",
        body=json.dumps(
            {
                "operation": "upload",
                "transfers": ["basic"],
                "objects": [{"oid": oid, "size": size}],
                "hash_algo": "sha256",
            }
        ).encode(),
        headers={"Content-Type": "application/vnd.git-lfs+json"},
    )
    assert answer.status == 200, answer
    href: str = json.loads(answer.body)["objects"][0]["actions"]["upload"]["href"]
    return href


def break_off(url: str, request: bytes) -> None:
    """Send part of a request, then vanish."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as wire:
        wire.sendall(request)
        wire.shutdown(socket.SHUT_WR)
        wire.settimeout(10)
        try:
            wire.recv(1000)
        except OSError:
            return


def test_huge_headers_are_refused_and_the_hub_lives_on(
    hub_server: HubServer, ask: Callable[..., Answer]
) -> None:
    host, port = hub_server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as wire:
        try:
            wire.sendall(b"GET /api/models HTTP/1.1\r\nHost: hub\r\nX-Big: ")
            for _ in range(64):
                wire.sendall(b"x" * 65_536)
            wire.sendall(b"\r\n\r\n")
            answer = wire.recv(1000)
        except ConnectionError:
            answer = b""
    assert not answer or answer.split()[1] in {b"400", b"413", b"431"}
    assert ask("GET", "/api/health").status == 200


@pytest.mark.parametrize(
    "name",
    [
        "ada/с-cyrillic",
        "ada/a b",
        "ada/..",
        "ada/.hidden",
        "ada/-dash",
        "ada/a--b",
        "ada/x.git",
        "ada/" + "n" * 97,
        "ada/a/b",
        "ada/\0",
        "ada/a\n",
        "ada/ﬁ",
        "a‍da/x",
        "/x",
        "ada/",
    ],
)
def test_names_that_look_like_others_or_like_paths_are_refused(
    ask: Callable[..., Answer], name: str
) -> None:
    owner, _, rest = name.partition("/")
    body = json.dumps({"organization": owner, "name": rest, "type": "model"}).encode()
    answer = ask(
        "POST", "/api/repos/create", body=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status in {400, 403, 404, 422}, answer
    assert answer.code


def test_a_range_that_makes_no_sense_does_not_break_a_download(
    ask: Callable[..., Answer], repo: str
) -> None:
    address = f"/{repo}/resolve/main/.gitattributes"
    size = len(ask("GET", address).body)
    beyond = ask("GET", address, headers={"Range": f"bytes={size}-"})
    assert beyond.status == 416
    assert beyond.headers["content-range"] == f"bytes */{size}"
    for odd in ("bytes=-0", "bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=" + "0-0," * 5000):
        answer = ask("GET", address, headers={"Range": odd})
        assert answer.status in {200, 206, 400, 416}, (odd, answer)
    last = ask("GET", address, headers={"Range": "bytes=-5"})
    assert last.status == 206
    assert len(last.body) == 5
