"""One browser, and one repository of each kind with something to see, for all page tests."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, HfApi
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from tests.conftest import HubServer

CHROMIUM = Path("/usr/bin/chromium")
AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
PASSWORD = "correct horse 9"

CARD = """---
license: apache-2.0
language: [zh, en]
pipeline_tag: translation
---

A small model. See [the script](scripts/train.py).

| test | score |
|---|---:|
| one | 31.8 |

- [x] trained

$$e^{i\\pi} + 1 = 0$$

```python
print("你好")
```
"""


@dataclass(frozen=True)
class Shown:
    """What the filled hub has to show."""

    model: str
    dataset: str
    gated: str
    private: str
    change: int


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", "--disable-gpu"]
        )
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def filled(hub_server: HubServer) -> Shown:
    api = HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])
    shown = Shown("ada/seen-model", "ada/seen-rows", "ada/seen-gated", "ada/seen-private", 1)
    api.create_repo(shown.model)
    api.create_repo(shown.dataset, repo_type="dataset")
    api.create_repo(shown.gated)
    api.update_repo_settings(shown.gated, gated="manual")
    api.create_repo(shown.private, private=True)
    files = {
        "README.md": CARD.encode(),
        "scripts/train.py": b"import math\n\n\nprint(math.pi)\n",
        "model.safetensors": _weights(),
    }
    api.create_commit(shown.model, _additions(files), commit_message="Add everything")
    rows = {
        "README.md": "---\nlicense: cc-by-2.0\n---\n# 句对\n\n中英对照。\n".encode(),
        "train.csv": b"zh,en\n",
    }
    api.create_commit(
        shown.dataset, _additions(rows), commit_message="Add rows", repo_type="dataset"
    )
    api.create_tag(shown.model, tag="v1.0")
    api.create_commit(
        shown.model,
        _additions({"scripts/train.py": b"print(3)\n"}),
        commit_message="Print less",
        create_pr=True,
    )
    return shown


@pytest.fixture
def visitor(browser: Browser, hub_server: HubServer) -> Iterator[Page]:
    """A browser window of somebody who is not signed in."""
    context = browser.new_context(base_url=hub_server.url, reduced_motion="reduce")
    yield context.new_page()
    context.close()


@pytest.fixture(scope="session")
def ada_context(browser: Browser, hub_server: HubServer) -> Iterator[BrowserContext]:
    context = browser.new_context(base_url=hub_server.url, reduced_motion="reduce")
    sign_in(context.new_page(), "ada")
    yield context
    context.close()


@pytest.fixture
def ada(ada_context: BrowserContext) -> Iterator[Page]:
    """A browser window of Ada, signed in, with nothing chosen by an earlier test."""
    for choice in ("llmos_language", "llmos_theme"):
        ada_context.clear_cookies(name=choice)
    page = ada_context.new_page()
    yield page
    page.close()


def sign_in(page: Page, name: str) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", name)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda address: "/accounts/login" not in address)


def _additions(files: dict[str, bytes]) -> list[CommitOperationAdd]:
    return [CommitOperationAdd(path_in_repo=p, path_or_fileobj=c) for p, c in files.items()]


def _weights() -> bytes:
    header = json.dumps({"w": {"dtype": "F32", "shape": [8, 8], "data_offsets": [0, 256]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(256)
