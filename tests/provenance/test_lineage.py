"""Who finds what in a lineage: near and far, private and gone, and as PROV that others read."""

import json

import pytest
from django.db import connection
from prov.model import ProvDocument
from tests.provenance.made import a_repository, an_activity

from llmos.accounts import actions as accounts
from llmos.accounts.access import ANONYMOUS, Viewer, viewer_of_user
from llmos.accounts.models import User
from llmos.hub.actions import delete_repository, move_repository
from llmos.hub.models import Repository
from llmos.kit.time import now
from llmos.provenance.access import activity_for
from llmos.provenance.actions import note_visibility
from llmos.provenance.errors import ActivityNotFound
from llmos.provenance.graph import Lineage, lineage_of
from llmos.provenance.models import Activity, Edge
from llmos.provenance.prov import prov_json
from llmos.provenance.queries import as_json, descendants_of, made_by, recipe_for, sources_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return accounts.create_user(name="ada")


@pytest.fixture
def bob() -> User:
    return accounts.create_user(name="bob")


def names(graph: Lineage) -> set[str]:
    return {node.name or "private" for node in graph.nodes.values()}


def downstream(viewer: Viewer, repository: Repository, **options: int) -> Lineage:
    return lineage_of(viewer, repository, direction="to", **options)


def upstream(viewer: Viewer, repository: Repository, **options: int) -> Lineage:
    return lineage_of(viewer, repository, direction="from", **options)


def test_lineage_reaches_through_models_in_both_directions(ada: User) -> None:
    rows = a_repository(ada, "rows", kind="dataset")
    first, second = a_repository(ada, "first"), a_repository(ada, "second")
    an_activity(ada, [rows], first)
    an_activity(ada, [first], second)

    assert names(upstream(ANONYMOUS, second)) == {"ada/rows", "ada/first", "ada/second"}
    assert names(downstream(ANONYMOUS, rows)) == {"ada/rows", "ada/first", "ada/second"}
    assert names(upstream(ANONYMOUS, rows)) == {"ada/rows"}


def test_a_short_walk_says_that_it_was_cut(ada: User) -> None:
    rows = a_repository(ada, "rows", kind="dataset")
    first, second = a_repository(ada, "first"), a_repository(ada, "second")
    an_activity(ada, [rows], first)
    assert not downstream(ANONYMOUS, rows, depth=1).cut

    an_activity(ada, [first], second)

    assert downstream(ANONYMOUS, rows, depth=1).cut
    assert downstream(ANONYMOUS, rows, most=1).cut
    assert not downstream(ANONYMOUS, rows, depth=2).cut


def test_what_used_another_version_of_a_model_does_not_rest_on_this_ones_data(ada: User) -> None:
    old_rows = a_repository(ada, "old", kind="dataset")
    new_rows = a_repository(ada, "new", kind="dataset")
    model, tuned = a_repository(ada, "model"), a_repository(ada, "tuned")
    an_activity(ada, [old_rows], model, commit="1" * 40)
    an_activity(ada, [new_rows], model)
    an_activity(ada, [model], tuned)

    assert "ada/tuned" in names(downstream(ANONYMOUS, new_rows))
    assert "ada/tuned" not in names(downstream(ANONYMOUS, old_rows))
    assert names(upstream(ANONYMOUS, tuned)) == {"ada/new", "ada/model", "ada/tuned"}


def test_an_edited_card_does_not_hide_what_the_model_was_made_from(ada: User) -> None:
    rows = a_repository(ada, "rows", kind="dataset")
    model = a_repository(ada, "model")
    an_activity(ada, [rows], model, commit="1" * 40)  # the head is a later commit

    graph = upstream(ANONYMOUS, model)

    assert names(graph) == {"ada/rows", "ada/model"}
    [(later, made)] = graph.revisions
    assert graph.nodes[later].commit == model.head_sha
    assert graph.nodes[made].commit == "1" * 40


def test_a_model_made_from_itself_ends_the_walk(ada: User) -> None:
    model = a_repository(ada, "model")
    an_activity(ada, [model], model)

    assert len(upstream(ANONYMOUS, model).steps) == 1
    assert len(downstream(ANONYMOUS, model).steps) == 1


