"""A definition that a form writes speaks of rows that are there."""

import pytest
from django.test import Client
from tests.evaluation.conftest import rows_file
from tests.evaluation.rows import made

from llmos.accounts.actions import create_user
from llmos.accounts.models import User
from llmos.evaluation.definitions import has_definition
from llmos.hub.git import refs
from llmos.hub.models import Repository

pytestmark = pytest.mark.django_db
FILLED = {
    "name": "Cats by hand",
    "version": "1.0",
    "task": "translation",
    "split": "test",
    "source": "zh",
    "target": "en",
    "metrics": "chrf",
}


@pytest.fixture
def ada() -> User:
    return create_user(name="ada")


def sent(ada: User, repository: Repository, **changes: str) -> tuple[int, str]:
    browser = Client()
    browser.force_login(ada)
    form = {**FILLED, "repository": repository.full_name, **changes}
    heard = browser.post("/benchmarks/new", form)
    return heard.status_code, heard.content.decode()


def is_defined(repository: Repository) -> bool:
    return has_definition(repository, refs.resolve(repository.pk, "main"))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"source": "chinese"}, "“test” of ada/rows has no column “chinese”; it has zh, en"),
        ({"target": "EN"}, "has no column “EN”; it has zh, en"),
        ({"prompt": "Say {zh} in {tongue}"}, "has no column “tongue”; it has zh, en"),
        ({"split": "dev"}, "ada/rows has no split “dev”; it has test"),
    ],
)
def test_columns_and_splits_that_are_not_there_are_refused_by_name(
    ada: User, wrong: dict[str, str], said: str
) -> None:
    repository = made(ada, "dataset", "rows", {"test.jsonl": rows_file()})
    status, page = sent(ada, repository, **wrong)
    assert (status, said in page, "Cats by hand" in page) == (422, True, True)
    assert not is_defined(repository)


def test_what_the_rows_have_is_taken(ada: User) -> None:
    repository = made(ada, "dataset", "rows", {"test.jsonl": rows_file()})
    assert sent(ada, repository, prompt="Say {zh} in English")[0] == 302
    assert is_defined(repository)


def test_a_definition_may_come_before_its_rows(ada: User) -> None:
    repository = made(ada, "dataset", "rows", {"README.md": b"# Soon\n"})
    assert sent(ada, repository)[0] == 302
