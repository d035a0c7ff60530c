"""Files by name against a running hub: headers, ranges, misses, and safe browsers."""

import base64
import hashlib
import json
from collections.abc import Iterator
from uuid import uuid4

import httpx2
import pytest
from tests.conftest import HubServer

TEXT = b"0123456789"


@pytest.fixture
def ada(hub_server: HubServer) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {hub_server.tokens['ada']}"}
    with httpx2.Client(base_url=hub_server.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def repository(ada: httpx2.Client) -> str:
    name = f"f-{uuid4().hex[:10]}"
    assert ada.post("/api/repos/create", json={"name": name}).status_code == 200
    put(ada, f"ada/{name}", "notes/digits.txt", TEXT)
    return f"ada/{name}"


def put(client: httpx2.Client, repository: str, path: str, content: bytes) -> None:
    value = {"path": path, "content": base64.b64encode(content).decode(), "encoding": "base64"}
    lines = [
        {"key": "header", "value": {"summary": "s", "description": ""}},
        {"key": "file", "value": value},
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    answer = client.post(f"/api/models/{repository}/commit/main", content=body)
    assert answer.status_code == 200, answer.text


def test_head_tells_what_a_cache_needs(ada: httpx2.Client, repository: str) -> None:
    head = ada.head(f"/{repository}/resolve/main/notes/digits.txt")
    sha = ada.get(f"/api/models/{repository}").json()["sha"]
    assert head.status_code == 200
    assert head.headers["X-Repo-Commit"] == sha
    assert head.headers["ETag"] == f'"{hashlib.sha1(b"blob 10" + bytes(1) + TEXT).hexdigest()}"'
    assert head.headers["Content-Length"] == "10"
    assert head.headers["Accept-Ranges"] == "bytes"
    assert "Location" not in head.headers


@pytest.mark.parametrize(
    ("asked", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, TEXT[:4], "bytes 0-3/10"),
        ("bytes=4-", 206, TEXT[4:], "bytes 4-9/10"),
        ("bytes=-3", 206, TEXT[-3:], "bytes 7-9/10"),
        ("bytes=0-100000", 206, TEXT, "bytes 0-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=0-1,3-4", 200, TEXT, None),
        ("lines=0-1", 200, TEXT, None),
        ("bytes=-", 200, TEXT, None),
        ("bytes=" + "9" * 100 + "-", 200, TEXT, None),
    ],
)
def test_ranges_of_small_files(
    ada: httpx2.Client,
    repository: str,
    asked: str,
    status: int,
    body: bytes,
    content_range: str | None,
) -> None:
    url = f"/{repository}/resolve/main/notes/digits.txt"
    answer = ada.get(url, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (status, body)
    assert answer.headers.get("Content-Range") == content_range


def test_an_unchanged_file_is_not_sent_again(ada: httpx2.Client, repository: str) -> None:
    url = f"/{repository}/resolve/main/notes/digits.txt"
    etag = ada.head(url).headers["ETag"]
    assert ada.get(url, headers={"If-None-Match": etag}).status_code == 304
    assert ada.get(url, headers={"Range": "bytes=0-1", "If-Range": '"old"'}).content == TEXT


def test_a_miss_tells_the_commit_so_that_clients_remember_it(
    ada: httpx2.Client, repository: str
) -> None:
    sha = ada.get(f"/api/models/{repository}").json()["sha"]
    for path in ["nope.json", "notes", "notes/digits.txt/x", "..%2Fx", "a%00b"]:
        miss = ada.head(f"/{repository}/resolve/main/{path}")
        assert (miss.status_code, miss.headers["X-Error-Code"]) == (404, "EntryNotFound"), path
        assert miss.headers["X-Repo-Commit"] == sha


def test_unknown_repositories_and_revisions_have_their_codes(
    ada: httpx2.Client, repository: str
) -> None:
    miss = ada.head(f"/{repository}/resolve/nope/x")
    assert (miss.status_code, miss.headers["X-Error-Code"]) == (404, "RevisionNotFound")
    miss = ada.head("/ada/nothing-here/resolve/main/x")
    assert (miss.status_code, miss.headers["X-Error-Code"]) == (404, "RepoNotFound")
    miss = ada.head("/gpt2/resolve/main/config.json")
    assert (miss.status_code, miss.headers["X-Error-Code"]) == (404, "RepoNotFound")


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.xhtml", "x.pdf", "x.js", "noending"])
def test_nothing_a_member_uploads_runs_in_a_browser(
    ada: httpx2.Client, repository: str, name: str
) -> None:
    put(ada, repository, name, b"<script>alert(1)</script>")
    head = ada.head(f"/{repository}/resolve/main/{name}")
    assert "sandbox" in head.headers["Content-Security-Policy"]
    assert "script" not in head.headers["Content-Security-Policy"]
    assert head.headers["X-Content-Type-Options"] == "nosniff"
    assert "html" not in head.headers["Content-Type"]


def test_a_file_name_in_any_language_is_offered_for_saving(
    ada: httpx2.Client, repository: str
) -> None:
    put(ada, repository, '数据 "1".txt', b"x")
    head = ada.head(f"/{repository}/resolve/main/" + "数据 %221%22.txt")
    disposition = head.headers["Content-Disposition"]
    assert "filename*=UTF-8''%E6%95%B0%E6%8D%AE%20%221%22.txt" in disposition
    assert 'filename="__ _1_.txt"' in disposition


def test_revisions_may_be_branches_with_slashes_tags_and_ids(
    ada: httpx2.Client, repository: str
) -> None:
    sha = ada.get(f"/api/models/{repository}").json()["sha"]
    made = ada.post(f"/api/models/{repository}/branch/feature%2Fone", json={})
    assert made.status_code == 200
    assert ada.post(f"/api/models/{repository}/tag/main", json={"tag": "v1"}).status_code == 200
    for rev in ["feature%2Fone", "refs%2Fheads%2Ffeature%2Fone", "v1", sha, sha[:7]]:
        assert ada.get(f"/{repository}/resolve/{rev}/notes/digits.txt").content == TEXT
    again = ada.post(f"/api/models/{repository}/branch/feature%2Fone", json={})
    assert again.status_code == 409
    assert again.json()["error"] == "Reference refs/heads/feature/one already exists"
    refused = ada.delete(f"/api/models/{repository}/branch/main")
    assert "Cannot delete refs/heads/main" in refused.json()["error"]


def test_paths_info_leaves_out_what_is_not_there(ada: httpx2.Client, repository: str) -> None:
    url = f"/api/models/{repository}/paths-info/main"
    asked = {"paths": ["notes", "notes/digits.txt", "nope"], "expand": "true"}
    found = ada.post(url, data=asked).json()
    assert [(e["type"], e["path"]) for e in found] == [
        ("directory", "notes"),
        ("file", "notes/digits.txt"),
    ]
    assert found[1]["lastCommit"]["title"] == "s"
    assert ada.post(url, json={"paths": ["nope"]}).json() == []


def test_a_tree_goes_on_by_link_at_the_same_commit(ada: httpx2.Client, repository: str) -> None:
    url = f"/api/models/{repository}/tree/main?recursive=true&limit=1"
    found = []
    while url:
        answer = ada.get(url)
        found += [entry["path"] for entry in answer.json()]
        if len(found) == 1:
            put(ada, repository, "later.txt", b"x")
        url = answer.links.get("next", {}).get("url", "")
    assert found == [".gitattributes", "notes", "notes/digits.txt"]
    missing = ada.get(f"/api/models/{repository}/tree/main/data")
    assert missing.headers["X-Error-Code"] == "EntryNotFound"
