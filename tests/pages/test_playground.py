"""Trying models and talking with them, in a browser."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from tests.conftest import HubServer
from tests.pages.conftest import Shown, sign_in
from tests.pages.test_accessibility import faults
from tests.serving.conftest import Operator, operator_of
from tests.serving.models import (
    EMBEDDER,
    READER,
    SLOW,
    TRANSLATOR,
    WRITER,
    embedder,
    push,
    reader,
    slow_writer,
    tiny_translator,
    tiny_writer,
)

LOADING = 60_000  # ms; the machine may be busy
PLAIN = "ada/plain-writer"  # has no chat template
CARD = b"""---
license: mit
pipeline_tag: translation
widget:
- text: the cat sat on the mat
---
A tiny translator.
"""


@pytest.fixture(scope="module")
def models(hub_server: HubServer, tmp_path_factory: pytest.TempPathFactory) -> None:
    root = tmp_path_factory.mktemp("models")
    api = HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])
    made = {
        TRANSLATOR: tiny_translator,
        WRITER: tiny_writer,
        SLOW: slow_writer,
        READER: reader,
        EMBEDDER: embedder,
        PLAIN: tiny_writer,
    }
    for name, make in made.items():
        folder = make(root / name.partition("/")[2])
        if name == PLAIN:
            (folder / "chat_template.jinja").unlink()
        push(api, name, folder)
    api.upload_file(repo_id=TRANSLATOR, path_in_repo="README.md", path_or_fileobj=CARD)


@pytest.fixture(scope="module")
def operator(hub_server: HubServer) -> Operator:
    return operator_of(hub_server.url, hub_server.command)


@pytest.fixture
def plain(browser: Browser, hub_server: HubServer) -> Iterator[Page]:
    """Ada's browser without script."""
    context = browser.new_context(base_url=hub_server.url, java_script_enabled=False)
    page = context.new_page()
    sign_in(page, "ada")
    yield page
    context.close()


def settled(page: Page, state: str = "whole") -> None:
    """The newest answer has come to this end."""
    last = page.locator(".turn-answer").last
    expect(last).to_have_attribute("data-state", state, timeout=LOADING)


def say(page: Page, text: str, *, model: str = WRITER, most: int = 16, random: float = 0.7) -> None:
    page.select_option("#id_model", model)
    page.locator("details:has(#id_temperature) > summary").first.click()
    page.fill("#id_temperature", str(random))
    page.fill("#id_max_tokens", str(most))
    page.fill("#text", text)
    page.press("#text", "Enter")


def test_a_model_page_translates_with_alternatives_and_attention(ada: Page, models: None) -> None:
    ada.goto(f"/{TRANSLATOR}")
    ada.get_by_role("link", name="the cat sat on the mat").click()
    expect(ada.locator("#try-text")).to_have_value("the cat sat on the mat")
    result = ada.locator(".try-result")
    expect(result.locator(".facts-line")).to_contain_text("ms", timeout=LOADING)
    answer = result.locator(".try-answer").inner_text()
    assert answer.strip()
    # Whoever listens hears the answer once, when it is whole.
    expect(ada.locator(".try [data-say]")).to_contain_text(answer.split()[0])

    result.get_by_text("Other ways to say it").click()
    expect(result.locator("tbody tr").first).to_be_visible()
    result.get_by_text("Where the model looked").click()
    picture = result.get_by_role("img", name="Attention")
    expect(picture).to_be_visible()
    assert picture.locator("rect").count() > picture.locator("text").count()
    result.get_by_text("As a table").click()
    expect(result.get_by_role("columnheader", name="Looked most at")).to_be_visible()
    result.get_by_text("The same from elsewhere").click()
    expect(result.get_by_text("client.translation('the cat sat on the mat')")).to_be_visible()


def test_without_script_the_box_is_a_form_that_answers(plain: Page, models: None) -> None:
    plain.goto(f"/{TRANSLATOR}")
    plain.fill("#try-text", "a dog ran")
    plain.get_by_role("button", name="Translate").click()

    expect(plain).to_have_url(f"/{TRANSLATOR}/try")
    expect(plain.locator(".try-result .facts-line")).to_contain_text("ms")
    expect(plain.locator("#try-text")).to_have_value("a dog ran")