def test_a_private_source_is_nameless_and_nothing_beyond_it_is_told(ada: User, bob: User) -> None:
    far = a_repository(ada, "far", kind="dataset")
    secret = a_repository(ada, "secret", visibility="private")
    model = a_repository(ada, "model")
    an_activity(ada, [far], secret)
    made = an_activity(ada, [secret], model)

    seen = upstream(viewer_of_user(bob), model)

    assert names(seen) == {"private", "ada/model"}
    assert names(upstream(viewer_of_user(ada), model)) == {"ada/far", "ada/secret", "ada/model"}
    told = json.dumps([prov_json(seen, "http://hub"), as_json(viewer_of_user(bob), made, "")])
    assert "secret" not in told
    assert [node.commit for node in seen.nodes.values() if not node.name] == [""]
    assert recipe_for(viewer_of_user(bob), made)["base"] == "private"
    assert recipe_for(viewer_of_user(ada), made)["base"] == "ada/secret"


def test_private_work_on_public_data_tells_neither_who_nor_what(ada: User, bob: User) -> None:
    rows = a_repository(ada, "rows", kind="dataset")
    other = a_repository(bob, "other", kind="dataset")
    hidden = a_repository(bob, "hidden", visibility="private")
    made = an_activity(bob, [other, rows], hidden)

    seen = downstream(ANONYMOUS, rows)

    assert names(seen) == {"ada/rows", "private"}
    assert list(seen.steps.values()) == [None]
    told = json.dumps(prov_json(seen, "http://hub"))
    assert "bob" not in told
    assert made.pk not in told
    assert descendants_of(ANONYMOUS, rows, most=10).private == 1
    with pytest.raises(ActivityNotFound):
        activity_for(viewer_of_user(ada), made.pk)
    assert activity_for(viewer_of_user(bob), made.pk).pk == made.pk


def test_an_evaluation_is_seen_by_whoever_may_see_all_that_went_in(ada: User, bob: User) -> None:
    rows = a_repository(ada, "rows", kind="dataset")
    secret = a_repository(ada, "secret", visibility="private")
    public = an_activity(ada, [rows], None)
    private = an_activity(ada, [rows, secret], None)

    assert activity_for(ANONYMOUS, public.pk)
    for viewer in (ANONYMOUS, viewer_of_user(bob)):
        with pytest.raises(ActivityNotFound):
            activity_for(viewer, private.pk)
    assert activity_for(viewer_of_user(ada), private.pk)


def test_a_deleted_public_source_keeps_its_name_and_leaves_a_stale_model(ada: User) -> None:
    rows = a_repository(ada, "rows", kind="dataset")
    model, tuned = a_repository(ada, "model"), a_repository(ada, "tuned")
    an_activity(ada, [rows], model)
    an_activity(ada, [model], tuned)

    delete_repository(repository=rows)

    graph = upstream(ANONYMOUS, tuned)
    assert names(graph) == {"ada/rows", "ada/model", "ada/tuned"}
    assert len(graph.stale()) == 2
    [source] = sources_of(ANONYMOUS, _made(model))
    assert (source.name, source.url, source.is_gone) == ("ada/rows", "", True)


def test_a_deleted_model_in_the_middle_does_not_break_the_chain(ada: User) -> None:
    rows = a_repository(ada, "rows", kind="dataset")
    model, tuned = a_repository(ada, "model"), a_repository(ada, "tuned")
    an_activity(ada, [rows], model)
    an_activity(ada, [model], tuned)

    delete_repository(repository=model)

    assert "ada/tuned" in names(downstream(ANONYMOUS, rows))
    assert "ada/rows" in names(upstream(ANONYMOUS, tuned))


@pytest.mark.parametrize("told_in_time", [True, False])
def test_a_source_that_was_private_when_deleted_stays_nameless(
    ada: User, *, told_in_time: bool
) -> None:
    rows = a_repository(ada, "rows", kind="dataset")
    model = a_repository(ada, "model")
    an_activity(ada, [rows], model)
    Repository.objects.filter(pk=rows.pk).update(visibility="private")
    if told_in_time:
        note_visibility(rows.pk)
    number = rows.pk
    delete_repository(repository=rows)
    note_visibility(number)  # the worker may come to it only now

    assert names(upstream(ANONYMOUS, model)) == {"private", "ada/model"}
    assert names(upstream(viewer_of_user(ada), model)) == {"private", "ada/model"}


