"""Commits over HTTP against a running hub: what lands, what is refused, and how it is said."""

import base64
import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from tests.conftest import HubServer


@pytest.fixture
def ada(hub_server: HubServer) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {hub_server.tokens['ada']}"}
    with httpx2.Client(base_url=hub_server.url, headers=headers, timeout=120) as client:
        yield client


@pytest.fixture
def eve(hub_server: HubServer) -> Iterator[httpx2.Client]:
    headers = {"Authorization": f"Bearer {hub_server.tokens['eve']}"}
    with httpx2.Client(base_url=hub_server.url, headers=headers, timeout=120) as client:
        yield client


@pytest.fixture
def repository(ada: httpx2.Client) -> str:
    name = f"c-{uuid4().hex[:10]}"
    assert ada.post("/api/repos/create", json={"name": name}).status_code == 200
    return f"ada/{name}"


def line(key: str, **value: Any) -> bytes:
    return json.dumps({"key": key, "value": value}).encode() + b"\n"


def put(path: str, content: bytes) -> bytes:
    return line("file", path=path, content=base64.b64encode(content).decode(), encoding="base64")


def commit(
    client: httpx2.Client, repository: str, *lines: bytes, rev: str = "main", **header: Any
) -> httpx2.Response:
    query = "?create_pr=1" if header.pop("create_pr", False) else ""
    body = line("header", **{"summary": "Change", "description": "", **header}) + b"".join(lines)
    return client.post(
        f"/api/models/{repository}/commit/{rev}{query}",
        content=body,
        headers={"Content-Type": "application/x-ndjson"},
    )


def files(client: httpx2.Client, repository: str, rev: str = "main") -> set[str]:
    listed = client.get(f"/api/models/{repository}/tree/{rev}?recursive=true").json()
    return {entry["path"] for entry in listed if entry["type"] == "file"}


def test_a_commit_lands_and_says_where(ada: httpx2.Client, repository: str) -> None:
    answer = commit(ada, repository, put("a/b.txt", b"hello"), summary="Add b").json()
    assert answer["success"] is True
    assert answer["commitUrl"].endswith(f"/{repository}/commit/{answer['commitOid']}")
    assert ada.get(f"/{repository}/resolve/main/a/b.txt").content == b"hello"
    newest = ada.get(f"/api/models/{repository}/commits/main").json()[0]
    assert (newest["id"], newest["title"]) == (answer["commitOid"], "Add b")
    assert newest["authors"] == [{"user": "ada"}]
    info = ada.get(f"/api/models/{repository}").json()
    assert info["sha"] == answer["commitOid"]


def test_deletions_of_files_and_folders(ada: httpx2.Client, repository: str) -> None:
    commit(ada, repository, put("a/1", b"1"), put("a/2", b"2"), put("b", b"3"))
    commit(ada, repository, line("deletedFile", path="b"), line("deletedFolder", path="a/"))
    assert files(ada, repository) == {".gitattributes"}
    refused = commit(ada, repository, line("deletedFile", path="b"))
    assert refused.status_code == 404
    assert refused.headers["X-Error-Code"] == "EntryNotFound"
    assert "A file with this name doesn't exist" in refused.json()["error"]


def test_a_commit_on_an_old_parent_is_told_to_refresh(ada: httpx2.Client, repository: str) -> None:
    parent = ada.get(f"/api/models/{repository}").json()["sha"]
    assert commit(ada, repository, put("a", b"1"), parentCommit=parent[:7]).status_code == 200
    refused = commit(ada, repository, put("b", b"1"), parentCommit=parent)
    assert refused.status_code == 412
    assert refused.headers["X-Error-Message"] == (
        "The branch was updated since you opened this page. Please refresh and try again."
    )


