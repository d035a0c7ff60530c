"""From a blank form to an article that others cite: written, shared, published, talked about."""

import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi
from playwright.sync_api import Browser, Page, expect
from tests.conftest import HubServer
from tests.pages.conftest import sign_in
from tests.pages.test_accessibility import faults

PICTURE = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360"
    "606060000000050001a5f645400000000049454e44ae426082"
)
TEXT = """We asked two judges.[^1]

## What we asked

The score is $\\bar x$.

## What we found

The judges agree.

[^1]: Their answers are kept.
"""


def member(browser: Browser, hub: HubServer, name: str, *, script: bool = True) -> Page:
    """The window of a member of this test alone."""
    hub.command("users", "create", name, "--password-stdin", stdin="correct horse 9\n")
    context = browser.new_context(
        base_url=hub.url, reduced_motion="reduce", java_script_enabled=script
    )
    page = context.new_page()
    sign_in(page, name)
    return page


@pytest.fixture
def name() -> str:
    return f"w{uuid.uuid4().hex[:8]}"


@pytest.fixture
def writer(browser: Browser, hub_server: HubServer, name: str) -> Iterator[Page]:
    page = member(browser, hub_server, name)
    yield page
    page.context.close()


def write(page: Page, title: str, text: str = TEXT) -> None:
    page.goto("/blog")
    page.get_by_role("link", name="Write").first.click()
    page.get_by_label("Title").fill(title)
    page.get_by_label("Text", exact=True).fill(text)


def test_an_article_is_written_shared_published_cited_and_talked_about(
    writer: Page, visitor: Page, browser: Browser, hub_server: HubServer, name: str, tmp_path: Path
) -> None:
    (tmp_path / "cover.png").write_bytes(PICTURE)
    write(writer, "Two judges, one question")
    writer.get_by_role("button", name="Preview").click()
    expect(writer.locator("[data-preview-pane] math")).to_be_visible()
    writer.get_by_role("button", name="Preview").click()
    writer.get_by_label("Summary").fill("Why the interval matters.")
    writer.get_by_text("Cover, series, address").click()
    writer.get_by_label("Cover picture").set_input_files(tmp_path / "cover.png")
    # What the cover shows is asked for; nothing that was typed is lost.
    writer.get_by_role("button", name="Save as a draft").click()
    expect(writer.get_by_role("alert")).to_contain_text("what the cover shows")
    writer.get_by_label("What the cover shows").fill("A plain picture")
    writer.get_by_label("Tags").fill("judging, 评审")
    writer.get_by_role("button", name="Save as a draft").click()
    address = f"/blog/{name}/two-judges-one-question"
    writer.wait_for_url(f"**{address}")
    expect(writer.get_by_text("A draft: only its authors see it.")).to_be_visible()
    assert writer.get_by_role("navigation", name="Contents").get_by_role("link").count() == 2

    # Nobody else finds it; who has the link reads it with its picture, until it is taken back.
    assert visitor.goto(address).status == 404  # type: ignore[union-attr]
    writer.get_by_role("button", name="Share the draft by a link").click()
    link = writer.locator(".article-deeds pre").inner_text().strip()
    visitor.goto(link)
    expect(visitor.get_by_role("heading", name="Two judges, one question")).to_be_visible()
    assert visitor.evaluate("document.querySelector('.article-cover').naturalWidth") == 1
    assert visitor.locator("meta[name=robots]").get_attribute("content") == "noindex, nofollow"
    writer.get_by_role("button", name="Take the link back").click()
    assert visitor.goto(link).status == 404  # type: ignore[union-attr]

    # Scheduled it waits; published it is there for all, with what machines read.
    writer.get_by_label("Publish later").fill("2099-01-01T09:00")
    writer.get_by_role("button", name="Set").click()
    expect(writer.get_by_text("It will be published at that time.")).to_be_visible()
    assert visitor.goto(address).status == 404  # type: ignore[union-attr]
    writer.get_by_role("button", name="Publish now").click()
    visitor.goto("/blog?tag=judging")
    visitor.locator(f'main a[href="{address}"]').click()
    expect(visitor.get_by_role("heading", name="Two judges, one question")).to_be_visible()
    head = visitor.evaluate(
        "Object.fromEntries([...document.querySelectorAll('meta[property]')]"
        ".map(one => [one.getAttribute('property'), one.content]))"
    )
    assert head["og:title"] == "Two judges, one question"
    assert head["og:description"] == "Why the interval matters."
    assert head["og:image"].startswith(f"{hub_server.url}/attachments/")
    canonical = visitor.locator("link[rel=canonical]").get_attribute("href")
    assert canonical == f"{hub_server.url}{address}"

    visitor.get_by_text("BibTeX").click()
    expect(visitor.locator(".article-cite pre").first).to_contain_text(f"@online{{{name}")
    with httpx2.Client(base_url=hub_server.url) as machine:
        twin = machine.get(f"{address}.bib")
        assert twin.text.startswith(f"@online{{{name}")
        assert twin.headers["content-type"].startswith("application/x-bibtex")
        text = machine.get(f"{address}.md").text
        assert "title: Two judges, one question" in text
        assert "## What we asked" in text
        for kind in ("atom", "json"):
            assert "The judges agree." in machine.get(f"/blog/{name}.{kind}").text

    other = member(browser, hub_server, f"{name}r")
    other.goto(address)
    other.locator("#comments textarea[name=text]").fill("How many sentences?")
    other.get_by_role("button", name="Comment", exact=True).click()
    expect(other.get_by_text("How many sentences?")).to_be_visible()
    other.context.close()
    writer.goto(address)
    writer.get_by_role("button", name="Close").click()
    visitor.goto(address)
    expect(visitor.get_by_text("How many sentences?")).to_be_visible()
    expect(visitor.get_by_text("takes no more answers")).to_be_visible()


