"""The welcome in the browser: the tour ends in a pushed card, steps are ticked by deeds."""

import pytest
from huggingface_hub import HfApi
from playwright.sync_api import Browser, Page, expect
from tests.conftest import HubServer
from tests.pages.conftest import Shown, sign_in

WORDS = {
    "en": {
        "push": "Push the card",
        "done": "Your first model card is pushed",
        "next": "Step 4 of 4",
    },
    "zh-hans": {"push": "推送卡片", "done": "您的第一张模型卡片已推送", "next": "第 4 步，共 4 步"},
}


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_tour_ends_in_a_pushed_model_card(
    browser: Browser, hub_server: HubServer, language: str
) -> None:
    name = f"walker-{language}"
    hub_server.command("users", "create", name, "--password-stdin", stdin="correct horse 9\n")
    context = browser.new_context(base_url=hub_server.url, reduced_motion="reduce")
    context.add_cookies([{"name": "llmos_language", "value": language, "url": hub_server.url}])
    page = context.new_page()
    sign_in(page, name)
    page.goto("/tour")
    for _ in range(3):
        page.locator(".pager [rel=next]").click()
    expect(page.locator(".pager")).to_contain_text(WORDS[language]["next"])

    page.fill("[name=name]", "first-steps")
    page.fill("[name=purpose]", "Translates numerals. 翻译数字。")
    page.locator("[value=preview]").click()
    expect(page.locator("article.prose")).to_contain_text("翻译数字")
    page.get_by_role("button", name=WORDS[language]["push"]).click()

    expect(page.get_by_role("heading", level=1)).to_have_text(WORDS[language]["done"])
    card = HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"]).model_info(
        f"{name}/first-steps"
    )
    assert card.pipeline_tag == "translation"
    assert card.card_data is not None
    assert card.card_data.license == "apache-2.0"
    context.close()


def test_a_name_that_is_taken_is_said_and_nothing_is_lost(ada: Page, filled: Shown) -> None:
    ada.goto("/tour/card")
    ada.fill("[name=name]", filled.model.partition("/")[2])
    ada.fill("[name=purpose]", "Words that must stay.")
    ada.get_by_role("button", name="Push the card").click()

    expect(ada.locator(".notice-wrong")).to_be_visible()
    expect(ada.locator("[name=purpose]")).to_have_value("Words that must stay.")


def test_a_first_task_is_offered_taken_and_done_by_a_merged_change(
    ada: Page, filled: Shown, hub_server: HubServer, browser: Browser
) -> None:
    ada.goto(f"/datasets/{filled.dataset}")
    ada.get_by_role("link", name="Offer a first task").click()
    ada.fill("[name=title]", "Write what the rows mean")
    ada.fill("[name=minutes]", "20")
    ada.get_by_role("button", name="Offer it").click()
    address = ada.url
    context = browser.new_context(base_url=hub_server.url, reduced_motion="reduce")
    bob = context.new_page()
    sign_in(bob, "bob")
    bob.goto("/first-tasks")
    expect(bob.get_by_role("link", name="Write what the rows mean")).to_be_visible()
    bob.goto(f"/datasets/{filled.dataset}")
    bob.get_by_role("link", name="Write what the rows mean").click()
    bob.get_by_role("button", name="I take it").click()
    bob.get_by_role("button", name="Look whether it is done").click()
    expect(bob.locator(".messages")).to_contain_text("Not yet")

    theirs = HfApi(endpoint=hub_server.url, token=hub_server.tokens["bob"])
    made = theirs.upload_file(
        path_or_fileobj=b"en and zh\n",
        path_in_repo="MEANING.md",
        repo_id=filled.dataset,
        repo_type="dataset",
        create_pr=True,
    )
    owners = HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])
    assert made.pr_num is not None
    owners.merge_pull_request(filled.dataset, made.pr_num, repo_type="dataset")

    bob.goto(address)
    if bob.get_by_role("button", name="Look whether it is done").is_visible():
        bob.get_by_role("button", name="Look whether it is done").click()
    expect(bob.locator(".notice-good").filter(has_text="Done by bob")).to_be_visible()
    context.close()


def test_steps_are_ticked_by_doing_them(ada: Page, filled: Shown) -> None:
    ada.goto("/start")

    expect(ada.locator(".ticks .done", has_text="Make a data set")).to_be_visible()
    expect(ada.locator(".ticks .done", has_text="Describe it")).to_be_visible()


def test_somebody_who_may_not_write_offers_no_task(visitor: Page, filled: Shown) -> None:
    sign_in(visitor, "eve")

    answer = visitor.goto(f"/datasets/{filled.dataset}/first-tasks/new")

    assert answer is not None
    assert answer.status == 403