def test_a_renamed_source_is_told_under_its_new_name(ada: User) -> None:
    rows = a_repository(ada, "rows", kind="dataset")
    model = a_repository(ada, "model")
    an_activity(ada, [rows], model)

    move_repository(
        viewer=viewer_of_user(ada), repository=rows, namespace="ada", name="better-rows"
    )

    assert "ada/better-rows" in names(upstream(ANONYMOUS, model))
    assert _made(model).inputs()[0].name_now == "ada/better-rows"


def test_any_prov_tool_reads_the_document(ada: User) -> None:
    rows = a_repository(ada, "rows", kind="dataset")
    model, tuned = a_repository(ada, "model"), a_repository(ada, "tuned")
    first = an_activity(ada, [rows], model, commit="1" * 40)
    later(an_activity(ada, [model, rows], tuned))

    text = json.dumps(prov_json(upstream(ANONYMOUS, tuned), "http://hub"))
    document = ProvDocument.deserialize(content=text, format="json")

    kinds = {type(record).__name__ for record in document.get_records()}
    assert kinds == {
        "ProvEntity",
        "ProvActivity",
        "ProvAgent",
        "ProvUsage",
        "ProvGeneration",
        "ProvAssociation",
        "ProvDerivation",
    }
    again = ProvDocument.deserialize(content=document.serialize(format="json"), format="json")
    assert again == document
    # It says the same in another of PROV's spellings, so its names and times are well formed.
    assert f"activity(llmos:{first.pk}, {first.started_at:%Y-%m-%dT%H:}" in document.get_provn()
    assert "prov:Revision" in document.get_provn()


def test_a_thousand_descendants_are_read_in_a_handful_of_statements(ada: User) -> None:
    rows = a_repository(ada, "rows", kind="dataset")
    crowd(ada, rows, 1000)

    statements: list[str] = []
    connection.connection.set_trace_callback(statements.append)
    graph = downstream(viewer_of_user(ada), rows)
    connection.connection.set_trace_callback(None)

    assert len(graph.steps) == 1000
    assert len(statements) <= 8, statements
    assert len(descendants_of(ANONYMOUS, rows, most=1000).named) == 1000


def test_lineage_is_found_by_index_among_many_edges(ada: User) -> None:
    rows = a_repository(ada, "rows", kind="dataset")
    crowd(ada, rows, 50)
    table = Edge._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN QUERY PLAN SELECT activity_id FROM {table} WHERE repository_id IN (1, 2) "
            "AND is_input = 1 ORDER BY id DESC LIMIT 1001"
        )
        plan = " ".join(str(line) for line in cursor.fetchall())

    assert "edges_of_repository (repository_id=? AND is_input=?)" in plan


def later(activity: Activity) -> None:
    """As if it had begun after all that is recorded."""
    Activity.objects.filter(pk=activity.pk).update(started_at=now())


def crowd(ada: User, rows: Repository, number: int) -> None:
    """So many models, each made from the rows."""
    pattern = a_repository(ada, "pattern")
    made = an_activity(ada, [rows], pattern)
    fields = {f.attname: getattr(pattern, f.attname) for f in Repository._meta.concrete_fields}
    keep = fields.pop("id") and fields
    Repository.objects.bulk_create(
        Repository(**{**keep, "name": f"m{n}", "full_name": f"ada/m{n}", "key": f"ada/m{n}"})
        for n in range(number - 1)
    )
    models = list(Repository.objects.filter(name__regex=r"^m\d+$"))
    kept = {f.attname: getattr(made, f.attname) for f in Activity._meta.concrete_fields}
    Activity.objects.bulk_create(Activity(**{**kept, "id": f"{model.pk:024d}"}) for model in models)
    Edge.objects.bulk_create(
        Edge(
            activity_id=f"{model.pk:024d}",
            is_input=is_input,
            role="data",
            repository=rows if is_input else model,
            kind="dataset" if is_input else "model",
            full_name="",
            commit="2" * 40,
        )
        for model in models
        for is_input in (True, False)
    )


def _made(model: Repository) -> Activity:
    found = made_by(model)
    assert found is not None
    return found
