"""What people do in the browser, from their first minute on."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.conftest import HubServer
from tests.pages.conftest import Shown, sign_in

DROPPED = """() => {
  const carried = new DataTransfer();
  carried.items.add(new File(["# Notes\\n"], "README.md"));
  carried.items.add(new File([new Uint8Array(70000)], "weights.bin"));
  return carried;
}"""


def test_a_newcomer_signs_up_and_uploads_by_drag_and_drop(visitor: Page) -> None:
    visitor.goto("/accounts/signup/")
    visitor.fill("[name=username]", "newcomer")
    visitor.fill("[name=password1]", "a long and lonely road 7")
    visitor.press("[name=password1]", "Enter")
    visitor.wait_for_load_state()

    visitor.goto("/new")
    visitor.fill("[name=name]", "first-model")
    visitor.get_by_role("button", name="Create").click()
    visitor.get_by_role("link", name="Upload files").click()
    carried = visitor.evaluate_handle(DROPPED)
    visitor.dispatch_event(".drop", "drop", {"dataTransfer": carried})
    expect(visitor.locator(".sending li")).to_have_count(2)
    visitor.get_by_role("button", name="Upload").click()

    visitor.wait_for_url("**/newcomer/first-model/tree/main")
    expect(visitor.get_by_role("link", name="weights.bin", exact=True)).to_be_visible()
    visitor.goto("/newcomer/first-model")
    expect(visitor.get_by_role("heading", name="Notes")).to_be_visible()


def test_without_script_a_form_uploads_edits_and_likes(
    browser: Browser, hub_server: HubServer, filled: Shown, tmp_path: Path
) -> None:
    context = browser.new_context(base_url=hub_server.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "ada")
    (tmp_path / "plain.txt").write_text("one\n")
    (tmp_path / "large.bin").write_bytes(bytes(4096))
    page.goto(f"/{filled.private}/upload/main")
    page.set_input_files("[name=files]", [tmp_path / "plain.txt", tmp_path / "large.bin"])
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("link", name="large.bin", exact=True)).to_be_visible()

    page.goto(f"/{filled.private}/edit/main/plain.txt")
    page.fill("[name=text]", "two\n")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[data-lines]")).to_contain_text("two")

    page.goto(f"/{filled.private}")
    page.get_by_role("button", name="Like").click()
    expect(page.get_by_role("button", name="Like")).to_have_attribute("aria-pressed", "true")
    context.close()


def test_a_reader_proposes_and_the_owner_merges(visitor: Page, ada: Page, filled: Shown) -> None:
    sign_in(visitor, "bob")
    visitor.goto(f"/{filled.dataset}".replace("/ada", "/datasets/ada") + "/edit/main/train.csv")
    visitor.fill("[name=text]", "zh,en\n你好,Hello\n")
    visitor.get_by_role("button", name="Propose").click()
    visitor.wait_for_url("**/discussions/*")

    ada.goto(visitor.url)
    ada.get_by_role("button", name="Merge").click()
    expect(ada.get_by_text("merged by ada")).to_be_visible()
    ada.goto(f"/datasets/{filled.dataset}/blob/main/train.csv")
    expect(ada.locator("[data-lines]")).to_contain_text("Hello")


def test_the_theme_and_the_language_are_remembered(visitor: Page) -> None:
    visitor.goto("/models")
    visitor.get_by_role("button", name="Change theme").click()
    visitor.get_by_role("button", name="中文").click()
    visitor.goto("/datasets")
    root = visitor.locator("html")
    expect(root).to_have_attribute("data-theme", "light")
    expect(root).to_have_attribute("lang", "zh-Hans")


def test_a_filter_changes_the_list_in_place(ada: Page, filled: Shown) -> None:
    ada.goto("/models?q=seen")
    ada.evaluate("window.stayed = true")
    ada.fill("main [name=q]", "seen-model")
    ada.press("main [name=q]", "Enter")
    # Other tests of this process have models of their own with such words.
    expect(ada.locator(f'[data-rows] a[href="/{filled.gated}"]')).to_have_count(0)
    expect(ada.locator(f'[data-rows] a[href="/{filled.model}"]').first).to_be_visible()
    assert ada.evaluate("window.stayed") is True
    assert "q=seen-model" in ada.url


def test_keys_find_the_search_and_walk_the_rows(ada: Page, filled: Shown) -> None:
    ada.goto("/models")
    ada.keyboard.press("j")
    assert ada.evaluate("document.activeElement.hasAttribute('data-row')") is True
    ada.keyboard.press("/")
    assert ada.evaluate("document.activeElement.name") == "q"
    ada.keyboard.press("?")
    expect(ada.locator("dialog.keys")).to_be_hidden()


@pytest.mark.parametrize("page_of", ["", "/tree/main", "/settings", "/commits/main"])
def test_a_private_repository_looks_like_none(visitor: Page, filled: Shown, page_of: str) -> None:
    private = visitor.goto(f"/{filled.private}{page_of}")
    missing = visitor.goto(f"/ada/never-was{page_of}")
    assert private is not None
    assert missing is not None
    assert private.status == missing.status == 404


def test_settings_are_for_owners(visitor: Page, filled: Shown) -> None:
    sign_in(visitor, "bob")
    response = visitor.goto(f"/{filled.model}/settings")
    assert response is not None
    assert response.status == 403


def test_a_repository_goes_only_when_its_name_is_typed(ada: Page) -> None:
    ada.goto("/new")
    ada.fill("[name=name]", "soon-gone")
    ada.get_by_role("button", name="Create").click()
    ada.goto("/ada/soon-gone/settings")
    ada.fill("[name=typed]", "ada/other")
    ada.get_by_role("button", name="Delete this repository").click()
    expect(ada.get_by_role("status")).to_contain_text("type its full name")
    ada.fill("[name=typed]", "ada/soon-gone")
    ada.get_by_role("button", name="Delete this repository").click()
    ada.wait_for_url("**/ada")
