"""Members at a browser, and data sets as rows and commits, without a running hub."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client

from llmos.accounts.access import Viewer, viewer_of_user
from llmos.accounts.actions import create_user
from llmos.accounts.models import User
from llmos.hub import actions
from llmos.hub.git import refs, repos
from llmos.hub.git.draft import Draft
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository
from llmos.hub.tasks import refresh

PAIRS = "".join(
    f'{{"zh": "第{n}号房间", "en": "room number {n}", "n": "{n}"}}\n' for n in range(100, 140)
)

MakeRepository = Callable[..., Repository]


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()


@pytest.fixture
def ada(db: None) -> User:
    return create_user(name="ada")


@pytest.fixture
def bob(db: None) -> User:
    return create_user(name="bob")


@pytest.fixture
def viewer(ada: User) -> Viewer:
    return viewer_of_user(ada)


@pytest.fixture
def browser(ada: User) -> Client:
    """Ada's, signed in."""
    client = Client(HTTP_HOST="hub.test")
    client.force_login(ada, backend="llmos.accounts.sessions.Members")
    return client


@pytest.fixture
def repository(ada: User) -> MakeRepository:
    """Makes a repository of files: `repository({"train.jsonl": "…"}, private=True)`."""

    def make(
        files: dict[str, str | bytes],
        *,
        owner: User = ada,
        name: str = "rooms",
        kind: str = "dataset",
        private: bool = False,
    ) -> Repository:
        made = actions.create_repository(
            viewer=viewer_of_user(owner),
            kind=KINDS[kind],
            namespace=owner.username,
            name=name,
            visibility="private" if private else "public",
        )
        head = refs.read_ref(made.pk, repos.MAIN)
        assert head is not None
        draft = Draft(made.pk, head)
        draft.describe(summary="Add files", description="", author=owner.username)
        for path, content in files.items():
            draft.write(path, content.encode() if isinstance(content, str) else content)
        draft.land(repos.MAIN, old=head, retry=False)
        draft.discard()
        refresh(made)
        made.refresh_from_db()
        return made

    return make


def chosen(data: str, **more: Any) -> dict[str, Any]:
    """The form as it is sent once the data's columns were seen."""
    return {
        "data": data,
        "seen": data,
        "task": "translate",
        "source": "zh",
        "target": "en",
        "train": "train",
        "validation": "held-out",
        "size_translate": "tiny",
        "budget": "steps",
        "steps": "5",
        "owner": "ada",
        "name": "rooms-zh-en",
        "visibility": "data",
        "seed": "1",
        "do": "start",
        **more,
    }
