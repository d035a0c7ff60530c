"""The rules of `test_authorisation.py`: for each machine route what a viewer needs, by example.

An example must be refused for nothing but rights: whoever has them gets any other answer,
so an example may ask for nonsense. `R` in its address or body is the repository.
"""

import base64
import json
from dataclasses import dataclass
from enum import StrEnum


class Access(StrEnum):
    ANYONE = "anyone"
    MEMBER = "member"
    SIGNED = "signed"  # opened by an address or a token that the hub signed; refused without
    OPERATOR = "operator"  # administrators of the hub only
    MODELS_ONLY = "models only"  # asks for another type than the repository's: always missing
    SEE = "see"
    READ = "read"
    USE = "use"  # whoever reads it and is signed in, with any token
    CONTRIBUTE = "contribute"
    WRITE = "write"
    ADMIN = "admin"


OF_REPOSITORY = {
    Access.SEE,
    Access.READ,
    Access.USE,
    Access.CONTRIBUTE,
    Access.WRITE,
    Access.ADMIN,
}


@dataclass(frozen=True)
class Rule:
    """`spends`: the example leaves no repository for the next viewer."""

    wants: Access
    method: str
    route: str
    path: str
    body: bytes = b""
    kind: str = "application/json"
    spends: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


JSON = "application/json"
LFS = "application/vnd.git-lfs+json"
LINES = "application/x-ndjson"
FORM = "application/x-www-form-urlencoded"
OID = "ab" * 32

API = "/api/{kind:plural}/{ns:seg}/{name:seg}"
ANY_API = "/api/{plural:seg}/{ns:seg}/{name:seg}"
PAGE = "/{kind:prefix}{ns:seg}/{name:seg}"
CAS = "/cas/g{generation:int}"
R = "/api/models/R"
CONTENT = base64.b64encode(b"new").decode()


def text(**fields: object) -> bytes:
    return json.dumps(fields).encode()


COMMIT = b"\n".join(
    text(key=key, value=value)
    for key, value in (
        ("header", {"summary": "change"}),
        ("file", {"path": "n.txt", "content": CONTENT, "encoding": "base64"}),
    )
)
FILES = text(files=[{"path": "n.txt", "size": 3, "sample": CONTENT}])
UPLOAD = text(operation="upload", objects=[{"oid": OID, "size": 3}])
DOWNLOAD = text(operation="download", objects=[{"oid": OID, "size": 3}])
VERIFY = text(oid=OID, size=3)