def test_a_text_is_gone_on_with_piece_by_piece_and_can_be_stopped(ada: Page, models: None) -> None:
    ada.goto(f"/{PLAIN}")
    ada.locator(".try details summary").first.click()
    ada.fill("[name=max_tokens]", "20")
    ada.fill("#try-text", "the cat")
    ada.press("#try-text", "Enter")
    expect(ada.locator(".try-answer .muted")).to_have_text("the cat", timeout=LOADING)

    ada.goto(f"/{SLOW}")
    ada.locator(".try details summary").first.click()
    ada.fill("[name=max_tokens]", "4000")
    ada.fill("[name=temperature]", "0")
    ada.fill("#try-text", "the cat")
    ada.get_by_role("button", name="Send").click()
    expect(ada.locator(".growing")).to_be_visible(timeout=LOADING)
    ada.get_by_role("button", name="Stop").click()
    expect(ada.locator("[data-state]")).to_have_text("Stopped")
    expect(ada.locator(".try-result .try-answer")).not_to_be_empty()
    expect(ada.get_by_role("link", name="Open a conversation")).to_be_visible()


def test_an_answer_is_marked_where_it_stands_and_sentences_are_compared(
    ada: Page, models: None
) -> None:
    ada.goto(f"/{READER}")
    ada.fill("#try-context", "the cat sat")
    ada.fill("#try-text", "who sat ?")
    ada.get_by_role("button", name="Answer").click()
    marked = ada.locator(".try-context mark")
    expect(marked).to_be_visible(timeout=LOADING)
    assert marked.inner_text() in "the cat sat"

    ada.goto(f"/{EMBEDDER}")
    ada.fill("#try-text", "the cat sat")
    ada.fill("#try-others", "a dog ran\nthe cat sat\n")
    ada.get_by_role("button", name="Compare").click()
    rows = ada.locator(".try-result tbody tr")
    expect(rows).to_have_count(2, timeout=LOADING)
    expect(rows.first).to_contain_text("the cat sat")
    expect(rows.first).to_contain_text("1.000")


def test_a_model_that_cannot_be_run_says_why(ada: Page, filled: Shown) -> None:
    ada.goto(f"/{filled.model}")

    expect(ada.locator(".try .notice")).to_contain_text("cannot be run here")
    expect(ada.locator(".try .notice")).to_contain_text("safetensors")


def test_a_visitor_is_asked_to_sign_in(visitor: Page, models: None) -> None:
    visitor.goto(f"/{TRANSLATOR}")

    visitor.get_by_role("link", name="Sign in to try it").click()

    expect(visitor).to_have_url(f"/accounts/login/?next=/{TRANSLATOR}/try")


def test_a_conversation_streams_is_stopped_retried_and_edited(ada: Page, models: None) -> None:
    ada.goto("/chat")
    say(ada, "go on and on", model=SLOW, most=4000, random=0)
    expect(ada.locator(".growing")).not_to_be_empty(timeout=LOADING)
    ada.get_by_role("button", name="Stop").click()
    settled(ada, "stopped")
    expect(ada.locator(".turn-answer")).to_contain_text("Stopped before its end")
    expect(ada.locator("h1")).to_have_text("go on and on")
    address = ada.url

    ada.select_option("#id_model", WRITER)
    ada.fill("#id_max_tokens", "12")
    ada.get_by_role("button", name="Retry").click()
    settled(ada)
    expect(ada.locator(".turn-answer .other-ways")).to_contain_text("2 / 2")
    expect(ada.locator("[data-say]")).to_contain_text("The answer:")

    ada.get_by_text("Edit", exact=True).click()
    ada.get_by_role("textbox", name="as it should have been").fill("something else")
    ada.get_by_role("button", name="Send anew").click()
    expect(ada.locator(".turn-message .typed")).to_have_text("something else")
    settled(ada)
    ada.get_by_role("link", name="The way before").click()
    expect(ada.locator(".turn-message .typed")).to_have_text("go on and on")
    assert ada.url.startswith(address)


def test_enter_sends_but_never_while_an_input_method_composes(ada: Page, models: None) -> None:
    ada.goto("/chat")
    ada.fill("#text", "你好")
    composing = {"key": "Enter", "isComposing": True, "bubbles": True, "cancelable": True}
    ada.dispatch_event("#text", "keydown", composing)
    ada.press("#text", "Shift+Enter")
    assert ada.input_value("#text").startswith("你好\n")
    expect(ada.locator(".turn")).to_have_count(0)

    say(ada, "你好")

    settled(ada)
    expect(ada.locator(".turn-message .typed")).to_have_text("你好")
    expect(ada.locator("#text")).to_have_value("")


