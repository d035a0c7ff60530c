"""Feeds as readers see them: through a reader's own parser, over HTTP, without an account."""

import json
from collections.abc import Iterator
from uuid import uuid4

import feedparser
import httpx2
import pytest
from huggingface_hub import HfApi
from tests.community.social.machine import Machine, until
from tests.conftest import HubServer


@pytest.fixture(scope="module")
def client(hub_server: HubServer) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=hub_server.url, timeout=30) as opened:
        yield opened


@pytest.fixture(scope="module")
def told(hub_server: HubServer, client: httpx2.Client) -> str:
    """A member who shared a model and something private, and wrote a note."""
    name = f"reader-{uuid4().hex[:6]}"
    machine = Machine.member(hub_server, name)
    api = HfApi(endpoint=hub_server.url, token=machine.token)
    api.create_repo(f"{name}/shown")
    api.create_repo(f"{name}/hidden", private=True)
    machine.write_note(f"见 [模型](/{name}/shown)：翻译 & 更多 <b>x</b>", f"feeds-{name[-6:]}")
    until(lambda: len(_atom(client, f"/feed/{name}.atom").entries) == 2)
    return name


def test_a_reader_finds_public_activity_with_whole_addresses(
    hub_server: HubServer, client: httpx2.Client, told: str
) -> None:
    feed = _atom(client, f"/feed/{told}.atom")
    note, model = feed.entries
    assert not feed.bozo
    assert feed.feed.link == f"{hub_server.url}/feed/{told}"
    assert model.link == f"{hub_server.url}/{told}/shown"
    assert note.link.startswith(f"{hub_server.url}/notes/")
    assert f'href="{hub_server.url}/{told}/shown"' in note.content[0].value
    assert note.content[0].language == "zh"
    assert note.author == told
    assert note.id.startswith(f"{hub_server.url}/activity/")
    assert note.published_parsed is not None
    assert "hidden" not in str(feed)
    assert (
        client.get(note.id.removeprefix(hub_server.url)).headers["location"]
        == note.link[len(hub_server.url) :]
    )


def test_the_same_as_json_feed(hub_server: HubServer, client: httpx2.Client, told: str) -> None:
    answer = client.get(f"/feed/{told}.json")
    assert answer.headers["content-type"].startswith("application/feed+json")
    feed = json.loads(answer.content)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["feed_url"] == f"{hub_server.url}/feed/{told}.json"
    assert feed["home_page_url"] == f"{hub_server.url}/feed/{told}"
    note, model = feed["items"]
    assert note["language"] == "zh"
    assert note["authors"] == [{"name": told, "url": f"{hub_server.url}/{told}"}]
    assert model["url"] == f"{hub_server.url}/{told}/shown"
    assert {"id", "url", "content_html", "date_published"} <= note.keys()


def test_a_reader_that_has_the_newest_state_is_told_so(client: httpx2.Client, told: str) -> None:
    for address in (f"/feed/{told}.atom", f"/feed/{told}.json"):
        first = client.get(address)
        for name, value in (
            ("If-None-Match", first.headers["etag"]),
            ("If-Modified-Since", first.headers["last-modified"]),
        ):
            again = client.get(address, headers={name: value})
            assert (again.status_code, again.content) == (304, b"")
        other = client.get(address, headers={"If-None-Match": '"else"'})
        assert other.status_code == 200
        assert "max-age" in first.headers["cache-control"]


def test_an_empty_feed_stays_the_same(hub_server: HubServer, client: httpx2.Client) -> None:
    name = f"quiet-{uuid4().hex[:6]}"
    Machine.member(hub_server, name)
    first, second = (client.get(f"/feed/{name}.atom") for _time in range(2))
    assert first.content == second.content
    assert feedparser.parse(first.content).bozo == 0


@pytest.mark.parametrize("path", ["{0}/shown", "tags/feeds-{1}"])
def test_repositories_and_tags_have_feeds_too(client: httpx2.Client, told: str, path: str) -> None:
    feed = _atom(client, f"/feed/{path.format(told, told[-6:])}.atom")
    assert len(feed.entries) == 1


def test_what_is_private_or_missing_has_no_feed(client: httpx2.Client, told: str) -> None:
    answers = [
        client.get(f"/feed/{path}.atom")
        for path in (f"{told}/hidden", f"{told}/nothing", "nobody-at-all", "tags/none-such")
    ]
    assert {answer.status_code for answer in answers} == {404}


def test_pages_name_their_feeds(client: httpx2.Client, told: str) -> None:
    for page, feed in (
        (f"/{told}", f"/feed/{told}.atom"),
        (f"/{told}/shown", f"/feed/{told}/shown.atom"),
        ("/feed", "/feed.atom"),
        (f"/feed/{told}", f"/feed/{told}.atom"),
    ):
        assert 'rel="alternate" type="application/atom+xml"' in client.get(page).text, page
        assert f'href="{feed}"' in client.get(page).text, page
    everything = _atom(client, "/feed.atom")
    assert any(entry.author == told for entry in everything.entries)


def _atom(client: httpx2.Client, address: str) -> feedparser.FeedParserDict:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return feedparser.parse(answer.content)
