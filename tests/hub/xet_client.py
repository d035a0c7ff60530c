"""A bare Xet client: sends what a test makes, forged or not, and shows the answers."""

from dataclasses import dataclass
from typing import Any

import httpx2
import orjson
from tests.conftest import HubServer


@dataclass(frozen=True)
class Storage:
    """Content storage as one member sees it on behalf of one repository."""

    http: httpx2.Client
    url: str
    token: str

    def post(self, path: str, body: bytes) -> httpx2.Response:
        return self.http.post(self.url + path, content=body, headers=self.headers())

    def get(self, path: str, **headers: str) -> httpx2.Response:
        return self.http.get(self.url + path, headers={**self.headers(), **headers})

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def send_xorb(self, name: str, body: bytes) -> httpx2.Response:
        return self.post(f"/v1/xorbs/default/{name}", body)

    def send_shard(self, body: bytes) -> httpx2.Response:
        return self.post("/v1/shards", body)

    def stream_shard(self, body: bytes) -> dict[str, Any]:
        """The last line of a streamed registration."""
        answer = self.post("/v2/shards", body)
        assert answer.status_code == 200, answer.text
        last: dict[str, Any] = orjson.loads(answer.content.splitlines()[-1])
        return last

    def with_token(self, token: str) -> "Storage":
        return Storage(self.http, self.url, token)


def open_storage(
    hub: HubServer, http: httpx2.Client, repo: str, *, user: str = "ada", scope: str = "write"
) -> Storage:
    headers = {"Authorization": f"Bearer {hub.tokens[user]}"} if user else {}
    answer = http.get(f"{hub.url}/api/models/{repo}/xet-{scope}-token/main", headers=headers)
    assert answer.status_code == 200, answer.text
    return Storage(http, answer.json()["casUrl"], answer.json()["accessToken"])
