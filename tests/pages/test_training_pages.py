"""Learning in the browser: choose data, watch, steer, make again, compare; by script and without.

One small run is made through the pages, and most tests look at what it left.
"""

import io
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from huggingface_hub import HfApi
from playwright.sync_api import Browser, Page, expect
from tests.conftest import HubServer
from tests.pages.conftest import sign_in
from tests.pages.test_accessibility import faults

from llmos.lab import numerals

SMALL = """\
model.d_model = 16
model.heads = 2
model.encoder_layers = 1
model.decoder_layers = 1
model.feed_forward = 32
tokeniser.vocabulary = 300
batch.tokens = 256
data.rows = 300
look.rows = 8
look.times = 2
workers = 1
"""
DATA = "ada/numerals-to-train"
WAIT = 120_000  # milliseconds; a busy machine takes its time to start a process


@dataclass(frozen=True)
class Trained:
    address: str  # of the run's page
    model: str
    private: str  # the page of a run of private data


@pytest.fixture(scope="module")
def trained(hub_server: HubServer, browser: Browser) -> Trained:
    """Ada pushes numerals and trains on them, watching."""
    api = HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])
    _push(api, DATA)
    _push(api, f"{DATA}-private", private=True)
    context = browser.new_context(base_url=hub_server.url, reduced_motion="reduce")
    page = context.new_page()
    sign_in(page, "ada")
    page.goto("/train")
    page.fill("[name=data]", "numerals to train")
    page.locator(f'#data-found button[value="{DATA}"]').click()
    expect(page.locator("#preview")).to_contain_text("thousand")
    expect(page.locator("[name=source]")).to_have_value("zh")
    _choose(page, steps=60)
    expect(page.locator(".outlook")).to_contain_text("60")
    model = "ada/" + page.locator("[name=name]").input_value()
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile(r"/jobs/ada/[0-9a-f]{24}$"))

    expect(page.locator(".stage-words")).not_to_be_empty()
    expect(page.locator(".plot canvas").first).to_be_visible(timeout=WAIT)
    expect(page.locator(".look .sample").first).to_be_visible(timeout=WAIT)
    expect(page.locator("[data-log]")).to_contain_text("Learning")
    expect(page.get_by_role("link", name="Open the model")).to_be_visible(timeout=WAIT)
    width = page.evaluate("document.querySelector('.plot canvas').clientWidth")
    assert width > 500, "the first plot stands as wide as its column, also when drawn live"
    address = page.url

    page.goto(f"/train?data={DATA}-private")
    _choose(page, steps=1)
    page.get_by_role("button", name="Start the run").click()
    page.wait_for_url(re.compile(r"/jobs/ada/[0-9a-f]{24}$"))
    private = page.url
    context.close()
    return Trained(address, model, private)


def test_the_run_leaves_a_model_with_its_lineage(ada: Page, trained: Trained) -> None:
    ada.goto(trained.address)
    ada.get_by_role("link", name="Open the model").click()
    expect(ada).to_have_url(re.compile(f"/{trained.model}$"))
    expect(ada.get_by_role("heading", name="How this was made")).to_be_visible()


def test_curves_are_named_and_read_by_keyboard_and_as_a_table(ada: Page, trained: Trained) -> None:
    ada.goto(trained.address)
    field = ada.locator(".plot-field").first
    expect(field).to_have_attribute("aria-label", re.compile(r"Loss.*from [\d.]+ at step 1 to"))
    field.focus()
    ada.keyboard.press("End")
    expect(ada.locator(".plot-value").first).to_contain_text("step 60")
    ada.keyboard.press("Home")
    expect(ada.locator(".plot-value").first).to_contain_text("step 1:")
    ada.get_by_text("The same as a table").click()
    rows = ada.get_by_role("region", name="Curves as a table").locator("tbody tr")
    expect(rows).to_have_count(60)


def test_a_rebuild_comes_to_the_same_bytes(visitor: Page, trained: Trained) -> None:
    sign_in(visitor, "eve")
    visitor.goto(trained.address)
    visitor.get_by_role("button", name="Rebuild").click()
    visitor.wait_for_url(re.compile(r"/jobs/eve/"))
    expect(visitor.locator(".verdict")).to_contain_text("The same bytes", timeout=WAIT)


