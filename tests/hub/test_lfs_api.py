"""git-lfs and the signed addresses behind it, over HTTP."""

import hashlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from tests.conftest import HubServer

from llmos.wire import ticket

NewRepo = Callable[..., str]


@dataclass(frozen=True)
class Member:
    http: httpx2.Client
    hub: HubServer
    user: str

    def call(self, method: str, path: str, **more: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.hub.tokens[self.user]}"} if self.user else {}
        return self.http.request(method, self.hub.url + path, headers=headers, **more)

    def batch(self, repo: str, operation: str, content: bytes, **more: Any) -> httpx2.Response:
        objects = [{"oid": hashlib.sha256(content).hexdigest(), "size": len(content)}]
        asked = {"operation": operation, "objects": objects, **more}
        return self.call("POST", f"/{repo}.git/info/lfs/objects/batch", json=asked)

    def action(self, repo: str, operation: str, content: bytes, **more: Any) -> dict[str, Any]:
        answer = self.batch(repo, operation, content, **more)
        assert answer.status_code == 200, answer.text
        (told,) = answer.json()["objects"]
        found: dict[str, Any] = told["actions"][operation]
        return found

    def push(self, repo: str, content: bytes) -> None:
        href = self.action(repo, "upload", content)["href"]
        assert self.http.put(href, content=content).status_code == 200


@pytest.fixture
def ada(hub_server: HubServer, http: httpx2.Client) -> Member:
    return Member(http, hub_server, "ada")


@pytest.fixture
def eve(hub_server: HubServer, http: httpx2.Client) -> Member:
    return Member(http, hub_server, "eve")


@pytest.fixture
def anybody(hub_server: HubServer, http: httpx2.Client) -> Member:
    return Member(http, hub_server, "")


@pytest.fixture
def repo(new_repo: NewRepo) -> str:
    return new_repo()


def test_a_file_goes_up_is_verified_and_comes_down(ada: Member, anybody: Member, repo: str) -> None:
    content = os.urandom(100_000)
    told = ada.batch(repo, "upload", content).json()
    assert told["transfer"] == "basic"
    actions = told["objects"][0]["actions"]
    assert ada.http.put(actions["upload"]["href"], content=content).status_code == 200
    named = {"oid": told["objects"][0]["oid"], "size": len(content)}
    verify = actions["verify"]["href"].removeprefix(ada.hub.url)
    assert ada.call("POST", verify, json=named).status_code == 200
    assert ada.call("POST", verify, json={**named, "size": 1}).status_code == 404
    assert "actions" not in ada.batch(repo, "upload", content).json()["objects"][0]
    href = anybody.action(repo, "download", content)["href"]
    assert ada.http.get(href).content == content


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [("bytes=0-", 0, 5000), ("bytes=10-19", 10, 20), ("bytes=-5", 4995, 5000),
     ("bytes=4990-9999", 4990, 5000), ("bytes=-9999", 0, 5000)],
)  # fmt: skip
def test_one_range_is_answered_with_206(
    ada: Member, repo: str, header: str, start: int, end: int
) -> None:
    content = os.urandom(5000)
    ada.push(repo, content)
    href = ada.action(repo, "download", content)["href"]
    answer = ada.http.get(href, headers={"Range": header})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/5000"
    assert answer.content == content[start:end]


def test_a_range_beyond_the_end_is_416(ada: Member, repo: str) -> None:
    content = os.urandom(5000)
    ada.push(repo, content)
    href = ada.action(repo, "download", content)["href"]
    for header in ("bytes=5000-", "bytes=-0"):
        answer = ada.http.get(href, headers={"Range": header})
        assert answer.status_code == 416
        assert answer.headers["Content-Range"] == "bytes */5000"
    assert ada.http.get(href, headers={"Range": "lines=1-2"}).status_code == 200
    head = ada.http.head(href)
    assert (head.headers["Content-Length"], head.content) == ("5000", b"")


