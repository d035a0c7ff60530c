"""A hub's first categories, and people in them."""

import pytest
from tests.community.forum.rows import member

from llmos.accounts.access import Viewer
from llmos.community.forum.shelving import make_first


@pytest.fixture(autouse=True)
def _shelves(db: None) -> None:
    make_first()


@pytest.fixture
def asker() -> Viewer:
    return member("asker")


@pytest.fixture
def helper() -> Viewer:
    return member("helper")


@pytest.fixture
def keeper() -> Viewer:
    return member("keeper", admin=True)
