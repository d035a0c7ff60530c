"""Reporting, deciding, keeping away and taking one's data along, in the browser."""

import io
import re
import zipfile
from collections.abc import Iterator

import pytest
from huggingface_hub import HfApi
from playwright.sync_api import Browser, Page, expect
from tests.conftest import HubServer
from tests.pages.conftest import PASSWORD, sign_in
from tests.pages.test_accessibility import faults

WORDS = "Please talk about the model, not about its author."


class Windows:
    """Browser windows of members who have a password."""

    def __init__(self, browser: Browser, hub: HubServer) -> None:
        self.browser, self.hub, self.opened = browser, hub, dict[str, Page]()

    def of(self, name: str, *, script: bool = True) -> Page:
        if name not in self.opened:
            context = self.browser.new_context(
                base_url=self.hub.url, reduced_motion="reduce", java_script_enabled=script
            )
            self.opened[name] = context.new_page()
            sign_in(self.opened[name], name)
        return self.opened[name]

    def newcomer(self, name: str) -> Page:
        """A window of somebody who has just signed up."""
        page = self.browser.new_context(base_url=self.hub.url, reduced_motion="reduce").new_page()
        page.goto("/accounts/signup/")
        page.fill("[name=username]", name)
        page.fill("[name=password1]", PASSWORD)
        page.press("[name=password1]", "Enter")
        page.wait_for_url(f"{self.hub.url}/")
        self.opened[name] = page
        return page


@pytest.fixture(scope="module")
def stewards(hub_server: HubServer) -> tuple[str, str]:
    names = ("judith", "jonas")
    for name in names:
        hub_server.command("users", "create", name, "--password-stdin", stdin=f"{PASSWORD}\n")
        hub_server.command("users", "level", name, "steward")
    return names


@pytest.fixture
def windows(browser: Browser, hub_server: HubServer) -> Iterator[Windows]:
    opened = Windows(browser, hub_server)
    yield opened
    for page in opened.opened.values():
        page.context.close()


def _talk(hub: HubServer, name: str) -> str:
    """The address of a discussion on ada's repository in which eve wrote something."""
    ada, eve = (HfApi(endpoint=hub.url, token=hub.tokens[who]) for who in ("ada", "eve"))
    repository = ada.create_repo(f"ada/{name}").repo_id
    talk = ada.create_discussion(repository, title="Is it any good?", description="Tell me.")
    # The same words twice would be held back as spam.
    eve.comment_discussion(repository, talk.num, f"Whoever made {name} understands nothing.")
    return f"/{repository}/discussions/{talk.num}"


def _post_of(page: Page, text: str) -> str:
    """The number of a post, as the page that shows it knows it."""
    found = page.locator("article.post", has_text=text).get_attribute("data-post")
    assert found is not None
    return found


def test_a_report_is_decided_and_its_author_reads_why(
    windows: Windows, hub_server: HubServer, stewards: tuple[str, str], visitor: Page
) -> None:
    talk = _talk(hub_server, "reported")
    bob = windows.of("bob", script=False)
    bob.goto(talk)
    number = _post_of(bob, "understands nothing")
    bob.goto(f"/posts/{number}/report")
    bob.get_by_role("button", name="Send the report").click()
    expect(bob.get_by_role("alert")).to_contain_text("Choose a reason")
    bob.get_by_label("Unkind: it attacks or belittles somebody").check()
    bob.get_by_role("button", name="Send the report").click()
    expect(bob.locator("body")).to_contain_text("a moderator will look at it")

    judith = windows.of(stewards[0])
    judith.goto("/moderation")
    judith.keyboard.press("j")
    expect(judith.locator("[data-row]").first).to_be_focused()
    judith.locator(f'[href="/moderation/posts/{number}"]').press("Enter")
    judith.get_by_label("Hide: its author may mend it").check()
    judith.get_by_label("Unkind: it attacks or belittles somebody").check()
    judith.get_by_label("In your words").fill(WORDS)
    judith.get_by_role("button", name="Decide and log it").click()
    judith.wait_for_url("**/moderation")
    expect(judith.locator(f'[href="/moderation/posts/{number}"]')).to_have_count(0)

    eve = windows.of("eve")
    eve.goto(talk)
    expect(eve.locator(".post-held")).to_contain_text(WORDS)
    visitor.goto(talk)
    expect(visitor.locator("main")).to_contain_text("Unkind: it attacks or belittles somebody")
    expect(visitor.locator("main")).not_to_contain_text("understands nothing")
    visitor.goto("/moderation/log")
    expect(visitor.locator("main")).to_contain_text(WORDS)
    assert not re.search(r"\beve\b", visitor.locator("main").inner_text())
    visitor.context.add_cookies(
        [{"name": "llmos_language", "value": "zh-hans", "url": hub_server.url}]
    )
    visitor.reload()
    expect(visitor.locator("main")).to_contain_text(WORDS)