def test_a_run_is_cancelled_and_goes_on(ada: Page, trained: Trained) -> None:
    ada.goto(f"/train?like={trained.address.rpartition('/')[2]}")
    ada.get_by_label("So many steps").check()
    ada.locator("[name=steps]").fill("100000")
    ada.locator("[name=name]").fill("long-run")
    ada.locator("[name=seed]").fill("2")
    ada.get_by_role("button", name="Start the run").click()
    ada.wait_for_url(re.compile(r"/jobs/ada/"))
    expect(ada.locator(".stage")).to_contain_text(re.compile(r"step [\d,]+ of"), timeout=WAIT)
    ada.get_by_role("button", name="Cancel").click()
    expect(ada.get_by_role("button", name="Resume")).to_be_visible(timeout=WAIT)
    ada.get_by_role("button", name="Resume").click()
    expect(ada.locator(".stage")).to_contain_text(re.compile(r"step [\d,]+ of"), timeout=WAIT)
    expect(ada.locator(".title")).to_contain_text("attempt 2")
    ada.get_by_role("button", name="Cancel").click()
    expect(ada.get_by_role("button", name="Resume")).to_be_visible(timeout=WAIT)

    ada.goto("/jobs?activity=train")
    for name in ("ada/long-run", trained.model):
        ada.get_by_role("checkbox", name=f"Compare {name}").first.check()
    ada.get_by_role("button", name="Compare the ticked ones").click()
    ada.wait_for_url("**/jobs/compare?*")
    expect(ada.get_by_role("region", name="Differences of the recipes")).to_contain_text("seed")
    expect(ada.locator(".plot canvas").first).to_be_visible()
    assert faults(ada, ada.url.partition("/jobs")[1] + ada.url.partition("/jobs")[2]) == []


def test_without_script_a_run_is_started_and_watched(
    browser: Browser, hub_server: HubServer, trained: Trained
) -> None:
    context = browser.new_context(base_url=hub_server.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "ada")
    page.goto("/train")
    page.fill("[name=data]", DATA)
    page.get_by_role("button", name="Show", exact=True).click()
    _choose(page, steps=1, name="plain-run")
    page.get_by_role("button", name="Start the run").click()
    assert re.search(r"/jobs/ada/[0-9a-f]{24}$", page.url)
    expect(page.get_by_role("link", name="Refresh")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    page.goto(trained.address)
    page.get_by_text("The same as a table").click()
    expect(page.get_by_role("region", name="Curves as a table")).to_contain_text("60")
    page.fill(".log-find input", "learning 1")
    page.press(".log-find input", "Enter")
    expect(page.locator("[data-log] > div")).to_have_count(1)
    context.close()


def test_strangers_see_runs_of_public_data_and_none_of_private(
    visitor: Page, trained: Trained
) -> None:
    public = visitor.goto(trained.address)
    assert public is not None
    assert public.status == 200
    assert visitor.get_by_role("button", name="Cancel").count() == 0
    assert visitor.get_by_role("button", name="Rebuild").count() == 0
    for address in (trained.private, re.sub(r"[0-9a-f]{24}$", "0" * 24, trained.private)):
        for part in ("", "/present", "/log"):
            answer = visitor.goto(address + part)
            assert answer is not None
            assert answer.status == 404
    compared = visitor.goto(f"/jobs/compare?id={trained.private.rpartition('/')[2]}")
    assert compared is not None
    assert compared.status == 404
    sign_in(visitor, "bob")
    hidden = visitor.goto(trained.private)
    assert hidden is not None
    assert hidden.status == 404
    asked = visitor.request.post(f"{trained.address}/cancel")
    assert asked.status == 403  # no token of the form


PAGES = [
    "/train",
    f"/train?data={DATA}",
    f"/train?data={DATA}&task=finetune",
    "/jobs",
    "/jobs/compare",
    "{run}",
]


@pytest.mark.parametrize("address", PAGES)
def test_the_pages_have_no_barriers(ada: Page, trained: Trained, address: str) -> None:
    assert faults(ada, address.format(run="/jobs" + trained.address.partition("/jobs")[2])) == []


def _push(api: HfApi, repo: str, *, private: bool = False) -> None:
    api.create_repo(repo, repo_type="dataset", private=private)
    for split, count in (("train", 300), ("validation", 20)):
        lines = [row for row, _ in zip(_lines(split), range(count), strict=False)]
        api.upload_file(
            path_or_fileobj=io.BytesIO("".join(lines).encode()),
            path_in_repo=f"data/{split}.jsonl",
            repo_id=repo,
            repo_type="dataset",
        )


def _lines(split: str) -> Iterator[str]:
    return (json.dumps(row, ensure_ascii=False) + "\n" for row in numerals.rows(split))


def _choose(page: Page, *, steps: int, name: str = "") -> None:
    page.get_by_label("So many steps").check()
    page.get_by_text("Seed and other settings").click()
    page.locator("[name=advanced]").fill(SMALL)
    # Without script both kinds of budget are known to the form; the style sheet shows one.
    page.locator("[name=steps]").fill(str(steps))
    if name:
        page.locator("[name=name]").fill(name)
    page.locator("[name=steps]").press("Tab")
