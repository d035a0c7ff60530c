"""Numbers that authors write stand beside measured ones and are told apart."""

import pytest
import yaml
from huggingface_hub import (
    EvalResult,
    EvalResultEntry,
    ModelCard,
    ModelCardData,
    eval_result_entries_to_yaml,
)
from tests.evaluation.conftest import DEFINITION
from tests.evaluation.rows import benchmark, committed, current, made, measured

from llmos.accounts import actions as accounts
from llmos.accounts.access import ANONYMOUS, viewer_of_user
from llmos.accounts.models import User
from llmos.evaluation.actions import publish, refresh_claims
from llmos.evaluation.claims import from_card, from_file
from llmos.evaluation.models import Claim
from llmos.evaluation.queries import entries, rows_of, scores_of
from llmos.hub.facts.cards import read_card
from llmos.hub.models import Repository

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> User:
    return accounts.create_user(name="ada")


def card(metric: str = "chrf", value: float = 99.0, dataset: str = "ada/cats") -> bytes:
    data = ModelCardData(
        model_name="boaster",
        eval_results=[
            EvalResult(
                task_type="translation",
                dataset_type=dataset,
                dataset_name="Cats",
                metric_type=metric,
                metric_value=value,
            )
        ],
    )
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n# Boaster\n")).encode()


def results_file(**more: object) -> bytes:
    entry = EvalResultEntry(dataset_id="ada/cats", task_id="default", value=88.5, **more)  # type: ignore[arg-type]
    return yaml.safe_dump(eval_result_entries_to_yaml([entry])).encode()


def claimed(repository: Repository, files: dict[str, bytes]) -> list[Claim]:
    committed(repository, files)
    refresh_claims(repository=repository)
    return list(Claim.objects.filter(model=repository).order_by("value"))


def test_claims_of_both_kinds_stand_on_the_board_and_take_no_place(ada: User) -> None:
    cats = benchmark(ada)
    measured(ada, made(ada, "model", "honest", {}), cats, value=40)
    boaster = made(ada, "model", "boaster", {})
    found = claimed(boaster, {"README.md": card(), ".eval_results/cats.yaml": results_file()})

    assert [(one.filename, one.value) for one in found] == [
        (".eval_results/cats.yaml", 88.5),
        ("README.md", 99.0),
    ]
    rows = {(row.model, row.state): row.places for row in rows_of(ANONYMOUS, [current(cats)])}
    assert rows == {("ada/honest", "run-here"): (1, 1), ("ada/boaster", "claimed"): None}
    listed = entries(ANONYMOUS, current(cats), bases_only=True)
    assert [(one.rank, one.row.model, one.row.is_measured) for one in listed] == [
        (1, "ada/boaster", False),
        (1, "ada/boaster", False),
        (1, "ada/honest", True),
    ]


def test_a_claim_by_another_metric_is_told_on_the_model_and_on_no_board(ada: User) -> None:
    cats = benchmark(ada)
    boaster = made(ada, "model", "boaster", {})
    claimed(boaster, {"README.md": card("meteor")})

    assert rows_of(ANONYMOUS, [current(cats)]) == []
    assert [one.metric for one in scores_of(ANONYMOUS, boaster).claims] == ["meteor"]


def test_a_claim_that_is_withdrawn_or_changed_is_told_so_at_the_next_push(ada: User) -> None:
    boaster = made(ada, "model", "boaster", {})
    first = claimed(boaster, {"README.md": card(value=99)})[0]
    same = claimed(boaster, {"notes.txt": b"x"})[0]
    assert (same.pk, same.first_seen) == (first.pk, first.first_seen)
    assert [one.value for one in claimed(boaster, {"README.md": card(value=12)})] == [12]
    assert claimed(boaster, {"README.md": b"# Humble\n"}) == []


def test_a_claim_stays_on_the_board_of_its_day(ada: User) -> None:
    cats = benchmark(ada)
    old, commit = current(cats), current(cats).commit
    boaster = made(ada, "model", "boaster", {})
    claimed(boaster, {"README.md": card()})
    committed(cats, {"eval.yaml": DEFINITION.format(version="2").encode()})
    publish(repository=cats)
    late = {".eval_results/now.yaml": results_file()}
    dated = {".eval_results/then.yaml": results_file(dataset_revision=commit)}
    claimed(boaster, {**late, **dated})

    boards = {one.filename: one.board for one in Claim.objects.all()}
    assert boards["README.md"] == boards[".eval_results/then.yaml"] == old
    assert boards[".eval_results/now.yaml"] == current(cats)


def test_claims_that_were_there_before_their_benchmark_are_taken_in(ada: User) -> None:
    boaster = made(ada, "model", "boaster", {})
    claimed(boaster, {"README.md": card()})
    cats = benchmark(ada)

    assert Claim.objects.get().board == current(cats)


def test_a_claim_about_a_private_benchmark_does_not_name_its_board_to_others(ada: User) -> None:
    benchmark(ada, private=True)
    boaster = made(ada, "model", "boaster", {})
    claimed(boaster, {"README.md": card()})

    assert scores_of(ANONYMOUS, boaster).claims[0].board is None
    assert scores_of(viewer_of_user(ada), boaster).claims[0].board is not None


@pytest.mark.parametrize(
    "text",
    [
        "model-index: 7",
        "model-index: [{results: 3}]",
        "model-index: [{results: [{dataset: x, metrics: [{value: 3}]}]}]",
        "model-index: [{results: [{dataset: {type: x}, metrics: [{value: .nan}, {value: {}}]}]}]",
        "model-index: [{results: [{dataset: {type: x}, metrics: [{value: about 3}]}]}]",
    ],
)
def test_half_a_claim_in_a_card_says_nothing(text: str) -> None:
    assert from_card(read_card(f"---\n{text}\n---\n").front) == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "3", "- 3", "- {value: 3}", "- {dataset: {id: x}, value: yes}", "&a [*a]", "[" * 900],
)
def test_half_a_claim_in_a_file_says_nothing(text: str) -> None:
    assert from_file("x.yaml", text) == []


def test_a_claims_source_is_linked_only_where_it_is_an_address() -> None:
    entry = "- {dataset: {id: x}, value: 1, source: {url: 'javascript:alert(1)', name: n}}"
    assert from_file("x.yaml", entry)[0].source_url == ""