def test_two_write_an_article_together_without_script(
    browser: Browser, hub_server: HubServer, name: str
) -> None:
    first = member(browser, hub_server, f"{name}a", script=False)
    second = member(browser, hub_server, f"{name}b", script=False)
    write(first, "Together")
    first.get_by_role("button", name="Preview").last.click()
    expect(first.locator(".article-text math")).to_be_visible()
    first.get_by_role("button", name="Save as a draft").click()
    first.get_by_role("link", name="Edit").first.click()
    first.get_by_label("Invite a co-author").fill(f"{name}b")
    first.get_by_role("button", name="Invite").click()

    second.goto("/blog/drafts")
    second.get_by_role("link", name="Together").click()
    expect(second.get_by_role("heading", name="Together")).to_be_visible()
    second.get_by_role("button", name="Accept").click()
    second.get_by_role("link", name="Edit").first.click()
    second.get_by_label("Text", exact=True).fill(TEXT + "\nSo do we.\n")
    second.get_by_role("button", name="Save").click()
    expect(second.get_by_text("So do we.")).to_be_visible()
    second.get_by_role("button", name="Publish now").click()
    first.goto(f"/blog/{name}a/together")
    expect(first.locator(".byline").first).to_contain_text(f"{name}b")
    expect(first.get_by_text("So do we.")).to_be_visible()
    first.get_by_role("button", name="Make it a draft again").click()
    expect(first.get_by_text("A draft: only its authors see it.")).to_be_visible()
    for page in (first, second):
        page.context.close()


def test_a_short_article_is_published_in_one_step(writer: Page, visitor: Page, name: str) -> None:
    write(writer, "At once")
    writer.get_by_role("button", name="Publish now").click()
    expect(writer.get_by_text("It is published.")).to_be_visible()
    visitor.goto(f"/blog/{name}/at-once")
    expect(visitor.get_by_role("heading", name="At once")).to_be_visible()


def test_a_pushed_article_says_where_it_comes_from_and_where_to_edit_it(
    ada: Page, hub_server: HubServer
) -> None:
    repo = f"ada/pushed-{uuid.uuid4().hex[:6]}"
    api = HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])
    api.create_repo(repo)
    slug = repo.removeprefix("ada/")
    files = {
        f"articles/{slug}.md": "---\ntitle: Pushed by a client\nlanguage: en\n---\n\nBy `hf`.\n",
        "articles/broken.md": "---\ntitle: a: b\n---\n",
    }
    for path, content in files.items():
        api.upload_file(path_or_fileobj=content.encode(), path_in_repo=path, repo_id=repo)
    for _ in range(100):
        found = ada.goto(f"/blog/ada/{slug}")
        if found is not None and found.ok:
            break
        time.sleep(0.2)
    expect(ada.get_by_text(re.compile(f"from {repo} @ [0-9a-f]{{8}}"))).to_be_visible()
    expect(ada.get_by_text("The text is a file of a repository")).to_be_visible()
    ada.goto(f"/blog/ada/{slug}/edit")
    expect(ada.get_by_text(f"articles/{slug}.md of {repo}")).to_be_visible()
    ada.goto("/blog/drafts")
    expect(ada.get_by_text(f"{repo}/articles/broken.md")).to_be_visible()
    expect(ada.get_by_text("needs quotes").first).to_be_visible()
    ada.goto("/ada")
    expect(ada.locator(".article-short").get_by_text("Pushed by a client")).to_be_visible()


@pytest.mark.slow
def test_pages_of_the_blog_are_readable_by_everybody(writer: Page, name: str) -> None:
    write(writer, "Readable", TEXT + "\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```python\nx = 1\n```\n")
    writer.get_by_label("Tags").fill("reading")
    writer.get_by_text("Cover, series, address").click()
    writer.get_by_label("Series").fill("Reading")
    writer.get_by_role("button", name="Save as a draft").click()
    address = f"/blog/{name}/readable"
    writer.wait_for_url(f"**{address}")
    pages = [address, f"{address}/edit", "/blog/drafts", "/blog/new"]
    found = [(one, fault) for one in pages for fault in faults(writer, one)]
    writer.context.clear_cookies(name="llmos_language")
    writer.goto(address)
    writer.get_by_role("button", name="Publish now").click()
    pages = [address, "/blog", f"/blog/{name}", "/blog?language=en&tag=reading"]
    found += [(one, fault) for one in pages for fault in faults(writer, one)]
    assert found == []
