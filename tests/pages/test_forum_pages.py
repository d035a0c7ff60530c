"""The forum as people use it: asking, answering, accepting, voting, and keeping order."""

import time
from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.conftest import HubServer
from tests.pages.conftest import PASSWORD, sign_in
from tests.pages.test_accessibility import faults


@pytest.fixture(scope="module", autouse=True)
def _shelves(hub_server: HubServer) -> None:
    """The worker of a new hub makes the first categories a moment after it has started."""
    for _attempt in range(240):
        if httpx.get(f"{hub_server.url}/forum/c/discussion").status_code == 200:
            return
        time.sleep(0.25)


@pytest.fixture(scope="module")
def keeper_context(browser: Browser, hub_server: HubServer) -> Iterator[BrowserContext]:
    """An administrator, whose browser runs no scripts."""
    hub_server.command(
        "users", "create", "forumkeeper", "--admin", "--password-stdin", stdin=f"{PASSWORD}\n"
    )
    context = browser.new_context(base_url=hub_server.url, java_script_enabled=False)
    sign_in(context.new_page(), "forumkeeper")
    yield context
    context.close()


@pytest.fixture(scope="module")
def bob_context(browser: Browser, hub_server: HubServer) -> Iterator[BrowserContext]:
    """Bob, whose browser runs no scripts either."""
    context = browser.new_context(base_url=hub_server.url, java_script_enabled=False)
    sign_in(context.new_page(), "bob")
    yield context
    context.close()


@pytest.fixture
def keeper(keeper_context: BrowserContext) -> Iterator[Page]:
    page = keeper_context.new_page()
    yield page
    page.close()


@pytest.fixture
def bob(bob_context: BrowserContext) -> Iterator[Page]:
    page = bob_context.new_page()
    yield page
    page.close()


def open_topic(page: Page, title: str, text: str, *, category: str = "questions") -> str:
    """Through the form; returns the topic's address."""
    page.goto(f"/forum/new?category={category}")
    page.fill("[name=title]", title)
    page.fill("#topic-text", text)
    page.click("[data-send]")
    page.wait_for_url("**/t/**")
    return page.url.split("#")[0]


def answer(page: Page, address: str, text: str) -> str:
    page.goto(address)
    page.fill("#reply-text", text)
    page.click("#reply [data-send]")
    page.wait_for_url("**#post-*")
    return page.url


def test_a_question_is_asked_answered_and_solved(ada: Page, bob: Page) -> None:
    ada.goto("/forum/new")
    assert ada.input_value("#topic-text").startswith("### What I want to do")
    ada.select_option("[name=category]", "support")
    assert ada.input_value("#topic-text").startswith("### What I did")
    ada.select_option("[name=category]", "questions")
    ada.fill("[name=title]", "Why does my zeppelin tokenizer split umlauts?")
    ada.fill("[name=tags]", "分词, data")
    text = ada.input_value("#topic-text").replace("### What I tried\n", "### What I tried\n\nBPE")
    ada.fill("#topic-text", text)
    ada.click("[data-send]")
    ada.wait_for_url("**/t/**")
    address = ada.url

    expect(ada.locator("#post-1 .post-text h3")).to_have_count(1)
    expect(ada.locator(".topic-head")).to_contain_text("unanswered")
    expect(ada.locator(".topic-head .tag-list")).to_contain_text("tokenizer")
    answer(bob, address, "Normalise to **NFC** first.")
    ada.goto(address)
    ada.click("#post-2 button:has-text('This answers it')")
    expect(ada.locator("#post-1 .answer")).to_contain_text("Normalise to NFC first.")
    expect(ada.locator("#post-2 .accepted")).to_be_visible()
    bob.goto("/forum/c/questions")
    row = bob.locator("li.thread-row", has_text="zeppelin")
    expect(row).to_contain_text("solved")


def test_a_title_shows_what_was_asked_already(ada: Page) -> None:
    open_topic(ada, "How large a quokka corpus does distillation need?", "Ten thousand rows?")
    near = ada.locator("#similar-now")
    for _attempt in range(20):  # the worker writes the index a moment later
        ada.goto("/forum/new")
        ada.locator("[name=title]").press_sequentially("quokka corpus size")
        try:
            expect(near).to_contain_text("How large a quokka corpus", timeout=1500)
            return
        except AssertionError:
            continue
    expect(near).to_contain_text("How large a quokka corpus")


