"""The promise of the house, with real jobs on a running hub: what was made here is made again."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx2
import pytest
from huggingface_hub import HfApi, ModelCard
from prov.model import ProvDocument
from tests.conftest import HubServer
from tests.jobs.conftest import Jobs, wish

from llmos.lab import numerals

pytestmark = pytest.mark.slow

ON_HUB = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "llmos.web.settings"
import django
django.setup(set_prefix=False)
from llmos.provenance.models import Activity
activity = Activity.objects.get(pk=sys.argv[1])
activity.software["torch"] = "2.0.0"
activity.recipe["workers"] = 3 - activity.recipe["workers"]
activity.save()
"""


class Browser(httpx2.Client):
    """Somebody on the pages, without JavaScript."""

    def sign_in(self, name: str) -> None:
        fields = {"login": name, "password": "correct horse 9"}
        assert self.send_form("/accounts/login/", fields).status_code == 200

    def text(self, path: str) -> str:
        answer = self.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return re.sub(r"\s+", " ", answer.text)

    def send_form(self, page: str, fields: dict[str, str], *, to: str = "") -> httpx2.Response:
        found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.get(page).text)
        assert found, page
        filled = {**fields, "csrfmiddlewaretoken": found[1]}
        return self.post(to or page, data=filled, headers={"Referer": f"{self.base_url}{page}"})


@contextmanager
def opened(hub: HubServer, name: str = "") -> Iterator[Browser]:
    with Browser(base_url=hub.url, timeout=60, follow_redirects=True) as browser:
        if name:
            browser.sign_in(name)
        yield browser


@dataclass(frozen=True)
class Story:
    """Ada's data set, and the model that a job made of it."""

    hub: HubServer
    data: str
    model: str
    job: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.job["id"])

    @property
    def api(self) -> HfApi:
        return HfApi(endpoint=self.hub.url, token=self.hub.tokens["ada"])

    def activity(self, viewer: str = "") -> dict[str, Any]:
        return self.read(f"/api/activities/{self.id}", viewer)

    def read(self, path: str, viewer: str = "") -> dict[str, Any]:
        token = self.hub.tokens.get(viewer)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        answer = httpx2.get(self.hub.url + path, headers=headers, timeout=60)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def rebuilt_by(self, name: str) -> dict[str, Any]:
        """Press the button on the activity's page, as anybody does, and wait for the verdict."""
        with opened(self.hub, name) as browser:
            page = f"/activities/{self.id}"
            landed = browser.send_form(page, {}, to=f"{page}/rebuild")
        assert landed.status_code == 200
        found = re.fullmatch(rf"/jobs/{name}/(\w+)", landed.url.path)
        assert found, landed.url
        ended = Jobs(self.hub.url, self.hub.tokens[name], name).wait(found[1])
        assert ended["status"]["stage"] == "COMPLETED", ended
        newest: dict[str, Any] = self.activity()["rebuilds"][0]
        assert newest["job"] == found[1]
        return newest


@pytest.fixture(scope="module")
def story(hub_server: HubServer) -> Story:
    """Trained for a time and not for a number of steps, which a rebuild has to repeat."""
    ada = Jobs(hub_server.url, hub_server.tokens["ada"], "ada")
    data, model = f"ada/numerals-{uuid4().hex[:6]}", f"ada/reader-{uuid4().hex[:6]}"
    ada.api.create_repo(data, repo_type="dataset")
    pairs = [row for _, row in zip(range(80), numerals.rows("train"), strict=False)]
    _push_rows(ada.api, data, pairs)
    job = ada.file(wish(data, model, recipe={"budget": {"minutes": 0.04}, "workers": 1}))
    ended = ada.wait(job)
    assert ended["status"]["stage"] == "COMPLETED", ended
    return Story(hub_server, data, model, ended)


@pytest.fixture
def anybody(hub_server: HubServer) -> Iterator[Browser]:
    with opened(hub_server) as browser:
        yield browser


def _push_rows(api: HfApi, data: str, rows: list[dict[str, str]]) -> None:
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    api.upload_file(
        path_or_fileobj=lines.encode(),
        path_in_repo="train.jsonl",
        repo_id=data,
        repo_type="dataset",
    )


def test_a_job_leaves_its_edge_and_all_that_it_takes_to_do_it_again(story: Story) -> None:
    found = story.activity()

    head = story.api.dataset_info(story.data).sha
    assert [(one["role"], one["repo"], one["commit"]) for one in found["inputs"]] == [
        ("data", story.data, head)
    ]
    assert found["output"]["repo"] == story.model
    assert found["output"]["commit"] == story.api.model_info(story.model).sha
    assert found["by"] == "ada"
    assert found["recipe"]["budget"]["plan"], "a budget in minutes is kept as steps"
    assert found["software"]["torch"]
    assert found["hardware"]["cpu"]
    assert found["cost"]["cpu_seconds"] > 0
    [weights] = [
        f
        for f in story.api.model_info(story.model, files_metadata=True).siblings or []
        if f.rfilename == "model.safetensors"
    ]
    assert weights.lfs is not None
    assert found["files"]["model.safetensors"] == weights.lfs.sha256