def test_commits_at_the_same_moment_are_all_kept(ada: httpx2.Client, repository: str) -> None:
    with ThreadPoolExecutor(8) as writers:
        answers = list(
            writers.map(lambda n: commit(ada, repository, put(f"{n}.txt", b"%d" % n)), range(24))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert files(ada, repository) == {".gitattributes", *(f"{n}.txt" for n in range(24))}
    # the row tells the newest commit, whoever was recorded last
    listed = ada.get(f"/api/models?search={repository.split('/')[1]}&full=true").json()
    assert not listed or listed[0]["sha"] == ada.get(f"/api/models/{repository}").json()["sha"]


def test_a_large_file_needs_its_content_first(ada: httpx2.Client, repository: str) -> None:
    content = b"\0weights" * 1000
    oid = hashlib.sha256(content).hexdigest()
    named = line("lfsFile", path="w.bin", algo="sha256", oid=oid, size=len(content))
    refused = commit(ada, repository, named)
    assert refused.status_code == 400
    assert "was not uploaded" in refused.json()["error"]
    assert files(ada, repository) == {".gitattributes"}

    batch = ada.post(
        f"/{repository}.git/info/lfs/objects/batch",
        json={
            "operation": "upload",
            "transfers": ["basic"],
            "objects": [{"oid": oid, "size": len(content)}],
            "hash_algo": "sha256",
        },
    ).json()
    upload = batch["objects"][0]["actions"]["upload"]
    assert httpx2.put(upload["href"], content=content).status_code == 200
    assert commit(ada, repository, named).status_code == 200
    found = ada.get(f"/api/models/{repository}/tree/main").json()
    entry = next(e for e in found if e["path"] == "w.bin")
    assert entry["size"] == entry["lfs"]["size"] == len(content)
    assert entry["lfs"]["oid"] == oid
    assert ada.get(f"/{repository}/resolve/main/w.bin").content == content
    # a copy names the content without its size
    assert commit(ada, repository, line("lfsFile", path="c.bin", oid=oid)).status_code == 200
    wrong = line("lfsFile", path="d.bin", oid=oid, size=3)
    assert commit(ada, repository, wrong).status_code == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("../x", 422),
        ("a\\b", 422),
        (".git/config", 422),
        ("/x", 422),
        ("a//b", 422),
        ("x" * 5000, 422),
    ],
)
def test_bad_paths_are_refused_in_commit_and_preupload(
    ada: httpx2.Client, repository: str, path: str, status: int
) -> None:
    assert commit(ada, repository, put(path, b"x")).status_code == status
    asked = {"files": [{"path": path, "size": 1, "sample": ""}]}
    answer = ada.post(f"/api/models/{repository}/preupload/main", json=asked)
    assert answer.status_code == status


def test_names_that_collide_are_refused(ada: httpx2.Client, repository: str) -> None:
    refused = commit(ada, repository, put("Read.md", b"1"), put("READ.md", b"2"))
    assert refused.status_code == 422
    assert "differ only by letter case" in refused.json()["error"]
    commit(ada, repository, put("folder/x", b"1"))
    assert commit(ada, repository, put("folder", b"1")).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n\n",
        b"{}\n",
        b"[1]\n",
        b"not json\n",
        b'{"key":"file","value":{"path":"a"}}\n',
        line("header", summary=3),
        line("header", summary="a") * 2,
        line("deletedFile", path="x"),
    ],
)
def test_garbage_is_refused_and_nothing_changes(
    ada: httpx2.Client, repository: str, body: bytes
) -> None:
    answer = ada.post(f"/api/models/{repository}/commit/main", content=body)
    assert answer.status_code == 400
    assert answer.headers["X-Error-Code"]
    assert len(ada.get(f"/api/models/{repository}/commits/main").json()) == 1


def test_a_body_cut_short_changes_nothing(ada: httpx2.Client, repository: str) -> None:
    def body() -> Iterator[bytes]:
        yield line("header", summary="s", description="")
        for number in range(200):
            yield put(f"{number}.txt", b"x")
        raise ConnectionError

    with pytest.raises(ConnectionError):
        ada.post(f"/api/models/{repository}/commit/main", content=body())
    assert files(ada, repository) == {".gitattributes"}