def test_without_scripts_one_previews_asks_and_votes(bob: Page, ada: Page) -> None:
    bob.goto("/forum/new?category=discussion")
    bob.fill("[name=title]", "Which abacus do you use?")
    bob.fill("#topic-text", "Tell me **all**.")
    bob.click("summary:has-text('Add a poll')")
    bob.fill("[name=poll_question]", "Which abacus?")
    bob.fill("[name=poll_choices]", "wooden")
    bob.click("button:has-text('Preview'):visible")
    expect(bob.locator("section.card strong")).to_have_text("all")
    bob.click("[data-send]")
    expect(bob.get_by_role("alert")).to_contain_text("2 to 20 different choices")
    bob.fill("[name=poll_choices]", "wooden\nelectronic")
    bob.click("[data-send]")
    bob.wait_for_url("**/t/**")
    address = bob.url

    ada.goto(address)
    ada.click(".poll label:has-text('electronic')")
    ada.click(".poll button:has-text('Vote')")
    expect(ada.locator(".poll-result tr", has_text="electronic")).to_contain_text("100 %")
    expect(bob.locator(".poll-result")).to_have_count(0)


def test_moderators_move_split_and_merge_without_scripts(keeper: Page, bob: Page) -> None:
    first = open_topic(bob, "Does the ferret model need attention?", "It bites.")
    second = open_topic(bob, "Ferret model and attention", "The same once more.")
    off = answer(bob, first, "By the way, who feeds the wombat?")

    keeper.goto(first)
    keeper.click("a:has-text('Move, split, merge')")
    keeper.select_option("#move-category", "discussion")
    keeper.click("button:has-text('Move')")
    expect(keeper.locator(".crumbs")).to_contain_text("Open discussion")
    expect(keeper.locator(".post-deed")).to_contain_text("moved this")

    keeper.goto(f"{first.split('/t/')[0]}/t/{first.split('/t/')[1].split('/')[0]}/arrange")
    keeper.check("#split label:has-text('wombat') input")
    keeper.fill("#split-title-field", "Who feeds the wombat?")
    keeper.click("button:has-text('Split off')")
    expect(keeper.locator("h1")).to_have_text("Who feeds the wombat?")
    wombat = keeper.url
    bob.goto(f"{first}/{off.rpartition('-')[2]}")
    assert bob.url == f"{wombat}#post-1"

    keeper.goto(f"{second.rpartition('/')[0]}/arrange")
    keeper.fill("#merge-into", first)
    keeper.click("button:has-text('Merge')")
    expect(keeper.locator(".post-text")).to_have_count(2)
    bob.goto(second)
    assert bob.url.split("#")[0] == first


@pytest.mark.parametrize("width", [390, 1200])
def test_the_menu_of_a_post_opens_in_its_place(ada: Page, bob: Page, width: int) -> None:
    address = open_topic(bob, f"Menu at {width}?", f"What is there on {width} pixels?")
    ada.set_viewport_size({"width": width, "height": 800})
    ada.goto(address)
    ada.get_by_title("More", exact=True).click()
    menu = ada.locator("details[name=post-menu]")
    expect(menu.get_by_role("link", name="Report")).to_be_visible()
    box = menu.locator(".menu-list").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    ada.keyboard.press("Escape")
    expect(menu.get_by_role("link", name="Report")).to_be_hidden()
    assert ada.url == address


def test_without_scripts_the_menu_of_a_post_is_a_page(bob: Page) -> None:
    address = open_topic(bob, "What else?", "I shall let others edit this.")
    bob.get_by_title("More", exact=True).click()
    bob.get_by_role("button", name="Let others edit this").click()
    bob.wait_for_url(f"{address}**")
    expect(bob.locator("article.post").first).to_contain_text("wiki")


def test_only_moderators_arrange(ada: Page, bob: Page) -> None:
    address = open_topic(bob, "Mine alone", "Or not.")
    answered = ada.goto(f"{address.rpartition('/')[0]}/arrange")
    assert answered is not None
    assert answered.status == 403


def test_an_empty_category_teaches(visitor: Page) -> None:
    visitor.goto("/forum/c/announcements")
    expect(visitor.locator(".empty")).to_contain_text("Nothing here yet")


@pytest.mark.parametrize(
    "address",
    ["/forum", "/forum/c/questions", "/forum/new", "/forum/tags", "/forum/unanswered", "topic"],
)
def test_the_forum_has_no_barriers(ada: Page, address: str) -> None:
    if address == "topic":
        address = open_topic(ada, "What does everybody see?", "# One\n\n`two`\n\n> three")
    assert faults(ada, address) == []


def test_how_closely_one_follows_a_category_is_kept_at_once(ada: Page) -> None:
    ada.goto("/forum/c/show")
    ada.select_option("#watch-level", "2")
    expect(ada.locator(".watching output")).to_have_text("Saved")
    ada.goto("/forum/c/show")
    expect(ada.locator("#watch-level")).to_have_value("2")
    ada.select_option("#watch-level", "0")
    expect(ada.locator(".watching output")).to_have_text("Saved")


def test_announcements_are_not_sorted_by_what_waits_for_an_answer(visitor: Page) -> None:
    visitor.goto("/forum/c/announcements")
    expect(visitor.locator(".chips a", has_text="Unanswered")).to_have_count(0)
    visitor.goto("/forum/c/questions")
    expect(visitor.locator(".chips a", has_text="Unanswered")).to_have_count(1)
