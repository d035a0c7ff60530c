"""The form of a new run: what it fills in, what it refuses and how, what it files."""

from typing import Any

import pytest
from django.test import Client
from tests.training.conftest import PAIRS, MakeRepository, chosen

from llmos.accounts.models import User
from llmos.hub.models import Repository
from llmos.jobs.config import JobsSettings
from llmos.jobs.models import Job
from llmos.kit import config


def text(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.fixture
def data(repository: MakeRepository) -> Repository:
    return repository({"train.jsonl": PAIRS})


def test_a_visitor_signs_in_and_comes_back(db: None) -> None:
    answer = Client(HTTP_HOST="hub.test").get("/train?data=ada/rooms")
    assert answer.status_code == 302
    assert answer["Location"] == "/accounts/login/?next=/train%3Fdata%3Dada/rooms"


def test_data_alone_fill_in_the_whole_form(browser: Client, data: Repository) -> None:
    answer = browser.get("/train?data=ada/rooms")
    page = text(answer)
    assert answer.status_code == 200
    assert '<option value="zh" selected>zh · Chinese</option>' in page
    assert '<option value="en" selected>en · English</option>' in page
    assert 'value="rooms-zh-en-tiny"' in page
    assert "Memory at most" in page


def test_a_run_is_filed_with_all_that_was_chosen(browser: Client, data: Repository) -> None:
    settings = "optimiser.rate = 1e-3\nlook.times = 2\n"
    answer = browser.post("/train", chosen("ada/rooms", advanced=settings, seed="7"))
    job = Job.objects.get()
    assert answer["Location"] == job.url
    assert job.spec["inputs"][0]["commit"] == data.head_sha
    recipe = job.spec["recipe"]
    assert (recipe["data"]["source"], recipe["data"]["target"]) == ("zh", "en")
    assert (recipe["optimiser"]["rate"], recipe["look"]["times"]) == (0.001, 2)
    assert (recipe["budget"]["steps"], job.spec["seed"]) == (5, 7)
    assert job.cores == recipe["workers"] > 0


def test_private_data_make_a_private_model(browser: Client, repository: MakeRepository) -> None:
    repository({"train.jsonl": PAIRS}, private=True)
    browser.post("/train", chosen("ada/rooms"))
    assert Repository.objects.get(type="model").is_private


def test_public_data_make_a_public_model_unless_it_is_wished_otherwise(
    browser: Client, data: Repository
) -> None:
    browser.post("/train", chosen("ada/rooms", name="open"))
    browser.post("/train", chosen("ada/rooms", name="closed", visibility="private"))
    found = dict(Repository.objects.filter(type="model").values_list("name", "visibility"))
    assert found == {"open": "public", "closed": "private"}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"source": ""}, "This field is required"),
        ({"target": "zh"}, "Choose another column"),
        ({"steps": "0"}, "greater than or equal to 1"),
        ({"steps": "many"}, "Enter a whole number"),
        ({"budget": "minutes", "minutes": ""}, "This field is required"),
        ({"name": "no spaces here"}, "A name is made of letters"),
        ({"seed": "-1"}, "greater than or equal to 0"),
        ({"owner": "bob"}, "not one of the available choices"),
        ({"size_translate": "huge"}, "not one of the available choices"),
        ({"advanced": "optimiser.speed = 3"}, "has no optimiser.speed"),
        ({"advanced": "optimiser.rate = fast"}, "expected float"),
        ({"advanced": "{[: no"}, "neither YAML nor lines"),
        ({"advanced": "a: &x [1]\nb: *x"}, "References"),
        ({"advanced": "task = finetune"}, "chosen above"),
        ({"advanced": "[" * 5000}, "neither YAML nor lines"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(
    browser: Client, data: Repository, wrong: dict[str, str], words: str
) -> None:
    answer = browser.post("/train", chosen("ada/rooms", **{"name": "kept-name", **wrong}))
    assert answer.status_code == 422
    page = text(answer)
    assert words in page
    assert wrong.get("name", "kept-name") in page
    assert not Job.objects.exists()
    assert not Repository.objects.filter(type="model").exists()


@pytest.mark.parametrize("named", ["ada/none", "no name at all", "ada/rooms@nothing", "../../etc"])
def test_data_that_are_not_there_are_searched_for(
    browser: Client, data: Repository, named: str
) -> None:
    answer = browser.post("/train", chosen(named))
    assert answer.status_code == 422
    assert not Job.objects.exists()
    assert 'aria-invalid="true"' in text(answer)


def test_somebody_elses_private_data_look_like_none(
    browser: Client, repository: MakeRepository, bob: User
) -> None:
    repository({"train.jsonl": PAIRS}, owner=bob, name="secret", private=True)
    missing = text(browser.get("/train?data=bob/nothing")).replace("bob/nothing", "X")
    hidden = text(browser.get("/train?data=bob/secret")).replace("bob/secret", "X")
    assert [line for line in hidden.splitlines() if "csrf" not in line and "nonce" not in line] == [
        line for line in missing.splitlines() if "csrf" not in line and "nonce" not in line
    ]
    assert b"secret" not in browser.get("/train/data?data=secret").content


def test_whoever_names_other_data_sees_their_columns_first(
    browser: Client, data: Repository, repository: MakeRepository
) -> None:
    repository({"train.csv": "de,fr\nHallo du,Salut toi\n"}, name="others")
    answer = browser.post("/train", chosen("ada/rooms") | {"data": "ada/others"})
    assert answer.status_code == 200
    assert '<option value="de" selected>' in text(answer)
    assert not Job.objects.exists()


def test_members_who_may_not_spend_see_why_before_they_fill_in_anything(
    browser: Client, data: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMOS_JOBS_SPENDERS", "bob")
    config.current.cache_clear()
    try:
        page = text(browser.get("/train?data=ada/rooms"))
        listed = text(browser.get("/jobs"))
        refused = browser.post("/train", chosen("ada/rooms"))
    finally:
        monkeypatch.undo()
        config.current.cache_clear()
    assert JobsSettings().spenders == ["everyone"]
    assert "administrators decide" in page
    assert "administrators decide" in listed
    assert '<form method="post" action="/train"' not in page
    assert "administrators decide" in text(refused)
    assert not Job.objects.exists()


def test_an_earlier_run_fills_in_the_form_with_all_its_settings(
    browser: Client, data: Repository
) -> None:
    first = chosen("ada/rooms", advanced="model.d_model = 32\nbatch.tokens = 512", seed="5")
    browser.post("/train", first)
    job = Job.objects.get()
    page = text(browser.get(f"/train?like={job.pk}"))
    assert "model.d_model = 32" in page
    assert "batch.tokens = 512" in page
    assert f'value="ada/rooms@{data.head_sha}"' in page
    assert 'name="seed" value="5"' in page


def test_finetuning_wants_a_model_that_is_there(
    browser: Client, repository: MakeRepository
) -> None:
    repository({"train.jsonl": '{"prompt": "Hi", "completion": "Hello"}\n' * 4}, name="talk")
    told = chosen("ada/talk", task="finetune", layout="pair", prompt="prompt")
    told |= {"completion": "completion", "method": "lora", "name": "talker"}
    assert "This field is required" in text(browser.post("/train", told))
    assert browser.post("/train", told | {"base": "ada/none"}).status_code == 422
    repository({"config.json": "{}"}, name="small", kind="model")
    assert browser.post("/train", told | {"base": "ada/small"}).status_code == 302
    roles = {one["role"]: one["repo"] for one in Job.objects.get().spec["inputs"]}
    assert roles == {"data": "ada/talk", "model": "ada/small"}


def test_a_data_set_and_a_causal_model_offer_a_run(
    browser: Client, data: Repository, repository: MakeRepository
) -> None:
    card = "---\npipeline_tag: text-generation\n---\n# Small\n"
    repository({"README.md": card}, name="small", kind="model")
    assert "/train?data=ada/rooms" in text(browser.get("/datasets/ada/rooms"))
    assert "/train?task=finetune&amp;base=ada/small" in text(browser.get("/ada/small"))
    page = text(browser.get("/train?task=finetune&base=ada/small&data=ada/rooms"))
    assert 'value="ada/small"' in page


def test_a_form_without_its_token_is_refused(ada: User, data: Repository) -> None:
    client = Client(HTTP_HOST="hub.test", enforce_csrf_checks=True)
    client.force_login(ada, backend="llmos.accounts.sessions.Members")
    assert client.post("/train", chosen("ada/rooms")).status_code == 403
    assert not Job.objects.exists()
