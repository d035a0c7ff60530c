"""News in the browser: the bell, the list, and how to be told."""

import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from huggingface_hub import HfApi
from playwright.sync_api import Browser, Page, expect
from tests.conftest import HubServer
from tests.faults.conftest import send
from tests.pages.conftest import sign_in
from tests.pages.test_accessibility import faults


def unread(hub: HubServer, user: str) -> int:
    answer = send(hub.url, "GET", "/api/notifications", token=hub.tokens[user])
    lines: list[dict[str, Any]] = json.loads(answer.body)["unread"]
    return len(lines)


@pytest.fixture
def told(hub_server: HubServer) -> str:
    """Two proposed changes wait for Bob; the name of his repository."""
    name = f"bob/told-{uuid4().hex[:8]}"
    HfApi(endpoint=hub_server.url, token=hub_server.tokens["bob"]).create_repo(name)
    before = unread(hub_server, "bob")
    ada = HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])
    for title in ("A better card", "更好的说明"):
        ada.create_pull_request(name, title)
    deadline = time.monotonic() + 30
    while unread(hub_server, "bob") < before + 2:
        assert time.monotonic() < deadline, "the worker never told"
        time.sleep(0.2)
    return name


@pytest.fixture
def bob(browser: Browser, hub_server: HubServer) -> Iterator[Page]:
    context = browser.new_context(base_url=hub_server.url, reduced_motion="reduce")
    page = context.new_page()
    sign_in(page, "bob")
    yield page
    context.close()


def test_news_is_looked_at_one_by_one_or_all_at_once(bob: Page, told: str) -> None:
    bob.goto("/notifications?kind=work")
    rows = bob.locator(".news-row.is-unread")
    expect(rows.filter(has_text="更好的说明")).to_contain_text("ada proposes a change")
    count = rows.count()

    rows.filter(has_text="更好的说明").get_by_role("link").click()
    bob.wait_for_url(f"**/{told}/discussions/2")
    bob.goto("/notifications?kind=work")
    expect(rows).to_have_count(count - 1)
    bob.get_by_role("button", name="Mark all as seen").click()
    bob.wait_for_load_state()
    bob.goto("/notifications?kind=work")
    expect(rows).to_have_count(0)
    expect(bob.locator(".news-row").filter(has_text="更好的说明").first).to_be_visible()


def test_ways_to_be_told_are_kept(bob: Page) -> None:
    bob.goto("/settings/notifications")
    box = bob.get_by_label("Reactions to what you wrote: Mail at once")
    expect(box).not_to_be_checked()
    box.check()
    bob.get_by_label("Digest", exact=True).select_option("daily")
    bob.get_by_role("button", name="Save").click()
    expect(bob.get_by_label("Reactions to what you wrote: Mail at once")).to_be_checked()
    expect(bob.get_by_label("Digest", exact=True)).to_have_value("daily")

    bob.get_by_role("button", name="Mute everything for a week").click()
    expect(bob.get_by_text("No mail and no push before:")).to_be_visible()
    bob.get_by_role("button", name="End the silence").click()
    expect(bob.get_by_text("No mail and no push before:")).to_have_count(0)


@pytest.mark.parametrize("address", ["/notifications", "/settings/notifications"])
def test_pages_about_news_have_no_barriers(bob: Page, told: str, address: str) -> None:
    assert faults(bob, address) == []
