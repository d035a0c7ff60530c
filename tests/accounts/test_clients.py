"""Unmodified hub clients sign in and ask who they are, against a running hub."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from tests.conftest import HubServer


def hf(env: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [str(Path(sys.executable).parent / "hf"), *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)


@pytest.fixture
def signed_out(hub_server: HubServer, client_env: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in client_env.items() if name != "HF_TOKEN"}


@pytest.fixture
def browser(hub_server: HubServer) -> Iterator[httpx2.Client]:
    """A browser in which Ada is signed in."""
    with httpx2.Client(base_url=hub_server.url, headers={"Origin": hub_server.url}) as client:
        submit(client, "/accounts/login/", {"login": "ada", "password": "correct horse 9"})
        yield client


def submit(client: httpx2.Client, path: str, told: dict[str, str]) -> httpx2.Response:
    page = client.get(path)
    found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
    assert found is not None, page.text
    return client.post(path, data={**told, "csrfmiddlewaretoken": found[1]})


def test_a_pasted_token_signs_in(hub_server: HubServer, signed_out: dict[str, str]) -> None:
    done = hf(signed_out, "auth", "login", "--token", hub_server.tokens["ada"])
    assert done.returncode == 0, done.stderr
    assert "permission: write" in done.stdout + done.stderr
    assert "ada" in hf(signed_out, "auth", "whoami").stdout


def test_a_wrong_token_does_not_sign_in(signed_out: dict[str, str]) -> None:
    done = hf(signed_out, "auth", "login", "--token", "hf_wrong")
    assert done.returncode != 0
    assert "Invalid user token" in done.stdout + done.stderr


def test_a_browser_signs_a_terminal_in(
    signed_out: dict[str, str], browser: httpx2.Client, hub_server: HubServer
) -> None:
    command = [str(Path(sys.executable).parent / "hf"), "auth", "login"]
    with subprocess.Popen(
        command,
        env={**signed_out, "PYTHONUNBUFFERED": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as terminal:
        assert terminal.stdout is not None
        said = ""
        while (found := re.search(r"/device\?code=([A-Z]{4}-[A-Z]{4})", said)) is None:
            line = terminal.stdout.readline()
            assert line, said
            said += line
        page = f"/device?code={found[1]}"
        token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', browser.get(page).text)
        assert token is not None
        told = {"code": found[1], "decision": "approve", "csrfmiddlewaretoken": token[1]}
        assert browser.post("/device", data=told).status_code == 200
        said += terminal.stdout.read()
    assert terminal.returncode == 0, said
    assert "Login successful" in said
    assert "ada" in hf(signed_out, "auth", "whoami").stdout


def test_whoami_tells_what_clients_read(hub_server: HubServer) -> None:
    hub_server.command("orgs", "create", "whoami-lab", "--member", "ada:write")
    told = HfApi(endpoint=hub_server.url, token=hub_server.tokens["ada"]).whoami()
    assert (told["name"], told["type"]) == ("ada", "user")
    assert told["auth"]["accessToken"]["role"] == "write"
    assert told["auth"]["accessToken"]["displayName"] == "test"
    assert {"whoami-lab"} <= {place["name"] for place in told["orgs"]}


def test_a_bad_token_is_an_error_with_code_and_request_id(hub_server: HubServer) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        HfApi(endpoint=hub_server.url, token="hf_wrong").whoami()
    headers = refused.value.response.headers
    assert refused.value.response.status_code == 401
    assert headers["X-Error-Message"] == "Invalid credentials in Authorization header"
    assert headers["X-Request-Id"]


def test_members_and_organisations_are_shown(hub_server: HubServer) -> None:
    hub_server.command("orgs", "create", "Shown-Lab", "--member", "bob:admin")
    api = HfApi(endpoint=hub_server.url, token=False)
    assert api.get_user_overview("BOB").username == "bob"
    assert "Shown-Lab" in {place.name for place in api.get_user_overview("bob").orgs}
    assert api.get_organization_overview("shown-lab").num_users == 1
    assert [member.username for member in api.list_organization_members("shown-lab")] == ["bob"]
    assert list(api.list_user_followers("bob")) == []
    with pytest.raises(HfHubHTTPError) as refused:
        api.get_user_overview("nobody-here")
    assert refused.value.response.status_code == 404


def test_pictures_are_served_without_trust_in_their_content(hub_server: HubServer) -> None:
    answer = httpx2.get(f"{hub_server.url}/api/pictures/ada")
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert httpx2.get(f"{hub_server.url}/media/..%2Fsecret.key").status_code == 404


def test_clients_small_talk_is_answered(hub_server: HubServer) -> None:
    assert httpx2.head(f"{hub_server.url}/api/telemetry/transformers/x").status_code == 200
    missing = httpx2.get(f"{hub_server.url}/api/agent-harnesses")
    assert (missing.status_code, missing.headers["x-error-code"]) == (404, "NotFound")