def test_the_second_of_two_moderators_reads_who_was_first(
    windows: Windows, hub_server: HubServer, stewards: tuple[str, str]
) -> None:
    talk = _talk(hub_server, "decided-twice")
    first, second = (windows.of(name) for name in stewards)
    first.goto(talk)
    number = _post_of(first, "understands nothing")
    for page in (first, second):
        page.goto(f"/moderation/posts/{number}")
        page.get_by_label("Remove: a gap with the reason stays").check()
        page.get_by_label("Unkind: it attacks or belittles somebody").check()
    first.get_by_role("button", name="Decide and log it").click()
    first.wait_for_url("**/moderation")
    second.get_by_role("button", name="Decide and log it").click()
    expect(second.get_by_role("alert")).to_contain_text("judith has decided in the meantime")


def test_readers_find_no_queue(windows: Windows) -> None:
    reader = windows.newcomer("rita")
    answer = reader.goto("/moderation")
    assert answer is not None
    assert answer.status == 403


def test_who_is_ignored_is_folded_away_and_comes_back(
    windows: Windows, hub_server: HubServer
) -> None:
    talk = _talk(hub_server, "ignored")
    ilse = windows.newcomer("ilse")
    ilse.goto("/eve")
    ilse.get_by_title("More about eve").click()
    ilse.get_by_role("button", name="Ignore").click()
    ilse.goto(talk)
    expect(ilse.get_by_text("By somebody whom you ignore")).to_be_visible()
    ilse.goto("/settings/people")
    expect(ilse.locator("main")).to_contain_text("ignored")
    ilse.get_by_role("button", name="Let near again").click()
    ilse.goto(talk)
    expect(ilse.get_by_text("Whoever made ignored understands nothing.")).to_be_visible()


def test_a_member_fetches_her_data_and_leaves(windows: Windows, visitor: Page) -> None:
    lea = windows.newcomer("lea")
    lea.goto("/settings/data")
    lea.get_by_role("button", name="Make an archive").click()
    fetch = lea.get_by_role("button", name="Fetch the archive")
    for _ in range(40):
        if fetch.is_visible():
            break
        lea.wait_for_timeout(250)
        lea.goto("/settings/data")
    with lea.expect_download() as download:
        fetch.click()
    archive = zipfile.ZipFile(io.BytesIO(download.value.path().read_bytes()))
    assert "profile.json" in archive.namelist()

    lea.goto("/settings/data")
    lea.get_by_role("link", name="Delete my account").click()
    lea.fill("[name=password]", PASSWORD)
    lea.press("[name=password]", "Enter")
    lea.get_by_label("Type lea to confirm").fill("lea")
    lea.get_by_role("button", name="Delete the account for good").click()
    expect(lea.get_by_role("heading", name="Your account is closed")).to_be_visible()
    for _ in range(40):
        answer = visitor.goto("/lea")
        assert answer is not None
        if answer.status == 404:
            break
        visitor.wait_for_timeout(250)
    assert answer.status == 404


def test_a_suspended_member_reads_why_when_signing_in(
    windows: Windows, hub_server: HubServer, visitor: Page
) -> None:
    hub_server.command(
        "users", "create", "boss", "--admin", "--password-stdin",
        stdin=f"{PASSWORD}\n",
    )  # fmt: skip
    windows.newcomer("susi")
    boss = windows.of("boss")
    boss.goto("/moderation/members/susi")
    boss.get_by_label("Suspend from the hub").check()
    boss.get_by_label("Advertising or spam").check()
    boss.get_by_role("button", name="Decide and log it").click()
    boss.wait_for_url("**/moderation")
    visitor.goto("/accounts/login/")
    visitor.fill("[name=login]", "susi")
    visitor.fill("[name=password]", PASSWORD)
    visitor.press("[name=password]", "Enter")
    expect(visitor.get_by_role("heading", name="Your account is suspended")).to_be_visible()
    expect(visitor.locator("main")).to_contain_text("Advertising or spam")


@pytest.mark.parametrize("width", [390, 600, 1200])
def test_the_menu_beside_a_name_opens_within_the_window(ada: Page, width: int) -> None:
    ada.set_viewport_size({"width": width, "height": 800})
    ada.goto("/bob")
    ada.locator("main details.menu summary").click()
    box = ada.locator("main .menu-list").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width


@pytest.mark.slow
def test_pages_of_moderation_have_no_barriers(
    windows: Windows, hub_server: HubServer, stewards: tuple[str, str]
) -> None:
    talk = _talk(hub_server, "looked-at")
    judith = windows.of(stewards[0])
    judith.goto(talk)
    number = _post_of(judith, "understands nothing")
    found = {
        address: faults(judith, address)
        for address in (
            "/moderation",
            f"/moderation/posts/{number}",
            f"/posts/{number}/report",
            f"/posts/{number}/menu",
            "/settings/people",
        )
    }
    assert {address: what for address, what in found.items() if what} == {}