A = Access
READING = [
    Rule(A.SEE, "GET", API, R),
    Rule(A.SEE, "GET", API + "/revision/{rev:seg}", R + "/revision/main"),
    Rule(A.SEE, "GET", API + "/tree/{rev:seg}", R + "/tree/main"),
    Rule(A.SEE, "GET", API + "/tree/{rev:seg}/{path:tail}", R + "/tree/main/a.txt"),
    Rule(
        A.SEE, "POST", API + "/paths-info/{rev:seg}", R + "/paths-info/main", b"paths=a.txt", FORM
    ),
    Rule(A.SEE, "GET", API + "/refs", R + "/refs"),
    Rule(A.SEE, "GET", API + "/commits/{rev:seg}", R + "/commits/main"),
    Rule(A.SEE, "GET", API + "/lineage", R + "/lineage"),
    Rule(A.READ, "GET", API + "/compare/{span:seg}", R + "/compare/old..main"),
    Rule(
        A.READ,
        "GET",
        API + "/safetensors-metadata/{path:tail}",
        R + "/safetensors-metadata/w.safetensors",
    ),
    Rule(A.READ, "GET", PAGE + "/resolve/{rev:seg}/{path:tail}", "/R/resolve/main/a.txt"),
    Rule(A.READ, "GET", PAGE + "/resolve/{rev:seg}/{path:tail}", "/R/resolve/main/w.safetensors"),
    Rule(A.READ, "GET", PAGE + "/raw/{rev:seg}/{path:tail}", "/R/raw/main/a.txt"),
    Rule(A.READ, "GET", API + "/auth-check", R + "/auth-check"),
    Rule(A.WRITE, "GET", API + "/auth-check/write", R + "/auth-check/write"),
]
CHANGING = [
    Rule(A.WRITE, "POST", API + "/preupload/{rev:seg}", R + "/preupload/main", FILES),
    Rule(
        A.CONTRIBUTE,
        "POST",
        API + "/preupload/{rev:seg}",
        R + "/preupload/main?create_pr=1",
        FILES,
    ),
    Rule(A.WRITE, "POST", API + "/commit/{rev:seg}", R + "/commit/main", COMMIT, LINES),
    Rule(
        A.CONTRIBUTE,
        "POST",
        API + "/commit/{rev:seg}",
        R + "/commit/main?create_pr=1",
        COMMIT,
        LINES,
    ),
    Rule(A.WRITE, "POST", API + "/branch/{branch:seg}", R + "/branch/b", text()),
    Rule(A.WRITE, "DELETE", API + "/branch/{branch:seg}", R + "/branch/old"),
    Rule(A.WRITE, "POST", API + "/tag/{rev:seg}", R + "/tag/main", text(tag="t")),
    Rule(A.WRITE, "DELETE", API + "/tag/{rev:seg}", R + "/tag/v0"),
    Rule(A.WRITE, "POST", API + "/super-squash/{branch:seg}", R + "/super-squash/old", text()),
    Rule(A.ADMIN, "PUT", API + "/settings", R + "/settings", text(gated=False)),
    Rule(A.READ, "POST", API + "/duplicate", R + "/duplicate", text(repository="no/such/name")),
    Rule(A.ADMIN, "POST", "/api/repos/move", "/api/repos/move", text(fromRepo="R", toRepo="a/b/c")),
    Rule(A.ADMIN, "DELETE", "/api/repos/delete", "/api/repos/delete", text(name="R"), spends=True),
]
ONE = API + "/discussions/{number:int}"
COMMUNITY = [
    Rule(A.ANYONE, "GET", "/api/search", "/api/search?q=a"),
    Rule(A.SEE, "GET", API + "/discussions", R + "/discussions"),
    Rule(A.SEE, "GET", ONE, R + "/discussions/1"),
    Rule(A.CONTRIBUTE, "POST", API + "/discussions", R + "/discussions", text(title="words")),
    Rule(A.CONTRIBUTE, "POST", ONE + "/comment", R + "/discussions/1/comment", text(comment="x")),
    Rule(
        A.CONTRIBUTE,
        "POST",
        ONE + "/comment/{comment:seg}/edit",
        R + "/discussions/1/comment/0/edit",
        text(content="x"),
    ),
    Rule(
        A.CONTRIBUTE,
        "POST",
        ONE + "/comment/{comment:seg}/hide",
        R + "/discussions/1/comment/0/hide",
    ),
    Rule(A.WRITE, "POST", ONE + "/title", R + "/discussions/1/title", text(title="better")),
    Rule(A.WRITE, "POST", ONE + "/status", R + "/discussions/1/status", text(status="odd")),
    Rule(A.WRITE, "POST", ONE + "/merge", R + "/discussions/1/merge", text()),
    Rule(A.CONTRIBUTE, "POST", API + "/like", R + "/like"),
    Rule(A.CONTRIBUTE, "DELETE", API + "/like", R + "/like"),
    Rule(A.SEE, "GET", API + "/likers", R + "/likers"),
    Rule(A.CONTRIBUTE, "POST", API + "/ask-access", R + "/ask-access", text(reason="work")),
    Rule(
        A.ADMIN,
        "GET",
        API + "/user-access-request/{status:seg}",
        R + "/user-access-request/pending",
    ),
    Rule(
        A.ADMIN,
        "POST",
        API + "/user-access-request/handle",
        R + "/user-access-request/handle",
        text(user="nobody", status="accepted"),
    ),
    Rule(
        A.ADMIN,
        "POST",
        API + "/user-access-request/grant",
        R + "/user-access-request/grant",
        text(user="nobody"),
    ),
]
XET = [
    Rule(
        A.READ,
        "GET",
        ANY_API + "/xet-{scope:seg}-token/{rev:seg}",
        R + "/xet-read-token/main",
    ),
    Rule(
        A.WRITE,
        "GET",
        ANY_API + "/xet-{scope:seg}-token/{rev:seg}",
        R + "/xet-write-token/main",
    ),
    Rule(
        A.CONTRIBUTE,
        "GET",
        ANY_API + "/xet-{scope:seg}-token/{rev:seg}",
        R + "/xet-write-token/None?create_pr=1",
    ),
    Rule(A.SIGNED, "GET", CAS + "/xorb-data/{xorb:seg}", f"/cas/g1/xorb-data/{OID}"),
    Rule(
        A.SIGNED,
        "GET",
        CAS + "/{version:seg}/reconstructions/{file:seg}",
        f"/cas/g1/v2/reconstructions/{OID}",
    ),
    Rule(
        A.SIGNED,
        "POST",
        CAS + "/v1/xorbs/{prefix:seg}/{xorb:seg}",
        f"/cas/g1/v1/xorbs/default/{OID}",
        b"xorb",
    ),
    Rule(
        A.SIGNED,
        "GET",
        CAS + "/v1/chunks/{prefix:seg}/{chunk:seg}",
        f"/cas/g1/v1/chunks/default/{OID}",
    ),
    Rule(A.SIGNED, "POST", CAS + "/v1/shards", "/cas/g1/v1/shards", b"shard"),
    Rule(A.SIGNED, "POST", CAS + "/v2/shards", "/cas/g1/v2/shards", b"shard"),
    Rule(A.ANYONE, "POST", CAS + "/v1/telemetry", "/cas/g1/v1/telemetry", b"{}"),
    Rule(A.ANYONE, "POST", "/v1/telemetry", "/v1/telemetry", b"{}"),
    *(
        Rule(A.SIGNED, method, "/cas/{rest:tail}", "/cas/g1/v9/unknown")
        for method in ("GET", "POST", "PUT", "DELETE")
    ),
]


