"""When something is stale: as soon as a source holds other content, and for no less."""

from collections.abc import Callable
from typing import Any

import pytest
from django_tasks_db.models import DBTaskResult
from tests.provenance.made import a_repository, an_activity, changed

from llmos.accounts import actions as accounts
from llmos.accounts.access import ANONYMOUS
from llmos.accounts.models import User
from llmos.hub.actions import delete_repository
from llmos.hub.git import refs
from llmos.hub.models import Repository
from llmos.provenance.actions import follow_source, record_rebuild, sign_statement
from llmos.provenance.claims import claimed_sources, claimed_uses
from llmos.provenance.events import RebuildRecorded, SourceMovedOn
from llmos.provenance.graph import lineage_of
from llmos.provenance.models import Activity, Edge, Receipt
from llmos.provenance.queries import made_by
from llmos.provenance.tasks import catch_up, on_activity_recorded
from llmos.store import events
from llmos.store.tasks import task
from llmos.wire.receipts import statement

pytestmark = pytest.mark.django_db


@task()
def hear(**fields: Any) -> None:
    """Somebody in a room to the right."""


Heard = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What was filed for her, in order."""
    for event in (SourceMovedOn, RebuildRecorded):
        monkeypatch.setitem(events._listeners, event, [hear])
    filed = DBTaskResult.objects.filter(task_path=hear.module_path).order_by("enqueued_at")
    return lambda: [row.args_kwargs["kwargs"] for row in filed.all()]


@pytest.fixture
def ada() -> User:
    return accounts.create_user(name="ada")


@pytest.fixture
def rows(ada: User) -> Repository:
    made = a_repository(ada, "rows", kind="dataset")
    changed(made, {"train.jsonl": "{}", "README.md": "---\nlicense: mit\n---\n"})
    return made


@pytest.fixture
def trained(ada: User, rows: Repository) -> Activity:
    return an_activity(ada, [rows], a_repository(ada, "model"))


def is_stale(activity: Activity) -> bool:
    return Edge.objects.filter(activity=activity, outdated_since__isnull=False).exists()


@pytest.mark.parametrize(
    ("files", "stale"),
    [
        ({"README.md": "---\nlicense: mit\n---\nBetter words\n"}, False),
        ({"LICENSE": "MIT", ".gitattributes": ""}, False),
        ({"README.md": "---\nconfigs:\n- data_files: other.jsonl\n---\n"}, True),
        ({"train.jsonl": '{"new": 1}'}, True),
        ({"more.jsonl": "{}"}, True),
    ],
)
def test_content_makes_stale_and_words_do_not(
    rows: Repository, trained: Activity, files: dict[str, str], *, stale: bool
) -> None:
    changed(rows, files)
    follow_source(rows.pk)

    assert is_stale(trained) == stale


def test_rooms_to_the_right_hear_once_of_what_became_stale(
    ada: User, rows: Repository, trained: Activity, heard: Heard
) -> None:
    changed(rows, {"train.jsonl": "other"})
    for _ in range(2):
        follow_source(rows.pk)
    assert heard() == [{"repository_id": rows.pk, "activity_ids": [trained.pk]}]

    fresh = an_activity(ada, [rows], a_repository(ada, "second"))
    number = rows.pk
    delete_repository(repository=rows)
    follow_source(number)

    assert heard()[1:] == [{"repository_id": number, "activity_ids": [fresh.pk]}]


def test_content_that_comes_back_makes_it_fresh_again(rows: Repository, trained: Activity) -> None:
    changed(rows, {"train.jsonl": "other"})
    follow_source(rows.pk)
    changed(rows, {"train.jsonl": "{}"})
    follow_source(rows.pk)

    assert not is_stale(trained)


def test_a_source_that_changed_while_the_job_ran_is_found(ada: User, rows: Repository) -> None:
    pinned = rows.head_sha
    changed(rows, {"train.jsonl": "other"})
    made = an_activity(ada, [rows], a_repository(ada, "model"))
    Edge.objects.filter(activity=made, is_input=True).update(commit=pinned)

    on_activity_recorded.func(activity_id=made.pk)

    assert is_stale(made)


def test_a_starting_worker_catches_up_with_what_nobody_was_told(
    ada: User, rows: Repository, trained: Activity
) -> None:
    gone = a_repository(ada, "gone", kind="dataset")
    orphan = an_activity(ada, [gone], a_repository(ada, "orphan"))
    catch_up.func()
    assert not is_stale(trained)
    assert not is_stale(orphan)

    changed(rows, {"train.jsonl": "other"})
    delete_repository(repository=gone)
    catch_up.func()

    assert is_stale(trained)
    assert is_stale(orphan)


def test_a_history_that_was_squashed_away_counts_as_other_content(
    rows: Repository, trained: Activity
) -> None:
    Edge.objects.filter(activity=trained, is_input=True).update(commit="9" * 40)
    follow_source(rows.pk)

    assert is_stale(trained)
    assert refs.resolve(rows.pk, "main") == rows.head_sha


def test_what_rests_on_something_stale_is_stale_itself(ada: User, rows: Repository) -> None:
    model, tuned = a_repository(ada, "model"), a_repository(ada, "tuned")
    first = an_activity(ada, [rows], model)
    second = an_activity(ada, [model], tuned)
    beside = an_activity(ada, [a_repository(ada, "beside", kind="dataset"), model], None)
    changed(rows, {"train.jsonl": "other"})
    follow_source(rows.pk)

    graph = lineage_of(ANONYMOUS, rows, direction="to")

    assert graph.stale() == {first.pk, second.pk, beside.pk}


def test_a_rebuild_is_judged_once(trained: Activity, heard: Heard) -> None:
    made = {
        "recipe": {**trained.recipe, "workers": 2},
        "software": trained.software,
        "hardware": trained.hardware,
    }
    for files in ({"model.safetensors": "cd" * 32}, trained.files):
        verdict = record_rebuild(
            activity=trained,
            job_id="1" * 24,
            namespace_id=None,
            user_id=None,
            made=made,
            files=files,
        )

    assert not verdict.equal
    assert verdict.differences == {
        "files": {"model.safetensors": ["ab" * 32, "cd" * 32]},
        "recipe": {"workers": [None, 2]},
    }
    assert heard() == [{"activity_id": trained.pk, "job_id": "1" * 24, "equal": False}]


def test_a_rebuild_from_which_nothing_came_is_not_equal(trained: Activity) -> None:
    Activity.objects.filter(pk=trained.pk).update(files={})
    trained.refresh_from_db()
    verdict = record_rebuild(
        activity=trained, job_id="2" * 24, namespace_id=None, user_id=None, made={}, files={}
    )
    assert not verdict.equal


def test_one_job_is_signed_for_once(trained: Activity) -> None:
    first = sign_statement(statement([], {"at": 1}), job_id=trained.pk)
    again = sign_statement(statement([], {"at": 2}), job_id=trained.pk)

    assert again == first
    assert Receipt.objects.count() == 1


def test_authors_words_stand_beside_what_was_recorded(ada: User, rows: Repository) -> None:
    secret = a_repository(ada, "secret", visibility="private")
    model = a_repository(ada, "model")
    card = "---\ndatasets: [ada/rows, some/where]\nbase_model: ada/secret\n---\n"
    changed(model, {"README.md": card})

    claims = claimed_sources(ANONYMOUS, model)
    assert [(claim.name, claim.url) for claim in claims] == [
        ("ada/secret", ""),
        ("ada/rows", "/datasets/ada/rows"),
        ("some/where", ""),
    ]
    assert [claim.name for claim in claimed_uses(ANONYMOUS, rows)] == ["ada/model"]
    assert claimed_uses(ANONYMOUS, secret)[0].name == "ada/model"

    an_activity(ada, [rows], model)

    assert made_by(model) is not None
    left = claimed_sources(ANONYMOUS, model, ["ada/rows"])
    assert [claim.name for claim in left] == ["ada/secret", "some/where"]
    assert claimed_uses(ANONYMOUS, rows, ["ada/model"]) == []