def test_a_stranger_may_propose_but_not_commit(
    ada: httpx2.Client, eve: httpx2.Client, repository: str
) -> None:
    assert commit(eve, repository, put("x", b"1")).status_code == 403
    anonymous = httpx2.Client(base_url=ada.base_url)
    assert commit(anonymous, repository, put("x", b"1")).status_code == 401
    anonymous.close()

    proposed = commit(eve, repository, put("x", b"1"), create_pr=True, summary="Better")
    assert proposed.status_code == 200
    number = proposed.json()["pullRequestUrl"].rpartition("/")[2]
    rev = f"refs%2Fpr%2F{number}"
    assert files(ada, repository, rev) == {".gitattributes", "x"}
    assert files(ada, repository) == {".gitattributes"}
    # its author goes on with it, another stranger does not
    assert commit(eve, repository, put("y", b"2"), rev=rev).status_code == 200
    shown = ada.get(f"/api/models/{repository}/refs?include_prs=1").json()
    assert [ref["ref"] for ref in shown["pullRequests"]] == [f"refs/pr/{number}"]


@pytest.mark.parametrize("rev", ["nope", "f" * 40, "refs%2Fpr%2F99", "refs%2Fstaging%2Fx"])
def test_only_branches_that_exist_take_commits(
    ada: httpx2.Client, repository: str, rev: str
) -> None:
    refused = commit(ada, repository, put("x", b"1"), rev=rev)
    assert (refused.status_code, refused.headers["X-Error-Code"]) == (404, "RevisionNotFound")
    refused = commit(ada, repository, put("x", b"1"), rev=rev, create_pr=True)
    assert refused.status_code == 404


def test_preupload_follows_attributes_size_sample_and_ignore_rules(
    ada: httpx2.Client, repository: str
) -> None:
    attributes = b"*.bin filter=lfs\n*.dat -filter\n"
    commit(ada, repository, put(".gitattributes", attributes), put("old.txt", b"old"))
    sent = [
        ("x.bin", 10, b"text"),
        ("x.dat", 10, b"\0\1\2"),
        ("x.png", 10, b"\x89PNG\0"),
        ("big.txt", 11_000_000, b"text"),
        ("small.txt", 10, "中文".encode()),
        ("old.txt", 3, b"old"),
        ("empty.bin", 0, b""),
        ("skip/this.log", 5, b"text"),
    ]
    asked = {
        "files": [
            {"path": path, "size": size, "sample": base64.b64encode(sample).decode()}
            for path, size, sample in sent
        ],
        "gitIgnore": "*.log\n",
    }
    answer = ada.post(f"/api/models/{repository}/preupload/main", json=asked).json()["files"]
    found = {file["path"]: file for file in answer}
    assert {path: file["uploadMode"] for path, file in found.items()} == {
        "x.bin": "lfs",
        "x.dat": "regular",
        "x.png": "lfs",
        "big.txt": "lfs",
        "small.txt": "regular",
        "old.txt": "regular",
        "empty.bin": "regular",
        "skip/this.log": "regular",
    }
    assert [path for path, file in found.items() if file["shouldIgnore"]] == ["skip/this.log"]
    assert found["old.txt"]["oid"] == hashlib.sha1(b"blob 3\0old").hexdigest()
    assert found["x.bin"]["oid"] is None


def test_twelve_texts_of_nine_megabytes_pass(ada: httpx2.Client, repository: str) -> None:
    text = (b"a line of text\n" * 700_000)[: 9 * 2**20]
    assert commit(ada, repository, *(put(f"{n}.txt", text) for n in range(12))).status_code == 200
    head = ada.head(f"/{repository}/resolve/main/11.txt")
    assert int(head.headers["Content-Length"]) == len(text)
