"""Questions find who may know: by what they made and answered; few, once, never the unwilling."""

import pytest
from tests.community.forum.rows import answered, fresh, member, opened

from llmos.accounts.access import Viewer
from llmos.community.forum import queries, routing
from llmos.community.forum.actions import accept, decline
from llmos.community.forum.models import Category, Route, Topic
from llmos.community.forum.routing import route
from llmos.community.threads.deeds import set_watch
from llmos.community.threads.models import Tag
from llmos.community.trust.actions import keep_away
from llmos.hub.actions import create_repository
from llmos.hub.kinds import KINDS
from llmos.hub.models import Repository, RepositoryTag


def maker(name: str, *tags: str, private: bool = False, task: str = "") -> Viewer:
    """Somebody with a model of such tags."""
    viewer = member(name)
    repository = create_repository(
        viewer=viewer,
        kind=KINDS["model"],
        namespace=name,
        name="model",
        visibility="private" if private else "public",
    )
    RepositoryTag.objects.bulk_create(RepositoryTag(repository=repository, tag=t) for t in tags)
    Repository.objects.filter(pk=repository.pk).update(pipeline_tag=task)
    return viewer


def asked_of(topic: Topic) -> dict[str, list[str]]:
    rows = Route.objects.filter(thread=topic.pk).order_by("pk")
    return {row.user.username: row.reasons for row in rows.select_related("user")}


def test_makers_and_answerers_are_asked_the_best_first(asker: Viewer, helper: Viewer) -> None:
    solved = opened(asker, "Earlier", tags=["translation"])
    accept(asker, topic=solved, post=answered(helper, solved), seen=None)
    maker("tagged", "mt")
    maker("tasked", task="translation")
    maker("hidden", "translation", private=True)
    maker("other", "vision")

    topic = opened(asker, "Why does it repeat itself?", tags=["翻译"])

    assert list(asked_of(topic)) == ["helper", "tagged", "tasked"]
    assert asked_of(topic)["tagged"] == ["translation"]


def test_a_question_is_routed_once_and_to_few(
    asker: Viewer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routing, "MOST_ASKED", 2)
    for number in range(4):
        maker(f"maker{number}", "data")
    topic = opened(asker, "Which licence?", tags=["data"])
    assert len(asked_of(topic)) == 2
    assert route(topic.pk) == []
    assert len(asked_of(topic)) == 2


def test_the_unwilling_are_not_asked(asker: Viewer) -> None:
    willing = maker("willing", "data")
    shelf, tag = Category.objects.get(slug="questions"), Tag.objects.get(name="data")
    set_watch(maker("shelf", "data"), kind="category", target=str(shelf.pk), level=-1)
    set_watch(maker("tag", "data"), kind="tag", target=str(tag.pk), level=-1)
    muting, muted = maker("muting", "data"), maker("muted", "data")
    keep_away(user_id=muting.user_id or 0, other_id=asker.user_id or 0, degree="mute")
    keep_away(user_id=asker.user_id or 0, other_id=muted.user_id or 0, degree="block")

    topic = opened(asker, "Who is left?", tags=["data"])

    assert list(asked_of(topic)) == [willing.name]


def test_nobody_is_asked_all_day(asker: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "MOST_A_DAY", 2)
    maker("busy", "data")
    topics = [opened(asker, f"Question {n}", tags=["data"]) for n in range(3)]
    assert [len(asked_of(topic)) for topic in topics] == [1, 1, 0]


def test_only_questions_are_routed(asker: Viewer) -> None:
    maker("maker", "data")
    topic = opened(asker, "Look at this", slug="show", tags=["data"])
    assert asked_of(topic) == {}


def test_a_question_leaves_the_list_when_it_is_answered_or_declined(asker: Viewer) -> None:
    expert = maker("expert", "data")
    first, second, third = (opened(asker, f"Q{n}", tags=["data"]) for n in range(3))
    assert [one.thread_id for one in queries.routed_to(expert)] == [third.pk, second.pk, first.pk]

    decline(expert, thread_id=third.pk)
    post = answered(expert, second)
    assert [one.thread_id for one in queries.routed_to(expert)] == [first.pk]
    accept(asker, topic=fresh(asker, second), post=post, seen=None)
    assert [one.thread_id for one in queries.routed_to(expert)] == [first.pk]