def test_other_bytes_than_announced_are_not_kept(
    hub_server: HubServer, ada: Member, repo: str
) -> None:
    content = os.urandom(5000)
    href = ada.action(repo, "upload", content)["href"]
    for wrong, status in ((content[::-1], 422), (content[:-1], 422), (content + b"x", 413)):
        assert ada.http.put(href, content=wrong).status_code == status
    assert "error" in ada.batch(repo, "download", content).json()["objects"][0]
    sha256 = hashlib.sha256(content).hexdigest()
    assert not (hub_server.home / "blobs" / sha256[:2] / sha256).exists()


def test_a_signed_address_opens_one_thing_one_way(
    hub_server: HubServer, ada: Member, repo: str
) -> None:
    content, other = os.urandom(5000), os.urandom(5000)
    ada.push(repo, content)
    down = ada.action(repo, "download", content)["href"]
    up = ada.action(repo, "upload", other)["href"]
    sha256 = hashlib.sha256(content).hexdigest()
    other_sha256 = hashlib.sha256(other).hexdigest()
    assert ada.http.put(down, content=content).status_code == 403
    assert ada.http.get(up).status_code == 403
    assert ada.http.put(up.replace(other_sha256, sha256), content=content).status_code == 403
    assert ada.http.get(down.split("?")[0]).status_code == 403
    expired = ticket.issue(
        {"c": [1, sha256, 5000, ""]},
        key=(hub_server.home / "secret.key").read_text(),
        purpose="lfs-down",
        expires=int(time.time()) - 1,
    )
    assert ada.http.get(f"{down.split('?')[0]}?s={expired}").status_code == 403


def test_knowing_a_hash_is_no_right_to_the_bytes(
    ada: Member, eve: Member, new_repo: NewRepo
) -> None:
    content = os.urandom(5000)
    private, hers = new_repo(private=True), new_repo(owner="eve")
    ada.push(private, content)
    assert "error" in eve.batch(hers, "download", content).json()["objects"][0]
    assert "actions" in eve.batch(hers, "upload", content).json()["objects"][0]
    assert "error" in eve.batch(hers, "download", content).json()["objects"][0]
    eve.push(hers, content)
    assert "actions" in eve.batch(hers, "download", content).json()["objects"][0]


def test_content_that_the_uploader_may_read_need_not_be_sent(
    ada: Member, eve: Member, repo: str, new_repo: NewRepo
) -> None:
    content = os.urandom(5000)
    ada.push(repo, content)
    hers = new_repo(owner="eve")
    assert "actions" not in eve.batch(hers, "upload", content).json()["objects"][0]
    assert "actions" in eve.batch(hers, "download", content).json()["objects"][0]


def test_strangers_are_refused_in_words_that_git_lfs_reads(
    anybody: Member, eve: Member, repo: str, new_repo: NewRepo
) -> None:
    asked = anybody.batch(repo, "upload", b"x")
    assert asked.status_code == 401
    assert asked.headers["LFS-Authenticate"].startswith("Basic")
    assert asked.json()["message"]
    private = new_repo(private=True)
    assert eve.batch(private, "download", b"x").status_code == 404
    assert anybody.batch(private, "download", b"x").status_code == 401


def test_locking_is_declined(ada: Member, repo: str) -> None:
    answer = ada.call("POST", f"/{repo}.git/info/lfs/locks/verify", json={})
    assert answer.status_code == 404
    assert "locking" in answer.json()["message"]


@pytest.mark.parametrize(
    "named",
    [{"oid": "x", "size": 1}, {"oid": "0" * 64, "size": -1}, {"oid": "0" * 64, "size": True},
     {"oid": "0" * 64}, "text", {"oid": "../" * 21 + "a", "size": 1}],
)  # fmt: skip
def test_a_malformed_object_is_refused(ada: Member, repo: str, named: object) -> None:
    asked = {"operation": "upload", "objects": [named]}
    answer = ada.call("POST", f"/{repo}.git/info/lfs/objects/batch", json=asked)
    assert answer.status_code == 422


