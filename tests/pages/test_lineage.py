"""Lineage in a browser: readable by everybody, and walked with the keyboard alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page
from tests.conftest import HubServer
from tests.pages.test_accessibility import faults

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SEED = """
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "llmos.web.settings"
import django
django.setup(set_prefix=False)
from llmos.accounts.models import User
from llmos.hub.actions import delete_repository
from llmos.provenance.actions import follow_source, record_rebuild
from tests.provenance.made import a_repository, an_activity, changed
ada, bob = User.objects.get(username="ada"), User.objects.get(username="bob")
rows, gone = (a_repository(ada, name, kind="dataset") for name in ("lin-rows", "lin-gone"))
model = a_repository(ada, "lin-model")
tuned = a_repository(bob, "lin-tuned-with-a-name-that-is-far-too-long-for-its-box")
secret = a_repository(bob, "lin-secret", visibility="private")
changed(model, {"README.md": "---\\nlicense: mit\\nbase_model: some/where\\n---\\n# A model\\n"})
first = an_activity(ada, [rows, gone], model)
an_activity(bob, [model], tuned)
an_activity(bob, [model], secret)
an_activity(ada, [tuned, rows], None)
for number, files in enumerate((first.files, {"model.safetensors": "cd" * 32})):
    record_rebuild(
        activity=first,
        job_id=f"{number:024d}",
        namespace_id=ada.namespace_id,
        user_id=bob.pk,
        made={"software": {"python": "3.12.1"}, "hardware": first.hardware},
        files=files,
    )
delete_repository(repository=gone)
follow_source(rows.pk)
print(first.pk)
"""


@pytest.fixture(scope="module")
def activity(hub_server: HubServer) -> str:
    done = subprocess.run(
        [sys.executable, "-c", SEED],
        env={**os.environ, "LLMOS_HOME": str(hub_server.home), "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(
    "address",
    [
        "/ada/lin-model",
        "/ada/lin-model/lineage",
        "/datasets/ada/lin-rows",
        "/datasets/ada/lin-rows/lineage?depth=12",
        "/datasets/ada/lin-rows/settings",
        "/activities/{activity}",
    ],
)
def test_pages_of_lineage_have_no_barriers(ada: Page, activity: str, address: str) -> None:
    assert faults(ada, address.format(activity=activity)) == []


def test_a_repository_without_lineage_is_told_what_belongs_there(
    ada: Page, activity: str, hub_server: HubServer
) -> None:
    assert faults(ada, "/bob/lin-tuned-with-a-name-that-is-far-too-long-for-its-box/lineage") == []
    ada.goto("/ada/lin-model/lineage")
    assert ada.locator(".badge-claim").count() == 1


def test_the_tables_say_all_that_the_drawing_shows(ada: Page, activity: str) -> None:
    ada.goto("/ada/lin-model/lineage")

    drawn = {link.get_attribute("href") for link in ada.locator("svg.lineage a").all()}
    listed = {link.get_attribute("href") for link in ada.locator("table a").all()}
    assert f"/activities/{activity}" in drawn
    assert {address.removesuffix("/lineage") for address in drawn if address} <= listed
    assert ada.locator("svg.lineage").get_by_text("private work").count() == 1
    assert "lin-secret" not in ada.content()
    assert ada.locator("svg.lineage .stale").count() >= 2


def test_the_drawing_is_walked_with_the_keyboard(ada: Page, activity: str) -> None:
    ada.goto("/ada/lin-model/lineage")
    ada.locator(".lineage-figure [role=region]").focus()
    for _ in range(8):
        ada.keyboard.press("Tab")
        focused = ada.evaluate("document.activeElement.getAttribute('href')")
        if focused == "/datasets/ada/lin-rows/lineage":
            break
    ada.keyboard.press("Enter")

    ada.wait_for_url("**/datasets/ada/lin-rows/lineage")