def test_an_engine_that_dies_is_told_and_what_it_wrote_stays(
    ada: Page, models: None, operator: Operator
) -> None:
    ada.goto("/chat")
    say(ada, "until you die", model=SLOW, most=4000, random=0)
    expect(ada.locator(".growing")).not_to_be_empty(timeout=LOADING)
    os.kill(operator.engines()[SLOW]["pid"], signal.SIGKILL)

    settled(ada, "failed")

    answer = ada.locator(".turn-answer")
    expect(answer.locator(".notice")).to_contain_text("engine")
    assert answer.get_attribute("data-text")


def test_a_message_that_did_not_arrive_is_offered_to_be_sent_again(ada: Page, models: None) -> None:
    ada.goto("/chat")
    ada.route("**/chat", lambda route: route.abort() if is_sent(route) else route.continue_())
    say(ada, "are you there")
    problem = ada.get_by_role("alert")
    expect(problem).to_contain_text("The connection was lost")
    expect(ada.locator("#text")).to_have_value("are you there")

    ada.unroute("**/chat")
    ada.get_by_role("button", name="Try again").click()

    settled(ada)
    expect(problem).to_be_hidden()
    expect(ada.locator(".turn-message")).to_have_count(1)


def is_sent(route: Route) -> bool:
    return route.request.method == "POST"


def test_a_page_that_reaches_the_hub_no_more_says_so_and_looks_again_when_asked(
    ada: Page, ada_context: BrowserContext, models: None
) -> None:
    ada.goto("/chat")
    say(ada, "behind a tunnel", model=SLOW, most=2000, random=0)
    expect(ada.locator(".growing")).not_to_be_empty(timeout=LOADING)
    other = ada_context.new_page()
    other.route("**/turns/*", lambda route: route.abort())
    other.goto(ada.url)
    expect(other.get_by_role("alert")).to_contain_text("The connection was lost", timeout=20_000)

    ada.get_by_role("button", name="Stop").click()
    settled(ada, "stopped")
    other.unroute("**/turns/*")
    other.get_by_role("button", name="Try again").click()

    settled(other, "stopped")
    expect(other.get_by_role("alert")).to_be_hidden()
    other.close()


def test_without_script_a_conversation_goes_on_by_forms(plain: Page, models: None) -> None:
    plain.goto("/chat")
    plain.select_option("#id_model", WRITER)
    plain.fill("#text", "hello")
    plain.get_by_role("button", name="Send").click()
    expect(plain.locator(".turn-answer")).to_have_attribute("data-state", "whole")

    plain.fill("#text", "and more")
    plain.get_by_role("button", name="Send").click()
    expect(plain.locator(".turn")).to_have_count(4)


def test_a_tab_that_comes_back_sees_the_end_of_an_answer(
    ada: Page, ada_context: BrowserContext, models: None
) -> None:
    ada.goto("/chat")
    say(ada, "for two tabs", model=SLOW, most=300, random=0)
    expect(ada.locator(".growing")).not_to_be_empty(timeout=LOADING)
    other = ada_context.new_page()
    other.goto(ada.url)
    settled(ada)
    settled(other)
    assert other.locator(".turn-answer").count() == 1
    other.close()


def test_an_administrator_sees_and_unloads_engines(
    browser: Browser, hub_server: HubServer, ada: Page, models: None
) -> None:
    hub_server.command(
        "users", "create", "keeper", "--admin", "--password-stdin", stdin="correct horse 9\n"
    )
    ada.goto(f"/{TRANSLATOR}/try?text=cat")
    ada.get_by_role("button", name="Translate").click()
    expect(ada.locator(".try-result .facts-line")).to_be_visible(timeout=LOADING)
    assert ada.goto("/serving").status == 403  # type: ignore[union-attr]
    context = browser.new_context(base_url=hub_server.url)
    page = context.new_page()
    sign_in(page, "keeper")
    page.goto("/serving")
    page.get_by_role("button", name=f"Unload {TRANSLATOR}").click()

    expect(page.get_by_text("The engine is unloaded")).to_be_visible()
    expect(page.get_by_role("button", name=f"Unload {TRANSLATOR}")).to_have_count(0)
    context.close()


def test_the_pages_have_no_barriers(ada: Page, models: None, tmp_path: Path) -> None:
    ada.goto("/chat")
    say(ada, "a readable page")
    settled(ada)

    assert faults(ada, ada.url) == []
    assert faults(ada, "/chat") == []
    assert faults(ada, f"/{TRANSLATOR}/try") == []
    assert faults(ada, f"/{WRITER}") == []
