"""Content storage over HTTP: what honest clients need, and what dishonest ones are refused."""

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable

import httpx2
import lz4.frame
import pytest
from tests.conftest import HubServer
from tests.hub.xet_client import Storage, open_storage
from tests.wire.shards import uploaded
from tests.wire.xorbs import packed, root_of

from llmos.wire import ticket
from llmos.wire.xet import hashing, shard, xorb

NewRepo = Callable[..., str]
CHUNKS = 3


@pytest.fixture
def repo(new_repo: NewRepo) -> str:
    return new_repo()


@pytest.fixture
def storage(hub_server: HubServer, http: httpx2.Client, repo: str) -> Storage:
    return open_storage(hub_server, http, repo)


class Upload:
    """A random file of three chunks in one xorb, stored raw, LZ4 and BG4-LZ4."""

    def __init__(self) -> None:
        self.chunks = [os.urandom(4000), os.urandom(50) * 99, os.urandom(40) * 101]
        self.content = b"".join(self.chunks)
        schemes = [xorb.RAW, xorb.LZ4, xorb.BG4_LZ4]
        self.block = packed(list(zip(schemes, self.chunks, strict=True)))
        self.xorb = root_of(self.chunks)
        nodes = [(hashing.chunk_hash(c), len(c)) for c in self.chunks]
        self.file = hashing.to_text(hashing.file_hash(nodes))
        self.first_chunk = hashing.to_text(nodes[0][0])
        self.sha256 = hashlib.sha256(self.content).hexdigest()

    def shard(self, **forged: object) -> bytes:
        return uploaded(self.content, chunks=self.chunks, **forged)  # type: ignore[arg-type]

    def send(self, storage: Storage) -> "Upload":
        assert storage.send_xorb(self.xorb, self.block).json() == {"was_inserted": True}
        answer = storage.send_shard(self.shard())
        assert answer.json() == {"result": 1}, answer.text
        return self


def test_an_uploaded_file_can_be_put_together_again(storage: Storage) -> None:
    upload = Upload().send(storage)
    for version, fetch in (("v1", "fetch_info"), ("v2", "xorbs")):
        plan = storage.get(f"/{version}/reconstructions/{upload.file}").json()
        assert plan["offset_into_first_range"] == 0
        assert [term["range"] for term in plan["terms"]] == [{"start": 0, "end": CHUNKS}]
        (entry,) = plan[fetch][upload.xorb]
        span = entry["url_range"] if version == "v1" else entry["ranges"][0]["bytes"]
        headers = {"Range": f"bytes={span['start']}-{span['end']}"}
        answer = storage.http.get(entry["url"], headers=headers)
        assert answer.status_code == 206
        assert answer.content == upload.block


def test_a_byte_range_is_cut_at_chunk_borders(storage: Storage) -> None:
    upload = Upload().send(storage)
    answer = storage.get(f"/v2/reconstructions/{upload.file}", Range="bytes=4010-4011")
    plan = answer.json()
    assert plan["offset_into_first_range"] == 10
    assert plan["terms"][0]["range"] == {"start": 1, "end": 2}
    assert plan["terms"][0]["unpacked_length"] == len(upload.chunks[1])
    beyond = {"Range": f"bytes={len(upload.content)}-"}
    assert storage.get(f"/v2/reconstructions/{upload.file}", **beyond).status_code == 416


def test_sending_everything_twice_changes_nothing(storage: Storage) -> None:
    upload = Upload().send(storage)
    assert storage.send_xorb(upload.xorb, upload.block).json() == {"was_inserted": False}
    assert storage.send_shard(upload.shard()).json() == {"result": 0}
    assert storage.stream_shard(upload.shard()) == {"type": "result", "result": 0}


def test_an_empty_shard_file_list_is_taken(storage: Storage) -> None:
    upload = Upload()
    storage.send_xorb(upload.xorb, upload.block)
    whole = upload.shard()
    without_files = whole[:48] + b"\xff" * 32 + bytes(16) + whole[-48 * (CHUNKS + 2) :]
    assert storage.send_shard(without_files).json() == {"result": 0}