def lfs(prefix: str) -> list[Rule]:
    """The git-lfs routes, which each type has of its own."""
    base, route = f"/{prefix}R.git/info/lfs", f"/{prefix}{{ns:seg}}/{{name:seg}}/info/lfs"
    wants = {access: A.MODELS_ONLY if prefix else access for access in (A.READ, A.CONTRIBUTE)}
    batch = (f"{route}/objects/batch", f"{base}/objects/batch")
    return [
        Rule(wants[A.CONTRIBUTE], "POST", *batch, UPLOAD, LFS),
        Rule(wants[A.READ], "POST", *batch, DOWNLOAD, LFS),
        Rule(
            wants[A.READ], "POST", f"{route}/objects/verify", f"{base}/objects/verify", VERIFY, LFS
        ),
        Rule(wants[A.READ], "POST", f"{route}/locks/verify", f"{base}/locks/verify", b"{}", LFS),
        Rule(wants[A.READ], "POST", f"{route}/locks", f"{base}/locks", b"{}", LFS),
        Rule(wants[A.READ], "GET", f"{route}/locks", f"{base}/locks"),
    ]


LARGE_FILES = [
    *(rule for prefix in ("", "datasets/", "spaces/", "kernels/") for rule in lfs(prefix)),
    Rule(A.SIGNED, "GET", "/lfs/objects/{oid:seg}", f"/lfs/objects/{OID}"),
    Rule(A.SIGNED, "PUT", "/lfs/objects/{oid:seg}", f"/lfs/objects/{OID}", b"new"),
    Rule(A.SIGNED, "PUT", "/lfs/parts/{oid:seg}/{number:int}", f"/lfs/parts/{OID}/1", b"new"),
    Rule(A.SIGNED, "POST", "/lfs/parts/{oid:seg}", f"/lfs/parts/{OID}", b"{}"),
    Rule(A.WRITE, "PUT", ANY_API + "/upload", R + "/upload", b"new"),
    Rule(A.WRITE, "GET", ANY_API + "/lfs-files", R + "/lfs-files"),
    Rule(
        A.READ,
        "POST",
        ANY_API + "/lfs-files/duplicate",
        R + "/lfs-files/duplicate",
        text(target=7),
    ),
]
GIT = [
    Rule(A.READ, "GET", PAGE + "/info/refs", "/R.git/info/refs?service=git-upload-pack"),
    Rule(A.WRITE, "GET", PAGE + "/info/refs", "/R/info/refs?service=git-receive-pack"),
    Rule(A.READ, "POST", PAGE + "/git-upload-pack", "/R.git/git-upload-pack", b"0000"),
    Rule(A.WRITE, "POST", PAGE + "/git-receive-pack", "/R/git-receive-pack", b"0000"),
]
HOUSE = [
    Rule(A.MEMBER, "GET", "/api/whoami-v2", "/api/whoami-v2"),
    Rule(A.MEMBER, "POST", "/api/repos/create", "/api/repos/create", text(name="..")),
    Rule(A.MEMBER, "POST", "/uploads", "/uploads", b"x", "text/plain"),
    Rule(A.MEMBER, "GET", "/api/settings/repositories", "/api/settings/repositories"),
    Rule(
        A.ANYONE,
        "GET",
        "/api/organizations/{ns:seg}/settings/repositories",
        "/api/organizations/nobody/settings/repositories",
    ),
    Rule(A.ANYONE, "POST", "/api/validate-yaml", "/api/validate-yaml", text(content="x")),
    Rule(A.ANYONE, "GET", "/api/{kind:plural}", "/api/models"),
    Rule(A.ANYONE, "GET", "/api/{kind:plural}-tags-by-type", "/api/models-tags-by-type"),
    Rule(A.MODELS_ONLY, "GET", "/{name:seg}/resolve/{rev:seg}/{path:tail}", "/r/resolve/main/a"),
    *(
        Rule(A.ANYONE, "GET", f"/api/users/{{name:seg}}/{page}", f"/api/users/ada/{page}")
        for page in ("overview", "followers", "following")
    ),
    *(
        Rule(
            A.ANYONE,
            "GET",
            f"/api/organizations/{{name:seg}}/{page}",
            f"/api/organizations/x/{page}",
        )
        for page in ("overview", "members", "followers")
    ),
    Rule(A.ANYONE, "GET", "/api/users/{user:seg}/likes", "/api/users/ada/likes"),
    Rule(A.ANYONE, "GET", "/api/pictures/{name:seg}", "/api/pictures/ada"),
    Rule(A.ANYONE, "GET", "/media/{file:seg}", "/media/none.png"),
    Rule(A.ANYONE, "POST", "/oauth/device", "/oauth/device", b"client_id=x", FORM),
    Rule(A.ANYONE, "POST", "/oauth/token", "/oauth/token", b"grant_type=x", FORM),
    Rule(A.ANYONE, "GET", "/api/telemetry/{topic:tail}", "/api/telemetry/x"),
    Rule(A.ANYONE, "GET", "/api/agent-harnesses", "/api/agent-harnesses"),
    # An activity has rights of its own (tests/provenance/test_lineage.py).
    Rule(A.ANYONE, "GET", "/api/activities/{id:seg}", "/api/activities/none"),
    Rule(A.ANYONE, "GET", "/.well-known/llmos-keys.json", "/.well-known/llmos-keys.json"),
]
# Jobs have rights of their own (tests/jobs/test_rights.py): somebody else's looks missing to all.
JOB, A_JOB = "/api/jobs/{ns:seg}/{id:seg}", f"/api/jobs/ada/{'0' * 24}"
JOBS = [
    Rule(A.ANYONE, "GET", "/api/jobs/hardware", "/api/jobs/hardware"),
    Rule(A.MEMBER, "GET", "/api/jobs/{ns:seg}", "/api/jobs/ada"),
    Rule(A.MEMBER, "POST", "/api/jobs/{ns:seg}", "/api/jobs/nobody", text(activity="train")),
    Rule(A.ANYONE, "GET", JOB, A_JOB),
    *(
        Rule(A.ANYONE, "GET", f"{JOB}/{stream}", f"{A_JOB}/{stream}")
        for stream in ("logs", "metrics", "events")
    ),
    *(
        Rule(A.ANYONE, "POST", f"{JOB}/{deed}", f"{A_JOB}/{deed}", text())
        for deed in ("cancel", "resume", "duplicate")
    ),
    Rule(A.ANYONE, "PUT", JOB + "/labels", A_JOB + "/labels", text(labels={})),
    Rule(A.ANYONE, "GET", "/api/scheduled-jobs/{ns:seg}", "/api/scheduled-jobs/ada"),
    Rule(A.ANYONE, "PUT", JOB + "/artefacts/{name:seg}", A_JOB + "/artefacts/samples.jsonl", b"{}"),
]
MODEL_CALL = "/models/{ns:seg}/{name:seg}"
SERVING = [
    *(
        Rule(A.USE, "POST", f"/v1/{call}", f"/v1/{call}", text(model="R"))
        for call in ("chat/completions", "completions", "embeddings")
    ),
    *(
        Rule(A.USE, "POST", f"{MODEL_CALL}/v1/{call}", f"/models/R/v1/{call}", text())
        for call in ("chat/completions", "completions", "embeddings")
    ),
    Rule(A.USE, "POST", MODEL_CALL, "/models/R", text(inputs="x")),
    Rule(
        A.USE,
        "POST",
        MODEL_CALL + "/pipeline/{task:seg}",
        "/models/R/pipeline/feature-extraction",
        text(inputs="x"),
    ),
    Rule(A.USE, "GET", MODEL_CALL + "/info", "/models/R/info"),
    Rule(A.USE, "GET", MODEL_CALL + "/health", "/models/R/health"),
    Rule(A.USE, "GET", "/v1/models/{model:tail}", "/v1/models/R"),
    Rule(A.ANYONE, "GET", "/v1/models", "/v1/models"),
    Rule(A.OPERATOR, "GET", "/api/serving", "/api/serving"),
    Rule(A.OPERATOR, "DELETE", "/api/serving/{key:seg}", "/api/serving/none"),
]
# Threads and posts have rights of their own (tests/community/threads): a missing one is missing
# for all, and so is one that the viewer may not know of.
THREAD, POST = "/api/threads/{id:int}", "/api/posts/{id:int}"
THREADS = [
    Rule(A.ANYONE, "GET", "/api/threads", "/api/threads"),
    Rule(A.ANYONE, "GET", THREAD, "/api/threads/0"),
    Rule(A.ANYONE, "GET", THREAD + "/posts", "/api/threads/0/posts"),
    Rule(A.ANYONE, "POST", THREAD + "/posts", "/api/threads/0/posts", text(text="x")),
    Rule(A.ANYONE, "GET", POST, "/api/posts/0"),
    Rule(A.ANYONE, "PATCH", POST, "/api/posts/0", text(text="x", edits=0)),
    *(
        Rule(A.ANYONE, method, POST + "/reactions/{name:seg}", "/api/posts/0/reactions/heart")
        for method in ("PUT", "DELETE")
    ),
]
# Boards, results and receipts have rights of their own (tests/evaluation/test_boards.py).
BOARD = "/api/benchmarks/{ns:seg}/{name:seg}"
EVALUATION = [
    Rule(A.ANYONE, "GET", "/api/benchmarks", "/api/benchmarks"),
    Rule(A.MODELS_ONLY, "GET", BOARD, "/api/benchmarks/R"),
    Rule(A.MODELS_ONLY, "GET", BOARD + "/csv", "/api/benchmarks/R/csv"),
    *(
        Rule(
            A.ANYONE,
            "GET",
            f"/api/benchmark-tasks/{{task:seg}}{form}",
            f"/api/benchmark-tasks/x{form}",
        )
        for form in ("", "/csv")
    ),
    Rule(
        A.MODELS_ONLY,
        "GET",
        "/api/datasets/{ns:seg}/{name:seg}/leaderboard",
        "/api/datasets/R/leaderboard",
    ),
    Rule(A.MEMBER, "POST", "/api/evaluations", "/api/evaluations", text()),
    Rule(A.SEE, "GET", "/api/models/{ns:seg}/{name:seg}/results", R + "/results"),
    Rule(A.ANYONE, "GET", "/api/results/{id:seg}", "/api/results/none"),
    Rule(A.ANYONE, "GET", "/results/{id:seg}/samples.jsonl", "/results/none/samples.jsonl"),
    Rule(A.ANYONE, "GET", "/receipts/{digest:seg}", "/receipts/none"),
]
# Whose news it is follows from who asks (tests/community/notifications/test_api.py).
NEWS = [
    Rule(A.MEMBER, "GET", "/api/notifications", "/api/notifications"),
    Rule(A.MEMBER, "GET", "/api/notifications/unread", "/api/notifications/unread"),
    Rule(A.MEMBER, "POST", "/api/notifications/seen", "/api/notifications/seen", text(ids=[])),
]
# What one may not see cannot be followed (tests/community/social/test_following.py).
FOLLOWS = [
    Rule(A.MEMBER, "GET", "/api/feed", "/api/feed"),
    Rule(A.MEMBER, "GET", "/api/follows", "/api/follows"),
    *(
        Rule(A.MEMBER, method, "/api/follows/{what:tail}", "/api/follows/ada")
        for method in ("GET", "PUT", "DELETE")
    ),
]
# Git before changes: who has proposed a change may push to it.
RULES = [
    *READING,
    *GIT,
    *XET,
    *LARGE_FILES,
    *COMMUNITY,
    *THREADS,
    *CHANGING,
    *HOUSE,
    *JOBS,
    *SERVING,
    *EVALUATION,
    *FOLLOWS,
    *NEWS,
]