def test_a_large_file_goes_up_in_parts(ada: Member, repo: str) -> None:
    content = bytes(128 * 2**20) + os.urandom(1000)
    upload = ada.action(repo, "upload", content, transfers=["basic", "multipart"])
    part = int(upload["header"]["chunk_size"])
    pieces = [content[start : start + part] for start in range(0, len(content), part)]
    assert len(pieces) == 2
    addresses = [upload["header"][f"{number:05d}"] for number in (1, 2)]
    assert ada.http.put(addresses[1], content=pieces[1][:-1]).status_code == 422
    etags = [
        ada.http.put(address, content=piece).headers["ETag"]
        for address, piece in zip(addresses, pieces, strict=True)
    ]
    parts = [{"partNumber": n, "etag": etag} for n, etag in enumerate(etags, 1)]
    done = {"oid": hashlib.sha256(content).hexdigest(), "parts": parts}
    assert ada.http.post(upload["href"], json={**done, "parts": parts[:1]}).status_code == 400
    assert ada.http.post(upload["href"], json=done).status_code == 200
    assert ada.http.post(upload["href"], json=done).status_code == 404
    href = ada.action(repo, "download", content)["href"]
    assert ada.http.get(href, headers={"Range": "bytes=-1000"}).content == content[-1000:]


def test_a_browser_sends_a_file_as_it_is(ada: Member, eve: Member, repo: str) -> None:
    content = os.urandom(5000)
    answer = ada.call("PUT", f"/api/models/{repo}/upload", content=content)
    assert answer.json() == {"oid": hashlib.sha256(content).hexdigest(), "size": 5000}
    assert eve.call("PUT", f"/api/models/{repo}/upload", content=content).status_code == 403
    listed = ada.call("GET", f"/api/models/{repo}/lfs-files").json()
    assert [(file["oid"], file["size"]) for file in listed] == [(answer.json()["oid"], 5000)]


def test_files_are_copied_between_repositories_without_their_bytes(
    ada: Member, eve: Member, repo: str, new_repo: NewRepo
) -> None:
    content = os.urandom(5000)
    ada.push(repo, content)
    sha256 = hashlib.sha256(content).hexdigest()
    target, hers = new_repo(), new_repo(owner="eve")
    files = [{"sha256": sha256, "xetHash": "", "filename": "a"}, {"sha256": "0" * 64}]
    asked = {"target": {"type": "model", "name": target}, "files": files}
    answer = ada.call("POST", f"/api/models/{repo}/lfs-files/duplicate", json=asked)
    assert [failure["sha256"] for failure in answer.json()["failed"]] == ["0" * 64]
    assert "actions" in ada.batch(target, "download", content).json()["objects"][0]
    asked["target"] = {"type": "model", "name": hers}
    path = f"/api/models/{repo}/lfs-files/duplicate"
    assert ada.call("POST", path, json=asked).status_code == 403


def test_every_uploaded_file_becomes_xet_content(
    hub_server: HubServer, ada: Member, repo: str
) -> None:
    content = os.urandom(300_000) + bytes(300_000)
    ada.push(repo, content)
    sha256 = hashlib.sha256(content).hexdigest()
    href = ada.action(repo, "download", content)["href"]
    token = ada.call("GET", f"/api/models/{repo}/xet-read-token/main").json()
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        found = _xet_hash(hub_server, sha256)
        if found:
            break
        time.sleep(0.2)
    assert found
    url = f"{token['casUrl']}/v2/reconstructions/{found}"
    headers = {"Authorization": f"Bearer {token['accessToken']}"}
    assert ada.http.get(url, headers=headers).status_code == 200
    assert ada.http.get(href).content == content
    assert (
        ada.http.get(href, headers={"Range": "bytes=299990-300009"}).content
        == (content[299990:300010])
    )


def _xet_hash(hub: HubServer, sha256: str) -> str:
    import sqlite3

    with sqlite3.connect(f"file:{hub.home}/llmos.sqlite3?mode=ro", uri=True) as database:
        (found,) = database.execute(
            "SELECT xet_hash FROM hub_lfsobject WHERE sha256 = ? AND NOT whole", [sha256]
        ).fetchone() or ("",)
    database.close()
    return str(found)
