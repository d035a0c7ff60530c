"""Two moderators who decide at the same moment, through the running hub."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
from huggingface_hub import HfApi
from tests.conftest import HubServer

PASSWORD = "correct horse 9"


def _moderator(hub: HubServer, name: str) -> httpx.Client:
    """A signed-in browser of a steward."""
    hub.command("users", "create", name, "--password-stdin", stdin=f"{PASSWORD}\n")
    hub.command("users", "level", name, "steward")
    browser = httpx.Client(base_url=hub.url, timeout=30)
    _post(browser, "/accounts/login/", login=name, password=PASSWORD)
    return browser


def _post(browser: httpx.Client, address: str, **told: str) -> httpx.Response:
    browser.get(address)
    token = browser.cookies["llmos_csrf"]
    headers = {"X-CSRFToken": token, "Referer": str(browser.base_url)}
    return browser.post(address, data=told, headers=headers)


REASON = "It does not belong here"


def test_one_decides_and_the_other_hears_of_it(hub_server: HubServer) -> None:
    api = HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"])
    repository = api.create_repo("ada/two-moderators").repo_id
    eve = HfApi(endpoint=hub_server.url, token=hub_server.tokens["eve"])
    talk = eve.create_discussion(repository, title="Strange", description="Something strange.")
    before = httpx.get(f"{hub_server.url}/moderation/log").text
    browsers = [_moderator(hub_server, name) for name in ("marta", "milos")]
    try:
        _decide_at_once(browsers, f"/{repository}/discussions/{talk.num}")
    finally:
        for browser in browsers:
            browser.close()
    log = httpx.get(f"{hub_server.url}/moderation/log").text
    assert log.count(REASON) == before.count(REASON) + 1
    assert "eve" not in re.sub(r"<[^>]*>", " ", log).split()


def _decide_at_once(browsers: list[httpx.Client], talk: str) -> None:
    page = browsers[0].get(talk).text
    found = re.search(r'data-post="(\d+)"', page)
    assert found is not None
    address, start = f"/moderation/posts/{found[1]}", Barrier(2)

    def decide(browser: httpx.Client, act: str) -> httpx.Response:
        browser.get(address)
        start.wait()
        return _post(browser, address, act=act, reason="off-topic", seen="0")

    with ThreadPoolExecutor(max_workers=2) as pool:
        heard = list(pool.map(decide, browsers, ("hide", "remove")))
    assert sorted(answer.status_code for answer in heard) == [302, 409]
    loser = 0 if heard[0].status_code == 409 else 1
    assert ("milos", "marta")[loser] in heard[loser].text