def test_the_models_card_says_how_it_was_made(story: Story) -> None:
    url = f"{story.hub.url}/{story.model}/resolve/main/README.md"
    card = ModelCard(httpx2.get(url, follow_redirects=True).text)
    found = story.activity()

    assert "## How this was made" in card.text
    facts = dict(re.findall(r"^\| ([a-z ]+) \| (.+) \|$", card.text, re.MULTILINE))
    assert facts["data"] == f"`{story.data}@{found['inputs'][0]['commit']}`"
    assert found["recipeHash"] in facts["recipe"]
    assert facts["software"] == f"lock `{found['softwareHash']}`"
    assert facts["seed"] == str(found["seed"])
    assert found["hardware"]["cpu"] in facts["hardware"]
    assert re.match(r"\d+ CPU-seconds, \d+ s, \d+ MiB at most, [\d.]+ Wh \(", facts["cost"])
    link = f"{story.hub.url}/activities/{story.id}"
    assert facts["activity"] == f"[{story.id}]({link})"
    assert httpx2.get(link).status_code == 200


def test_lineage_is_told_on_pages_and_as_prov(story: Story, anybody: Browser) -> None:
    card = anybody.text(f"/{story.model}")
    assert "not rebuilt yet" in card
    assert f'href="/datasets/{story.data}"' in card
    assert f"/activities/{story.id}" in anybody.text(f"/datasets/{story.data}/lineage")
    assert story.model in anybody.text(f"/datasets/{story.data}")

    for kind, name, direction in (
        ("models", story.model, "from"),
        ("datasets", story.data, "to"),
    ):
        told = story.read(f"/api/{kind}/{name}/lineage?direction={direction}")
        document = ProvDocument.deserialize(content=json.dumps(told), format="json")
        assert len(document.get_records()) == 8
        assert {one["prov:label"] for one in told["entity"].values()} == {story.data, story.model}


def test_nonsense_is_refused_in_words(story: Story) -> None:
    for query in ("direction=up", "depth=0", "depth=x", "depth=99"):
        answer = httpx2.get(f"{story.hub.url}/api/models/{story.model}/lineage?{query}")
        assert answer.status_code == 400, query
        assert query.partition("=")[0] in answer.json()["error"]


def test_a_stranger_rebuilds_the_model_to_the_same_bytes(story: Story, anybody: Browser) -> None:
    head = story.api.model_info(story.model).sha

    verdict = story.rebuilt_by("eve")

    assert (verdict["equal"], verdict["by"], verdict["differences"]) == (True, "eve", {})
    assert story.api.model_info(story.model).sha == head, "a rebuild pushes nothing"
    assert "rebuilds to the same bytes" in anybody.text(f"/{story.model}")
    page = anybody.text(f"/activities/{story.id}")
    assert "the same bytes" in page
    assert f"/jobs/eve/{verdict['job']}" in page


def test_whoever_may_not_see_a_step_does_not_learn_that_it_is_there(story: Story) -> None:
    with opened(story.hub, "eve") as eve:
        story.api.update_repo_settings(story.model, private=True)
        hidden = eve.get(f"/activities/{story.id}")
        missing = eve.get(f"/activities/{'0' * 24}")
        wanted = eve.post(f"/activities/{story.id}/rebuild")
        story.api.update_repo_settings(story.model, private=False)

    assert (hidden.status_code, missing.status_code) == (404, 404)
    assert story.model not in hidden.text
    assert wanted.status_code in {403, 404}


def test_a_rebuild_that_differs_says_what_differs(story: Story, anybody: Browser) -> None:
    subprocess.run(
        [sys.executable, "-c", ON_HUB, story.id],
        env={**os.environ, "LLMOS_HOME": str(story.hub.home)},
        check=True,
    )

    verdict = story.rebuilt_by("ada")

    assert not verdict["equal"]
    differing = verdict["differences"]
    first, now = differing["files"]["model.safetensors"]
    assert first != now
    assert differing["software"]["torch"][0] == "2.0.0"
    assert set(differing) == {"files", "software"}
    page = anybody.text(f"/activities/{story.id}")
    for word in ("other bytes", "model.safetensors", first[:16], now[:16], "2.0.0"):
        assert word in page
    state = anybody.text(f"/{story.model}")
    assert "a rebuild differed" in state
    assert "1 was equal" in state


def until(true: Callable[[], bool], limit: float = 20) -> None:
    deadline = time.monotonic() + limit
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def is_outdated(story: Story) -> bool:
    return bool(story.activity()["inputs"][0]["outdated"])


def test_changing_and_deleting_a_source_lists_what_is_stale(story: Story, anybody: Browser) -> None:
    story.api.upload_file(
        path_or_fileobj=b"---\nlicense: mit\n---\n# Better words\n",
        path_in_repo="README.md",
        repo_id=story.data,
        repo_type="dataset",
    )
    until(lambda: "Better words" in anybody.text(f"/datasets/{story.data}"))
    assert not is_outdated(story), "a better card makes nothing stale"
    with opened(story.hub, "ada") as ada:
        for page in ("settings", "upload/main", "delete/main/train.jsonl"):
            warned = ada.text(f"/datasets/{story.data}/{page}")
            assert "marked as stale" in warned, page
            assert story.model in warned, page

    _push_rows(story.api, story.data, [{"zh": "一", "en": "one"}])
    until(lambda: is_outdated(story))
    assert "a source has changed since" in anybody.text(f"/{story.model}")
    told = story.read(f"/api/datasets/{story.data}/lineage?direction=to")
    assert [one["llmos:stale"] for one in told["activity"].values()] == [True]
    assert [one["llmos:outdated"] for one in told["used"].values()] == [True]

    story.api.delete_repo(story.data, repo_type="dataset")
    found = story.activity()["inputs"][0]
    assert (found["repo"], found["gone"]) == (story.data, True)
    page = anybody.text(f"/activities/{story.id}")
    assert "A source was deleted, so this cannot be rebuilt here." in page
    assert "deleted" in anybody.text(f"/{story.model}/lineage")
