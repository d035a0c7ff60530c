"""Discussions in the browser: asked, answered, settled; changes proposed and signed off."""

from uuid import uuid4

import httpx2
import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from playwright.sync_api import Browser, Page, expect
from tests.conftest import HubServer
from tests.pages.conftest import sign_in


@pytest.fixture
def api(hub_server: HubServer) -> HfApi:
    return HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])


@pytest.fixture
def repo(api: HfApi) -> str:
    name = f"ada/talked-{uuid4().hex[:6]}"
    api.create_repo(name)
    files = {"CONTRIBUTING.md": b"# How\n\nAsk first.\n", "notes.txt": b"one\n"}
    additions = [CommitOperationAdd(path, content) for path, content in files.items()]
    api.create_commit(name, additions, commit_message="Begin")
    return name


def test_a_question_is_asked_answered_and_settled(visitor: Page, ada: Page, repo: str) -> None:
    sign_in(visitor, "bob")
    visitor.goto(f"/{repo}")
    visitor.get_by_role("link", name="Discussions").click()
    visitor.get_by_role("link", name="New discussion").click()
    expect(visitor.get_by_role("link", name="CONTRIBUTING.md")).to_be_visible()
    visitor.fill("[name=title]", "哪些数据？")
    visitor.fill("main [name=text]", "训练用了**哪些**数据？")
    visitor.get_by_role("button", name="Begin").click()
    visitor.wait_for_url("**/discussions/1")
    expect(visitor.get_by_role("heading", name="哪些数据？ #1")).to_have_attribute(
        "lang", "zh-Hans"
    )

    ada.goto(f"/{repo}/discussions")
    ada.get_by_role("link", name="哪些数据？").click()
    ada.fill("main [name=text]", "See the card.")
    ada.get_by_role("button", name="Answer").click()
    expect(ada.locator("article.post")).to_have_count(2)
    ada.locator("aside").get_by_role("button", name="Close").click()
    expect(ada.get_by_text("ada closed this")).to_be_visible()
    ada.get_by_text("Change the title").click()
    ada.fill("[name=title]", "数据来源")
    ada.get_by_role("button", name="Save").click()
    expect(ada.get_by_role("heading", name="数据来源 #1")).to_be_visible()

    ada.goto(f"/{repo}/discussions")
    expect(ada.get_by_text("Nothing is being discussed")).to_be_visible()
    ada.get_by_role("link", name="Closed or merged").click()
    expect(ada.get_by_role("link", name="数据来源")).to_be_visible()
    ada.get_by_role("link", name="Mine").click()
    expect(ada.get_by_text("Nothing here matches")).to_be_visible()


def test_what_is_refused_is_not_lost(ada: Page, repo: str) -> None:
    ada.goto(f"/{repo}/discussions/new")
    ada.fill("[name=title]", " ")
    ada.fill("main [name=text]", "many words")
    ada.get_by_role("button", name="Begin").click()
    expect(ada.get_by_role("alert")).to_contain_text("A title has 1 to 200 characters")
    expect(ada.locator("main [name=text]")).to_have_value("many words")


def test_a_change_is_signed_off_by_a_box(
    browser: Browser, hub_server: HubServer, ada: Page, api: HfApi, repo: str
) -> None:
    ada.goto(f"/{repo}/settings")
    ada.get_by_label("Ask for Signed-off-by").check()
    section = ada.locator("section", has_text="Ask for Signed-off-by")
    section.get_by_role("button", name="Save").click()
    expect(ada.get_by_label("Ask for Signed-off-by")).to_be_checked()

    plain = browser.new_context(base_url=hub_server.url, java_script_enabled=False)
    bob = plain.new_page()
    sign_in(bob, "bob")
    bob.goto(f"/{repo}/edit/main/notes.txt")
    expect(bob.get_by_role("link", name="CONTRIBUTING.md")).to_be_visible()
    bob.fill("[name=text]", "one\ntwo\n")
    bob.get_by_label("I may contribute this").check()
    bob.get_by_role("button", name="Propose").click()
    bob.wait_for_url("**/discussions/1")
    expect(bob.get_by_text("signed off")).to_be_visible()
    plain.close()

    ada.goto(f"/{repo}/discussions/1")
    ada.get_by_role("button", name="Merge").click()
    expect(ada.get_by_text("merged by ada")).to_be_visible()
    expect(ada.get_by_text("ada merged this into main")).to_be_visible()
    assert "Signed-off-by: bob <bob@" in api.list_repo_commits(repo)[0].message


def test_a_change_without_the_line_cannot_be_merged(
    hub_server: HubServer, ada: Page, api: HfApi, repo: str
) -> None:
    change = [CommitOperationAdd("notes.txt", b"three\n")]
    api.create_commit(repo, change, commit_message="Three", create_pr=True)
    httpx2.put(
        f"{hub_server.url}/api/models/{repo}/settings",
        headers={"Authorization": f"Bearer {api.token}"},
        json={"signOff": True},
    ).raise_for_status()
    ada.goto(f"/{repo}/discussions/1")
    expect(ada.get_by_text("some commits lack it")).to_be_visible()
    expect(ada.get_by_text("git rebase --signoff origin/main")).to_be_visible()
    expect(ada.get_by_role("button", name="Merge")).to_have_count(0)


def test_a_card_shows_where_it_is_mentioned(ada: Page, api: HfApi, repo: str) -> None:
    other = f"ada/naming-{uuid4().hex[:6]}"
    api.create_repo(other)
    api.create_discussion(other, title="Like that one", description=f"As in [that one](/{repo}).")
    ada.goto(f"/{repo}")
    expect(ada.get_by_role("link", name="How to contribute")).to_be_visible()
    ada.get_by_role("link", name="Like that one").click()
    ada.wait_for_url(f"**/{other}/discussions/1")


@pytest.mark.parametrize("who", ["visitor", "ada"])
def test_a_private_repositorys_discussions_look_missing(
    who: str, visitor: Page, ada: Page, api: HfApi, hub_server: HubServer
) -> None:
    name = f"ada/hidden-{uuid4().hex[:6]}"
    api.create_repo(name, private=True)
    api.create_discussion(name, title="Ours", description="secret words")
    for path in ("/discussions", "/discussions/1"):
        page = {"visitor": visitor, "ada": ada}[who]
        answer = page.goto(f"/{name}{path}")
        assert answer is not None
        assert answer.status == (404 if who == "visitor" else 200)
