"""Following, the feed and notes in a browser, and without scripts."""

from uuid import uuid4

import pytest
from huggingface_hub import HfApi
from playwright.sync_api import Browser, Page, expect
from tests.conftest import HubServer
from tests.pages.conftest import AXE, Shown, sign_in

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture
def plain(browser: Browser, hub_server: HubServer) -> Page:
    """Eve's window in a browser without scripts."""
    context = browser.new_context(base_url=hub_server.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "eve")
    return page


def test_following_a_member_fills_the_feed_and_says_why(
    ada: Page, hub_server: HubServer, filled: Shown
) -> None:
    name = f"deed-{uuid4().hex[:6]}"
    ada.goto("/bob")
    button = ada.get_by_role("button", name="Follow")
    if button.get_attribute("aria-pressed") == "false":
        button.press("Enter")
        expect(ada.get_by_role("button", name="Following")).to_be_focused()
    expect(ada.get_by_role("button", name="Following")).to_have_attribute("aria-pressed", "true")
    HfApi(endpoint=hub_server.url, token=hub_server.tokens["bob"]).create_repo(f"bob/{name}")
    item = ada.locator(".feed-item", has_text=f"bob/{name}")
    _until_there(ada, "/feed", f"bob/{name}")
    expect(item).to_contain_text("bob shared a model")
    expect(item).to_contain_text("because you follow bob")
    ada.get_by_role("button", name="Mark all as seen").click()
    expect(ada.locator(".feed-item .badge")).to_have_count(0)


def test_a_note_is_written_read_and_answered_without_scripts(plain: Page, filled: Shown) -> None:
    words = f"今天试了 {uuid4().hex[:8]}"
    plain.goto("/feed")
    plain.fill("#note-text", words)
    plain.click(".note-box button")
    expect(plain.locator(".post")).to_contain_text(words)
    plain.fill("[name=text]", "And it works")
    plain.get_by_role("button", name="Answer", exact=True).click()
    expect(plain.locator(".post")).to_have_count(2)
    _until_there(plain, "/feed", words)
    expect(plain.locator(".feed-item", has_text=words)).to_contain_text("1 answer")
    assert plain.locator(".feed-item", has_text=words).locator("[lang=zh-Hans]").count() == 1
    plain.goto(f"/{filled.dataset.partition('/')[0]}")
    plain.get_by_role("button", name="Follow", exact=True).or_(
        plain.get_by_role("button", name="Following")
    ).click()
    plain.context.close()


def test_a_note_that_is_too_long_comes_back_with_its_words(ada: Page) -> None:
    ada.goto("/notes/new")
    ada.fill("[name=text]", "x" * 501)
    ada.get_by_role("button", name="Publish").click()
    expect(ada.get_by_role("alert")).to_contain_text("501")
    assert ada.input_value("[name=text]") == "x" * 501


def test_a_visitor_sees_what_happens_here(visitor: Page, filled: Shown) -> None:
    visitor.goto("/feed")
    expect(visitor.get_by_role("heading", name="What happens here")).to_be_visible()
    expect(visitor.locator(".feed-item").first).to_be_visible()
    assert visitor.locator("#note-text").count() == 0
    visitor.goto(f"/{filled.model}")
    visitor.get_by_role("link", name="Follow").click()
    visitor.wait_for_url(f"**/accounts/login/?next=/{filled.model}")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_hinders_anybody(
    ada: Page, hub_server: HubServer, filled: Shown, theme: str
) -> None:
    ada.context.add_cookies([{"name": "llmos_theme", "value": theme, "url": hub_server.url}])
    for address in (
        "/feed",
        "/feed?show=all&order=interest&kind=repository",
        "/feed?kind=article&language=zh",
        "/feed/ada",
        "/followers/ada",
        "/following/ada",
        "/contributions/ada",
        "/notes/new",
        "/ada",
    ):
        ada.goto(address)
        ada.set_viewport_size({"width": 390, "height": 800})
        assert ada.evaluate("document.documentElement.scrollWidth") <= 390, address
        ada.set_viewport_size({"width": 1200, "height": 900})
        ada.evaluate(AXE.read_text())
        found = ada.evaluate(
            "rules => axe.run(document, {runOnly: rules})"
            ".then(found => found.violations.map(one => one.id + one.nodes[0].html))",
            RULES,
        )
        assert found == [], address


def _until_there(page: Page, address: str, words: str) -> None:
    """The worker records a moment later."""
    for _time in range(100):
        page.goto(address)
        if page.locator(".feed-item", has_text=words).count():
            return
        page.wait_for_timeout(200)
    raise AssertionError(f"{words!r} does not appear on {address}")
