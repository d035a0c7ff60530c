"""Every page in both themes, both languages, on a desk and on a phone: readable by everybody."""

import pytest
from playwright.sync_api import Page
from tests.pages.conftest import AXE, Shown

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# The dark theme is the light one in other colours (01-tokens.css), so there we ask for those.
OF_COLOURS = ["color-contrast", "link-in-text-block"]
RULES_IN = {"light": RULES, "dark": OF_COLOURS}
PAGES = [
    "/",
    "/models",
    "/models?tag=translation",
    "/spaces",
    "/search?q=seen",
    "/search?q=seen&type=model",
    "/tour",
    "/tour/card",
    "/start",
    "/first-tasks",
    "/guides/use",
    "/examples",
    "/datasets/{dataset}/first-tasks/new",
    "/bookmarks",
    "/settings/data",
    "/search?q=%E5%8F%A5%E5%AF%B9",
    "/ada",
    "/{model}",
    "/datasets/{dataset}",
    "/{model}/tree/main",
    "/{model}/blob/main/scripts/train.py#L3",
    "/{model}/blob/main/README.md",
    "/{model}/blob/main/model.safetensors",
    "/{model}/commits/main",
    "/{model}/commit/main",
    "/{model}/refs",
    "/{model}/discussions",
    "/{model}/discussions/{change}",
    "/{model}/discussions/new",
    "/legal/dco",
    "/{model}/settings",
    "/{model}/upload/main",
    "/{model}/edit/main/README.md",
    "/{model}/delete/main/README.md",
    "/{model}/new/main",
    "/new-dataset",
    "/styleguide",
    "/nobody/nothing",
]
VISITORS_PAGES = ["/", "/accounts/login/", "/accounts/signup/", "/{gated}"]


def faults(page: Page, address: str) -> list[str]:
    """What is wrong with a page in any of the eight ways to look at it."""
    found: list[str] = []
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else "")
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto("/api/health")  # the quickest answer of the hub that the cookie is for
    hub = page.url
    for language in ("en", "zh-hans"):
        page.context.add_cookies([{"name": "llmos_language", "value": language, "url": hub}])
        page.goto(address)
        page.evaluate(AXE.read_text())
        for width in (1200, 390, 360):
            page.set_viewport_size({"width": width, "height": 800})
            over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            if over > 0:
                found.append(f"{language} {width}: {over} px too wide")
            for theme, rules in RULES_IN.items() if width != 360 else ():
                page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
                broken = page.evaluate(
                    "rules => axe.run({runOnly: rules, resultTypes: ['violations']})"
                    ".then(all => all.violations.map("
                    "one => one.id + ' ' + one.nodes[0].html.slice(0, 200)))",
                    rules,
                )
                found += [f"{language} {width} {theme}: {fault}" for fault in broken]
    return found + [text for text in said if "404" not in text]


@pytest.mark.parametrize("address", PAGES)
def test_a_members_page_has_no_barriers(ada: Page, filled: Shown, address: str) -> None:
    assert faults(ada, address.format(**vars(filled))) == []


@pytest.mark.parametrize("address", VISITORS_PAGES)
def test_a_visitors_page_has_no_barriers(visitor: Page, filled: Shown, address: str) -> None:
    assert faults(visitor, address.format(**vars(filled))) == []
