"""Members who write, and articles with only the words that a test is about."""

from collections.abc import Callable
from typing import Any

import pytest

from llmos.accounts.access import Viewer, viewer_of_user
from llmos.accounts.actions import create_user
from llmos.accounts.models import Namespace, User
from llmos.community.blog.actions import write_article
from llmos.community.blog.models import Article
from llmos.community.blog.queries import article_with
from llmos.community.blog.words import Words
from llmos.community.trust.models import Level, Standing

Write = Callable[..., Article]


def viewer_named(name: str) -> Viewer:
    found = User.objects.filter(username=name).first() or create_user(name=name)
    return viewer_of_user(found)


def home_of(viewer: Viewer) -> Namespace:
    return Namespace.objects.get(user__id=viewer.user_id)


@pytest.fixture
def ada(db: None) -> Viewer:
    """A leader, who may write as fast as tests do."""
    found = viewer_named("ada")
    Standing.objects.update_or_create(user_id=found.user_id, defaults={"level": Level.LEADER})
    return found


@pytest.fixture
def bob(db: None) -> Viewer:
    return viewer_named("bob")


@pytest.fixture
def write(ada: Viewer) -> Write:
    """A draft of Ada's, or of another `viewer`, in her blog or in another `blog`."""

    def make(title: str = "How we measured", **said: Any) -> Article:
        viewer, blog, key = (said.pop(name, None) for name in ("viewer", "blog", "key"))
        viewer = viewer or ada
        words = Words(title=title, text=said.pop("text", "We counted words."), **said)
        made = write_article(viewer, blog=blog or home_of(viewer), words=words, key=key)
        return article_with(made.pk)

    return make