def _flipped(block: bytes) -> bytes:
    return block[:100] + bytes([block[100] ^ 1]) + block[101:]


def _bomb(block: bytes) -> bytes:
    payload = lz4.frame.compress(bytes(30_000_000))
    header = (len(payload) << 8).to_bytes(4, "little")
    return header + (100_000 << 8 | xorb.LZ4).to_bytes(4, "little") + payload


@pytest.mark.parametrize(
    "spoilt",
    [_flipped, _bomb, lambda b: b[:-1], lambda b: b"", lambda b: b + b"x", lambda b: b[::-1]],
    ids=["flipped byte", "bomb", "truncated", "empty", "longer", "reversed"],
)
def test_a_spoilt_xorb_is_refused_and_not_kept(
    hub_server: HubServer, storage: Storage, spoilt: Callable[[bytes], bytes]
) -> None:
    upload = Upload()
    assert storage.send_xorb(upload.xorb, spoilt(upload.block)).status_code == 400
    assert not (hub_server.home / "xorbs" / upload.xorb[:2] / upload.xorb).exists()
    assert list((hub_server.home / "uploads").iterdir()) == []
    upload.send(storage)


@pytest.mark.parametrize("name", ["x" * 64, "0" * 63, "..%2F..%2Fetc"])
def test_a_malformed_hash_is_refused(storage: Storage, name: str) -> None:
    assert storage.send_xorb(name, b"x").status_code == 400


def test_a_xorb_under_another_name_is_refused(storage: Storage) -> None:
    upload = Upload()
    answer = storage.send_xorb("0" * 64, upload.block)
    assert answer.status_code == 400
    assert upload.xorb in answer.json()["error"]


@pytest.mark.parametrize(
    ("forged", "sentence"),
    [
        ({"proof": bytes(32)}, "verification hash"),
        ({"proven": False}, "verification hash"),
        ({"file": bytes(32)}, "another file hash"),
        ({"sha256": "0" * 63 + "1"}, "was sent as sha256"),
        ({"end_chunk": CHUNKS + 1}, "no such chunk range"),
        ({"end_chunk": 0}, "no such chunk range"),
        ({"end_chunk": CHUNKS - 1}, "another length"),
        ({"raw_size": 7}, "another length"),
        ({"xorb": bytes(32)}, "unknown xorb"),
    ],
)
def test_a_forged_shard_is_refused_with_the_reason(
    storage: Storage, forged: dict[str, object], sentence: str
) -> None:
    upload = Upload()
    storage.send_xorb(upload.xorb, upload.block)
    answer = storage.send_shard(upload.shard(**forged))
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]
    streamed = storage.stream_shard(upload.shard(**forged))
    assert streamed["type"] == "error"
    assert streamed["retryable"] is False
    assert sentence in streamed["message"]
    assert storage.get(f"/v2/reconstructions/{upload.file}").status_code == 404


def test_a_shard_before_its_xorb_is_refused(storage: Storage) -> None:
    assert "unknown xorb" in storage.send_shard(Upload().shard()).json()["error"]


def test_a_truncated_shard_is_refused(storage: Storage) -> None:
    upload = Upload()
    storage.send_xorb(upload.xorb, upload.block)
    assert storage.send_shard(upload.shard()[:-50]).status_code == 400
    assert storage.send_shard(b"").status_code == 400


def test_nobody_reads_or_writes_without_a_good_token(
    hub_server: HubServer, http: httpx2.Client, repo: str, storage: Storage
) -> None:
    upload = Upload().send(storage)
    key = (hub_server.home / "secret.key").read_text()
    claims = {"s": "write", "r": 1, "u": None, "t": None, "i": True}
    expired = ticket.issue(claims, key=key, purpose="xet-token", expires=int(time.time()) - 1)
    foreign = ticket.issue(claims, key="k", purpose="xet-token", expires=int(time.time()) + 60)
    for token in ("", "nonsense", storage.token[:-2], expired, foreign):
        stranger = storage.with_token(token)
        assert stranger.send_xorb(upload.xorb, upload.block).status_code == 401
        assert stranger.send_shard(upload.shard()).status_code == 401
        assert stranger.get(f"/v2/reconstructions/{upload.file}").status_code == 401
    reader = open_storage(hub_server, http, repo, user="", scope="read")
    assert reader.send_xorb(upload.xorb, upload.block).status_code == 403
    assert reader.get(f"/v2/reconstructions/{upload.file}").status_code == 200


