"""The rules of `test_authorisation.py`: for each machine route what a viewer needs, and an example.

An example must be refused for nothing but rights: whoever has them gets any other answer.
`spends` marks examples that leave the repository changed for the next viewer.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum


class Access(StrEnum):
    ANYONE = "anyone"
    MEMBER = "member"
    SEE = "see"
    READ = "read"
    CONTRIBUTE = "contribute"
    WRITE = "write"
    ADMIN = "admin"


def _nothing(repository: str) -> bytes:
    return b""


@dataclass(frozen=True)
class Rule:
    """`path` is an example address, `R` in it the repository; `also`: other fine verdicts."""

    wants: Access
    method: str
    path: str
    body: Callable[[str], bytes] = _nothing
    headers: dict[str, str] = field(default_factory=dict)
    spends: bool = False
    also: tuple[str, ...] = ()

    @property
    def is_of_repository(self) -> bool:
        return self.wants not in {Access.ANYONE, Access.MEMBER}

    def example(self, repository: str) -> tuple[str, str]:
        return self.method, self.path.replace("R", repository)


JSON = {"Content-Type": "application/json"}
LFS = {"Content-Type": "application/vnd.git-lfs+json"}
LINES = {"Content-Type": "application/x-ndjson"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
OID = "ab" * 32

API = "/api/{kind:plural}/{ns:seg}/{name:seg}"
PAGE = "/{kind:prefix}{ns:seg}/{name:seg}"
CAS = "/cas/g{generation:int}"


def sending(**fields: object) -> Callable[[str], bytes]:
    return lambda repository: json.dumps(fields).encode()


def _commit(repository: str) -> bytes:
    content = base64.b64encode(b"new").decode()
    lines = [
        {"key": "header", "value": {"summary": "change"}},
        {"key": "file", "value": {"path": "n.txt", "content": content, "encoding": "base64"}},
    ]
    return "\n".join(map(json.dumps, lines)).encode()


RULES: dict[tuple[str, str], Rule] = {}


def rule(
    wants: Access,
    method: str,
    route: str,
    example: str,
    *,
    body: Callable[[str], bytes] = _nothing,
    headers: dict[str, str] | None = None,
    spends: bool = False,
    also: tuple[str, ...] = (),
) -> None:
    RULES[method, route] = Rule(wants, method, example, body, headers or {}, spends, also)


# Reading a repository
rule(Access.SEE, "GET", API, "/api/models/R")
rule(Access.SEE, "GET", API + "/revision/{rev:seg}", "/api/models/R/revision/main")
rule(
    Access.READ,
    "GET",
    API + "/safetensors-metadata/{path:tail}",
    "/api/models/R/safetensors-metadata/w.safetensors",
)
rule(Access.SEE, "GET", API + "/tree/{rev:seg}", "/api/models/R/tree/main")
rule(Access.SEE, "GET", API + "/tree/{rev:seg}/{path:tail}", "/api/models/R/tree/main/a.txt")
rule(
    Access.SEE,
    "POST",
    API + "/paths-info/{rev:seg}",
    "/api/models/R/paths-info/main",
    body=lambda repository: b"paths=a.txt",
    headers=FORM,
)
rule(Access.READ, "GET", PAGE + "/resolve/{rev:seg}/{path:tail}", "/R/resolve/main/a.txt")
rule(Access.READ, "GET", PAGE + "/raw/{rev:seg}/{path:tail}", "/R/raw/main/a.txt")

# Committing
_PREUPLOAD = sending(files=[{"path": "n.txt", "size": 3, "sample": "bmV3"}])
rule(
    Access.WRITE,
    "POST",
    API + "/preupload/{rev:seg}",
    "/api/models/R/preupload/main",
    body=_PREUPLOAD,
    headers=JSON,
)
rule(
    Access.WRITE,
    "POST",
    API + "/commit/{rev:seg}",
    "/api/models/R/commit/main",
    body=_commit,
    headers=LINES,
    spends=True,
)

# Xet: the hub's own token endpoint asks for rights; the rest is opened by what it signed.
rule(
    Access.READ,
    "GET",
    "/api/{plural:seg}/{ns:seg}/{name:seg}/xet-{scope:seg}-token/{rev:seg}",
    "/api/models/R/xet-read-token/main",
)
