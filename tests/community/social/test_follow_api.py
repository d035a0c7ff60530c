"""Follows by token, and the hub clients' own calls about followers and likes."""

from uuid import uuid4

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from tests.community.social.machine import Machine, until
from tests.conftest import HubServer


@pytest.fixture(scope="module")
def pair(hub_server: HubServer) -> tuple[Machine, Machine]:
    word = uuid4().hex[:6]
    return tuple(Machine.member(hub_server, f"{name}-{word}") for name in ("fan", "star"))  # type: ignore[return-value]


def test_clients_list_followers_and_count_them(
    hub_server: HubServer, pair: tuple[Machine, Machine]
) -> None:
    fan, star = pair
    api = HfApi(endpoint=hub_server.url, token=fan.token)
    assert list(api.list_user_followers(star.name)) == []
    answer = fan.ask("PUT", f"/api/follows/{star.name}")
    assert answer.json() == {"kind": "member", "path": star.name, "following": True}
    (follower,) = api.list_user_followers(star.name)
    assert (follower.username, follower.is_following) == (fan.name, False)
    (followed,) = api.list_user_following(fan.name)
    assert (followed.username, followed.is_following) == (star.name, True)
    overview = api.get_user_overview(star.name)
    assert (overview.num_followers, overview.num_following) == (1, 0)
    assert overview.is_following
    assert fan.ask("DELETE", f"/api/follows/{star.name}").json()["following"] is False
    assert list(api.list_user_followers(star.name)) == []
    with pytest.raises(HfHubHTTPError):
        list(api.list_user_followers(f"nobody-{uuid4().hex[:6]}"))


def test_clients_follow_organisations_too(
    hub_server: HubServer, pair: tuple[Machine, Machine]
) -> None:
    fan, star = pair
    lab = f"lab-{uuid4().hex[:6]}"
    hub_server.command("orgs", "create", lab, "--member", f"{star.name}:admin")
    fan.ask("PUT", f"/api/follows/{lab}")
    api = HfApi(endpoint=hub_server.url, token=fan.token)
    assert [one.username for one in api.list_organization_followers(lab)] == [fan.name]
    assert api.get_organization_overview(lab).num_followers == 1


def test_the_feed_of_a_machine_speaks_of_activities(
    hub_server: HubServer, pair: tuple[Machine, Machine]
) -> None:
    fan, star = pair
    name = f"{star.name}/seen"
    HfApi(endpoint=hub_server.url, token=star.token).create_repo(name)
    assert fan.ask("PUT", f"/api/follows/{name}").status_code == 200
    until(lambda: bool(fan.ask("GET", "/api/feed").json()))
    (item,) = fan.ask("GET", "/api/feed?kind=repository").json()
    assert item["type"] == "Create"
    assert item["actor"] == f"{hub_server.url}/{star.name}"
    assert item["object"] == f"{hub_server.url}/{name}"
    assert item["id"].startswith(f"{hub_server.url}/activity/")
    assert [one["kind"] for one in item["why"]] == ["repository"]
    assert fan.ask("GET", "/api/follows").json()[0]["path"] == name
    HfApi(endpoint=hub_server.url, token=star.token).update_repo_settings(name, private=True)
    assert fan.ask("GET", "/api/feed").json() == []
    assert name not in [one["path"] for one in fan.ask("GET", "/api/follows").json()]


def test_private_and_missing_refuse_alike_and_reading_tokens_follow_nobody(
    hub_server: HubServer, pair: tuple[Machine, Machine]
) -> None:
    fan, star = pair
    HfApi(endpoint=hub_server.url, token=star.token).create_repo(f"{star.name}/own", private=True)
    for method in ("GET", "PUT", "DELETE"):
        answers = [
            fan.ask(method, f"/api/follows/{path}")
            for path in (f"{star.name}/own", f"{star.name}/none", "no-such-member-here", "tags/x-")
        ]
        assert {(one.status_code, one.json()["error"]) for one in answers} == {
            (404, answers[0].json()["error"])
        }
    made = hub_server.command("tokens", "create", fan.name, "--name", "r", "--role", "read")
    reader = Machine(hub_server, fan.name, made.strip())
    assert reader.ask("PUT", f"/api/follows/{star.name}").status_code == 403
    assert reader.ask("GET", "/api/feed").status_code == 200