def test_a_revoked_access_token_ends_its_xet_tokens_at_once(
    hub_server: HubServer, http: httpx2.Client, repo: str
) -> None:
    secret = hub_server.command("tokens", "create", "ada", "--name", f"t-{time.time()}",
                                "--role", "write").strip()  # fmt: skip
    headers = {"Authorization": f"Bearer {secret}"}
    answer = http.get(f"{hub_server.url}/api/models/{repo}/xet-write-token/main", headers=headers)
    doomed = Storage(http, answer.json()["casUrl"], answer.json()["accessToken"])
    assert doomed.get(f"/v1/chunks/default/{'0' * 64}").status_code == 404
    _revoke(hub_server, secret)
    assert doomed.get(f"/v1/chunks/default/{'0' * 64}").status_code == 401


def _revoke(hub: HubServer, secret: str) -> None:
    with sqlite3.connect(hub.home / "llmos.sqlite3", timeout=20) as database:
        fingerprint = hashlib.sha256(secret.encode()).hexdigest()
        database.execute("DELETE FROM accounts_token WHERE fingerprint = ?", [fingerprint])
    database.close()


def test_a_file_is_only_had_through_a_repository_that_holds_it(
    hub_server: HubServer, http: httpx2.Client, storage: Storage, new_repo: NewRepo
) -> None:
    upload = Upload().send(storage)
    other = open_storage(hub_server, http, new_repo(), scope="read")
    assert other.get(f"/v2/reconstructions/{upload.file}").status_code == 404
    assert other.get(f"/v1/reconstructions/{upload.file}").status_code == 404


def test_a_signed_range_opens_nothing_else(storage: Storage) -> None:
    upload = Upload().send(storage)
    other = Upload().send(storage)
    plan = storage.get(f"/v2/reconstructions/{upload.file}", Range="bytes=0-10").json()
    entry = plan["xorbs"][upload.xorb][0]
    span = entry["ranges"][0]["bytes"]
    start, end, url = span["start"], span["end"], entry["url"]
    fetch = storage.http.get
    assert fetch(url, headers={"Range": f"bytes={start}-{end}"}).status_code == 206
    refused = ["bytes=0-", "bytes=-9", "lines=0-1", f"bytes={end}-{start}"]
    refused += [f"bytes={start}-{end + 1}", f"bytes={end + 1}-{end + 9}"]
    refused += [f"bytes=0-1,{end + 1}-{end + 2}"]
    for header in refused:
        assert fetch(url, headers={"Range": header}).status_code == 403, header
    assert fetch(url).status_code == 403
    swapped = url.replace(upload.xorb, other.xorb)
    assert fetch(swapped, headers={"Range": f"bytes={start}-{end}"}).status_code == 403
    assert fetch(url + "x", headers={"Range": f"bytes={start}-{end}"}).status_code == 403


def test_several_granted_ranges_come_in_one_answer(storage: Storage) -> None:
    upload = Upload().send(storage)
    url = storage.get(f"/v2/reconstructions/{upload.file}").json()["xorbs"][upload.xorb][0]["url"]
    answer = storage.http.get(url, headers={"Range": "bytes=0-9,20-29"})
    assert answer.status_code == 206
    assert answer.headers["content-type"].startswith("multipart/byteranges")
    assert f"bytes 20-29/{len(upload.block)}\r\n\r\n".encode() in answer.content
    assert upload.block[20:30] in answer.content


