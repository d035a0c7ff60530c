"""Benchmarks, boards and results in the browser: made, measured, read, without barriers."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.conftest import HubServer
from tests.evaluation.conftest import Asked, eventually, rows_file
from tests.lab.tiny_models import tiny_translator
from tests.pages.conftest import sign_in
from tests.pages.test_accessibility import faults

pytestmark = pytest.mark.slow

CARD = b"""---
license: apache-2.0
model-index:
- name: shown
  results:
  - task: {type: translation}
    dataset: {name: Dogs, type: ada/shown-dogs}
    metrics: [{type: chrf, value: 98.7}]
---
# Shown
"""
TWO = b"""name: Shown cats
version: "1.0"
task: translation
columns: {source: zh, target: en}
metrics: [chrf, sacrebleu]
decoding: {beam: 1, max_new: 8}
"""


@dataclass(frozen=True)
class Board:
    """A board with a measured model and a claim, and what is wrong elsewhere."""

    benchmark: str
    model: str
    result: str
    broken: str


@pytest.fixture(scope="session")
def board(hub_server: HubServer, tmp_path_factory: pytest.TempPathFactory) -> Board:
    asked = Asked(hub_server)
    files = {"test.jsonl": rows_file(), "eval.yaml": TWO}
    asked.push("ada/shown-cats", files, kind="dataset")
    asked.push("ada/shown-broken", {"eval.yaml": b"name: x\n"}, kind="dataset")
    asked.board("ada/shown-cats", "1.0")
    asked.push_model("ada/shown-scores", tiny_translator(tmp_path_factory.mktemp("tiny")))
    asked.push("ada/shown-scores", {"README.md": CARD.replace(b"dogs", b"cats")}, kind="model")
    result = asked.evaluate(model="ada/shown-scores", benchmark="ada/shown-cats")
    return Board("ada/shown-cats", "ada/shown-scores", result, "ada/shown-broken")


PAGES = [
    "/benchmarks",
    "/benchmarks?q=nothing+like+it",
    "/benchmarks/new",
    "/benchmarks/{benchmark}",
    "/benchmarks/tasks/translation",
    "/results/{result}",
    "/evaluations/new?model={model}&benchmark={benchmark}",
    "/{model}",
    "/datasets/{benchmark}",
    "/datasets/{broken}",
]


@pytest.mark.parametrize("address", PAGES)
def test_a_page_of_scores_has_no_barriers(ada: Page, board: Board, address: str) -> None:
    assert faults(ada, address.format(**vars(board))) == []


def test_a_member_makes_a_benchmark_by_a_form_and_measures_a_model_on_it(
    hub_server: HubServer, ada: Page, board: Board
) -> None:
    asked = Asked(hub_server)
    asked.push("ada/shown-dogs", {"test.jsonl": rows_file()}, kind="dataset")
    ada.goto("/benchmarks/new?data=ada/shown-dogs")
    ada.get_by_label("Name of the benchmark").fill("Dogs by hand")
    ada.get_by_label("Column to read").fill("zh")
    ada.get_by_label("Column with what is right").fill("en")
    ada.get_by_label("Metrics").fill("chrF")
    ada.get_by_role("button", name="Commit eval.yaml").click()
    expect(ada.get_by_text("There is no metric 'chrF'")).to_be_visible()
    ada.get_by_label("Metrics").fill("chrf")
    ada.get_by_role("button", name="Commit eval.yaml").click()
    ada.wait_for_url("**/datasets/ada/shown-dogs")
    asked.board("ada/shown-dogs", "1.0")

    ada.reload()
    ada.get_by_role("link", name="Board").click()
    expect(ada.get_by_role("heading", name="No scores yet")).to_be_visible()
    ada.get_by_role("link", name="Evaluate a model here").click()
    ada.get_by_label("Model", exact=True).first.fill("ada/never-was")
    ada.get_by_role("button", name="Evaluate").first.click()
    expect(ada.get_by_text("Repository not found")).to_be_visible()
    ada.get_by_label("Model", exact=True).first.fill(board.model)
    ada.get_by_role("button", name="Evaluate").first.click()
    ada.wait_for_url("**/jobs/ada/*")
    job = ada.url.rpartition("/")[2]
    eventually(lambda: asked.ask("GET", f"/api/results/{job}").status_code == 200, seconds=180)
    ada.goto("/benchmarks/ada/shown-dogs")
    row = ada.get_by_role("row", name="ada/shown-scores").first
    expect(row).to_contain_text("run here")


def test_a_stranger_reads_the_board_the_result_and_its_answers(
    visitor: Page, board: Board, tmp_path: Path
) -> None:
    visitor.goto(f"/benchmarks/{board.benchmark}")
    rows = visitor.locator("table.board tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("run here")
    expect(rows.nth(1)).to_contain_text("claimed")
    expect(rows.nth(1)).to_contain_text("98.7")
    visitor.select_option("[name=state]", "claimed")
    visitor.get_by_role("button", name="Show", exact=True).click()
    expect(rows).to_have_count(1)

    visitor.goto(f"/results/{board.result}")
    expect(visitor.locator("ol.samples > li")).to_have_count(12)
    visitor.fill("main [name=q]", "mat 7")
    visitor.press("main [name=q]", "Enter")
    expect(visitor.locator("ol.samples > li")).to_have_count(1)
    with visitor.expect_download() as download:
        visitor.get_by_role("link", name="Receipt", exact=True).click()
    download.value.save_as(tmp_path / "receipt.json")
    assert b"payloadType" in (tmp_path / "receipt.json").read_bytes()


def test_the_order_of_a_column_turns_round(visitor: Page, board: Board) -> None:
    visitor.goto(f"/benchmarks/{board.benchmark}")
    head = visitor.get_by_role("columnheader", name="Score")
    head.get_by_role("link").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(visitor.locator("table.board tbody tr").first).to_contain_text("98.7")
    head.get_by_role("link").click()
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(visitor.locator("table.board tbody tr").first).to_contain_text("run here")


def test_what_is_private_looks_like_nothing(
    hub_server: HubServer, visitor: Page, board: Board
) -> None:
    asked = Asked(hub_server)
    files = {"test.jsonl": rows_file(), "eval.yaml": TWO}
    asked.push("ada/shown-hidden", files, kind="dataset", private=True)
    asked.board("ada/shown-hidden", "1.0")
    sign_in(visitor, "bob")
    hidden = visitor.goto("/benchmarks/ada/shown-hidden")
    missing = visitor.goto("/benchmarks/ada/never-was")
    assert hidden is not None
    assert missing is not None
    assert hidden.status == missing.status == 404
    visitor.goto("/benchmarks?q=shown")
    expect(visitor.get_by_text("ada/shown-hidden")).to_have_count(0)
