"""Who may file, see and steer jobs; and how far the token of a job reaches."""

import json
from uuid import uuid4

import pytest
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError
from tests.conftest import HubServer
from tests.jobs.conftest import Jobs, folder_of, new_data, wish

LONG = {"budget": {"steps": 100_000}}


@pytest.fixture
def public_job(ada: Jobs, data: str, output: str) -> str:
    return ada.file(wish(data, output))


@pytest.fixture
def private_job(ada: Jobs) -> str:
    data = new_data(ada.api, private=True)
    return ada.file(wish(data, f"ada/p-{uuid4().hex[:8]}", arguments={"private": True}))


READING = ("", "/logs", "/events", "/metrics")
STEERING = (("POST", "/cancel"), ("POST", "/resume"), ("PUT", "/labels"))


def test_a_private_job_looks_missing_to_all_but_its_members(
    ada: Jobs, eve: Jobs, anonymous: Jobs, private_job: str
) -> None:
    nobody = "0" * 24
    for viewer in (Jobs(eve.url, eve.token, "ada"), anonymous):
        for method, path in [*(("GET", path) for path in READING), *STEERING]:
            there = viewer.ask(method, f"/{private_job}{path}", b"{}")
            nowhere = viewer.ask(method, f"/{nobody}{path}", b"{}")
            assert (there.status, there.body) == (nowhere.status, nowhere.body)
            assert (there.status, there.code) == (404, "JobNotFound")
    assert ada.ask("GET", f"/{private_job}").status == 200
    ada.wait(private_job)


def test_a_job_of_public_data_is_seen_by_all_and_steered_by_its_members(
    ada: Jobs, eve: Jobs, anonymous: Jobs, public_job: str
) -> None:
    stranger = Jobs(eve.url, eve.token, "ada")
    assert stranger.shown(public_job)["owner"]["name"] == "ada"
    assert anonymous.shown(public_job)["id"] == public_job
    for method, path in STEERING:
        assert stranger.ask(method, f"/{public_job}{path}", b"{}").status == 403
        assert anonymous.ask(method, f"/{public_job}{path}", b"{}").status == 401
    assert ada.wait(public_job)["status"]["stage"] == "COMPLETED"


def test_jobs_are_listed_to_their_members_only(ada: Jobs, eve: Jobs, public_job: str) -> None:
    assert public_job in [job.id for job in ada.api.list_jobs(namespace="ada")]
    assert json.loads(Jobs(eve.url, eve.token, "ada").ask("GET").body) == []
    assert [job.id for job in eve.api.list_jobs(namespace="eve")] == []
    ada.wait(public_job)


def test_nobody_files_in_the_name_of_another(eve: Jobs, anonymous: Jobs, data: str) -> None:
    body = json.dumps(wish(data, "ada/stolen")).encode()
    for viewer, status in ((Jobs(eve.url, eve.token, "ada"), 403), (anonymous, 401)):
        assert viewer.ask("POST", "", body).status == status


def test_a_read_token_starts_nothing(hub_server: HubServer, data: str) -> None:
    made = hub_server.command(
        "tokens", "create", "ada", "--name", uuid4().hex[:8], "--role", "read"
    )
    reader = Jobs(hub_server.url, made.strip(), "ada")
    answer = reader.ask("POST", "", json.dumps(wish(data, "ada/x")).encode())
    assert answer.status == 403
    assert "may not start jobs" in answer.error


def test_private_data_of_others_cannot_go_into_a_job(ada: Jobs, eve: Jobs) -> None:
    secret = new_data(ada.api, private=True)
    answer = eve.ask("POST", "", json.dumps(wish(secret, "eve/taken")).encode())
    assert (answer.status, answer.code) == (404, "RepoNotFound")
    assert not eve.api.repo_exists("eve/taken")


@pytest.mark.slow
def test_the_token_of_a_job_reaches_its_own_repositories_and_nothing_else(
    ada: Jobs, hub_server: HubServer
) -> None:
    data, other = new_data(ada.api, private=True), new_data(ada.api, private=True)
    output = f"ada/t-{uuid4().hex[:8]}"
    hidden = ada.api.create_repo(f"ada/h-{uuid4().hex[:8]}", private=True).repo_id
    job = ada.file(wish(data, output, recipe=LONG, arguments={"private": True}))
    ada.wait(job, lambda found: "step" in found["llmos"]["progress"])
    secret = token_of(hub_server, job)
    held = Jobs(hub_server.url, secret, "ada")

    assert held.api.list_repo_files(data, repo_type="dataset")
    held.api.upload_file(path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=output)
    assert held.shown(job)["id"] == job
    assert held.ask("PUT", f"/{job}/artefacts/samples.jsonl", b"{}\n").status == 201

    with pytest.raises(HfHubHTTPError, match="403"):
        held.api.upload_file(
            path_or_fileobj=b"x", path_in_repo="x.txt", repo_id=data, repo_type="dataset"
        )
    for repo, kind in ((other, "dataset"), (hidden, "model")):
        with pytest.raises(RepositoryNotFoundError):
            held.api.repo_info(repo, repo_type=kind)
    refused = [
        lambda: held.api.create_repo("ada/new"),
        lambda: held.api.delete_repo(data, repo_type="dataset"),
        lambda: held.api.update_repo_settings(data, private=False, repo_type="dataset"),
        lambda: held.api.cancel_job(job_id=job),
        lambda: held.file(wish(data, output)),
    ]
    for deed in refused:
        with pytest.raises((HfHubHTTPError, AssertionError), match=r"403|status=403"):
            deed()
    assert list(held.api.list_jobs(namespace="ada")) == []
    assert held.ask("PUT", f"/{job}/artefacts/other.txt", b"x").status == 400
    assert ada.ask("PUT", f"/{job}/artefacts/samples.jsonl", b"x").status == 403

    ada.api.cancel_job(job_id=job)
    ada.wait(job)
    assert held.ask("GET", f"/{job}").status == 401
    assert (folder_of(hub_server, job) / "artefacts" / "samples.jsonl").read_bytes() == b"{}\n"


def token_of(hub: HubServer, job: str) -> str:
    """The secret in the environment of the job's process."""
    import psutil

    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except psutil.Error:
            continue
        if environment.get("LLMOS_JOB_ID") == job:
            return environment["HF_TOKEN"]
    raise AssertionError("the job does not run")