@pytest.mark.parametrize("prefix", ["default", "default-merkledb"])
def test_a_public_chunk_is_told_to_others_under_a_random_key(
    hub_server: HubServer, http: httpx2.Client, storage: Storage, new_repo: NewRepo, prefix: str
) -> None:
    upload = Upload().send(storage)
    eve = open_storage(hub_server, http, new_repo(owner="eve"), user="eve")
    answers = [eve.get(f"/v1/chunks/{prefix}/{upload.first_chunk}").content for _ in range(2)]
    keys = [answer[-200 + 72 : -200 + 104] for answer in answers]
    assert keys[0] != keys[1]
    (told,) = shard.parse(answers[0]).xorbs
    assert hashing.to_text(told.hash) == upload.xorb
    hashes = [hashing.keyed_hash(keys[0], hashing.chunk_hash(c)) for c in upload.chunks]
    assert [chunk for chunk, _ in told.chunks()] == hashes


def test_a_private_chunk_is_told_to_its_own_repository_only(
    hub_server: HubServer, http: httpx2.Client, new_repo: NewRepo
) -> None:
    private = open_storage(hub_server, http, new_repo(private=True))
    upload = Upload().send(private)
    eve = open_storage(hub_server, http, new_repo(owner="eve"), user="eve")
    assert private.get(f"/v1/chunks/default/{upload.first_chunk}").status_code == 200
    assert eve.get(f"/v1/chunks/default/{upload.first_chunk}").status_code == 404


def test_chunks_of_other_files_in_a_block_are_masked(
    hub_server: HubServer, http: httpx2.Client, new_repo: NewRepo
) -> None:
    private = open_storage(hub_server, http, new_repo(private=True))
    public = open_storage(hub_server, http, new_repo())
    upload = Upload()
    private.send_xorb(upload.xorb, upload.block)
    root = hashing.from_text(upload.xorb)
    first = upload.chunks[:1]
    part = uploaded(first[0], chunks=first, xorb=root)
    assert public.send_shard(part[: 48 * 6] + b"\xff" * 32 + bytes(16)).json() == {"result": 1}
    eve = open_storage(hub_server, http, new_repo(owner="eve"), user="eve")
    answer = eve.get(f"/v1/chunks/default/{upload.first_chunk}").content
    key = answer[-200 + 72 : -200 + 104]
    told = [chunk for chunk, _ in shard.parse(answer).xorbs[0].chunks()]
    real = [hashing.keyed_hash(key, hashing.chunk_hash(c)) for c in upload.chunks]
    assert [a == b for a, b in zip(told, real, strict=True)] == [True, False, False]


def test_unknown_routes_answer_404_so_that_clients_fall_back(storage: Storage) -> None:
    assert storage.post("/v1/xorb-grants/default/" + "0" * 64, b"{}").status_code == 404
    assert storage.get("/v9/anything").status_code == 404
    assert storage.get("/v1/chunks/default/" + "0" * 64).status_code == 404


def test_a_token_is_told_in_the_body_and_in_headers(
    hub_server: HubServer, http: httpx2.Client, repo: str
) -> None:
    answer = http.get(f"{hub_server.url}/api/models/{repo}/xet-read-token/main")
    body = answer.json()
    assert answer.headers["X-Xet-Access-Token"] == body["accessToken"]
    assert int(answer.headers["X-Xet-Token-Expiration"]) == body["exp"] >= time.time() + 15 * 60
    assert answer.headers["X-Xet-Cas-Url"] == body["casUrl"]


def test_who_may_have_which_token(
    hub_server: HubServer, http: httpx2.Client, repo: str, new_repo: NewRepo
) -> None:
    def ask(name: str, path: str, user: str) -> int:
        headers = {"Authorization": f"Bearer {hub_server.tokens[user]}"} if user else {}
        return http.get(f"{hub_server.url}/api/models/{name}/{path}", headers=headers).status_code

    assert ask(repo, "xet-write-token/main", "ada") == 200
    assert ask(repo, "xet-write-token/main", "eve") == 403
    assert ask(repo, "xet-write-token/None?create_pr=1", "eve") == 200
    assert ask(repo, "xet-write-token/refs%2Fpr%2F1", "eve") == 200
    assert ask(repo, "xet-write-token/None?create_pr=1", "") == 401
    private = new_repo(private=True)
    assert ask(private, "xet-read-token/main", "eve") == 404
    assert ask(private, "xet-read-token/main", "") == 401
