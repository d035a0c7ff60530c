"""A new person, given only the address: from signing up to a digest mail, in each language."""

import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect
from tests.community.notifications.conftest import Office
from tests.conftest import free_port, run_llmos, start_hub, stop_hub
from tests.pages.conftest import PASSWORD, sign_in

pytestmark = pytest.mark.slow

ADDRESS = "mei@people.example"
WORDS = {
    "en": ("How do I choose a batch size?", "What I learned in a day", "Digest|missed|new"),
    "zh-hans": ("批次大小怎么选？", "一天里学到的东西", "摘要|错过|新内容"),
}


@dataclass
class Town:
    """A hub that mails through a real mail server, and can be stopped and started again."""

    home: Path
    office: Office
    port: int

    @contextmanager
    def open(self) -> Iterator[str]:
        process, url = start_hub(self.home, port=self.port)
        try:
            yield url
        finally:
            stop_hub(process)

    def mail(self, pattern: str, *, seconds: float = 40) -> EmailMessage:
        """The first mail to the newcomer whose subject or text has this."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for mail in self.office.mails_to(ADDRESS):
                if re.search(pattern, f"{mail['Subject']}\n{text_of(mail)}"):
                    return mail
            time.sleep(0.2)
        raise AssertionError([mail["Subject"] for mail in self.office.mails_to(ADDRESS)])


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    return str(part.get_content()) if part is not None else ""


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    office = Office(free_port())
    controller = Controller(office, hostname="127.0.0.1", port=office.port)
    controller.start()
    home, port = tmp_path / "home", free_port()
    home.mkdir()
    (home / "llmos.toml").write_text(
        f'[server]\npublic_url = "http://127.0.0.1:{port}"\n'
        f'[mail]\nurl = "smtp://127.0.0.1:{office.port}"\nsender = "hub@hub.example"\n'
    )
    yield Town(home, office, port)
    controller.stop()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_newcomer_finds_everything_from_the_address_alone(
    browser: Browser, town: Town, language: str
) -> None:
    title, article, digest = WORDS[language]
    with town.open() as url:
        run_llmos(town.home, "users", "create", "guru", "--password-stdin", stdin=f"{PASSWORD}\n")
        mine = window(browser, url, language)
        page = mine.new_page()
        joins(page, town)
        asks(page, title)
        theirs = window(browser, url, language)
        guru = theirs.new_page()
        sign_in(guru, "guru")
        answers(guru, title)
        accepts(page)
        publishes(page, article)
        follows(page, "guru")
        asks(guru, f"{title} (2)")
        wants_a_digest(page)
        finishes_the_tour(page)
        told(page, "(2)")
        page.goto("/feed")
        expect(page.get_by_role("link", name=f"{title} (2)").first).to_be_visible()
        mine.close()
        theirs.close()
    a_day_passes(town.home)
    with town.open():
        mail = town.mail(digest)
    assert f"{title} (2)" in text_of(mail)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert (
        str(mail["List-Unsubscribe"])
        .strip()
        .startswith(f"<http://127.0.0.1:{town.port}/unsubscribe/")
    )


def window(browser: Browser, url: str, language: str) -> BrowserContext:
    opened = browser.new_context(base_url=url, reduced_motion="reduce")
    opened.add_cookies([{"name": "llmos_language", "value": language, "url": url}])
    return opened


def joins(page: Page, town: Town) -> None:
    page.goto("/")
    page.locator("main a[href='/accounts/signup/']").first.click()
    page.fill("[name=username]", "mei")
    page.fill("[name=email]", ADDRESS)
    page.fill("[name=password1]", "a long and lonely road 7")
    page.press("[name=password1]", "Enter")
    page.wait_for_load_state()
    link = re.search(r"http://\S+/accounts/confirm-email/\S+", text_of(town.mail("confirm-email")))
    assert link is not None
    page.goto(link[0])
    page.locator("main form button").first.click()
    page.wait_for_load_state()


def asks(page: Page, title: str) -> None:
    page.goto("/forum")
    page.locator("main a[href^='/forum/new']").first.click()
    page.select_option("[name=category]", "questions")
    page.fill("[name=title]", title)
    page.fill("[name=text]", f"{title}\n\n$$x^2$$")
    page.locator("form[data-composer] button.button-main").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(title)


def answers(page: Page, title: str) -> None:
    page.goto("/forum")
    page.get_by_role("link", name=title).first.click()
    page.fill("[name=text]", "Begin with 64, @mei")
    page.locator("form[data-composer] button.button-main").click()
    expect(page.locator("#post-2")).to_contain_text("Begin with 64")


def accepts(page: Page) -> None:
    told(page, "guru").get_by_role("link").last.click()
    page.locator("#post-2 button[formaction*='/accept']").click()
    expect(page.locator(".badge-good").first).to_be_visible()


def publishes(page: Page, title: str) -> None:
    page.goto("/blog")
    page.locator("main a[href^='/blog/new']").first.click()
    page.fill("[name=title]", title)
    page.fill("[name=text]", "## One\n\n**Try small things first.** 先试小的。")
    page.locator("form[data-composer] button.button-main").click()
    page.locator("form[action$='/publish'] button.button-main").first.click()
    page.goto("/blog")
    expect(page.get_by_role("link", name=title).first).to_be_visible()


def follows(page: Page, name: str) -> None:
    page.goto(f"/{name}")
    page.locator("form[action*='/follow'] button").first.click()
    page.wait_for_load_state()


def wants_a_digest(page: Page) -> None:
    page.goto("/settings/notifications")
    page.select_option("[name=digest]", "daily")
    page.select_option("[name=digest_hour]", str(datetime.now(UTC).hour))
    page.locator("form.fields button.button-main").click()
    page.wait_for_load_state()


def finishes_the_tour(page: Page) -> None:
    page.goto("/tour")
    for _ in range(3):
        page.locator(".pager [rel=next]").click()
    page.fill("[name=name]", "mei-first")
    page.fill("[name=purpose]", "Numerals. 数字。")
    page.locator("form[action='/tour/card'] button.button-main").click()
    page.wait_for_url("**/tour/done/mei/mei-first")
    page.goto("/start")
    expect(page.locator(".ticks .done").first).to_be_visible()


def told(page: Page, words: str) -> Locator:
    """The line of news that has these words; the worker writes it a moment after the deed."""
    line = page.locator("main li").filter(has_text=words).first
    for _ in range(80):
        page.goto("/notifications")
        if line.is_visible():
            break
        time.sleep(0.25)
    expect(line).to_be_visible()
    return line


def a_day_passes(home: Path) -> None:
    """As seen by the clock of digests: she joined two days ago."""
    with closing(sqlite3.connect(home / "llmos.sqlite3")) as rows, rows:
        rows.execute("UPDATE accounts_user SET date_joined = datetime('now', '-2 days')")
