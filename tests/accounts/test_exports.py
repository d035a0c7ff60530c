"""One's data as an archive: all of it, nobody else's, and fetched once."""

import io
import json
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from tests.accounts.conftest import PASSWORD
from tests.community.keeping import answer, topic, viewer

from llmos.accounts.access import viewer_of_user
from llmos.accounts.exports import ask_for_export, forget_old_exports, make_export
from llmos.accounts.models import Export, User
from llmos.community.threads.actions import react
from llmos.community.threads.models import Draft
from llmos.community.trust.actions import keep_away
from llmos.hub.actions import create_repository
from llmos.hub.kinds import KINDS
from llmos.kit.home import home_from_environment
from llmos.kit.time import now
from llmos.store.worker import run_pending

pytestmark = pytest.mark.django_db(transaction=True)


def _fetched(browser: Client) -> zipfile.ZipFile:
    answered = browser.post("/settings/data/export/fetch")
    assert answered.status_code == 200
    assert "ada-data.zip" in answered["Content-Disposition"]
    body = b"".join(answered.streaming_content)  # type: ignore[attr-defined]
    return zipfile.ZipFile(io.BytesIO(body))


def _json(archive: zipfile.ZipFile, name: str) -> Any:
    return json.loads(archive.read(name))


def test_everything_of_hers_and_nothing_of_others(ada: User, ada_browser: Client) -> None:
    one, other = viewer_of_user(ada), viewer()
    thread = topic(other, "Somebody else's words, which are private to them.")
    post = answer(one, thread, "我自己的话 and $x^2$.")
    react(one, post=thread.posts.get(number=1), name="heart", on=True)
    Draft.objects.create(user=ada, form="new-topic", content={"text": "half a thought"})
    create_repository(viewer=one, kind=KINDS["model"], namespace=None, name="mine")
    assert other.user_id is not None
    keep_away(user_id=ada.pk, other_id=other.user_id, degree="mute")

    ada_browser.post("/settings/data/export")
    assert b"being made" in ada_browser.get("/settings/data").content
    run_pending()
    assert b"Fetch the archive" in ada_browser.get("/settings/data").content
    archive = _fetched(ada_browser)

    assert _json(archive, "profile.json")["name"] == "ada"
    assert "我自己的话" in archive.read(f"posts/{post.pk}.md").decode()
    assert _json(archive, "posts.json")[0]["address"] == thread.address
    assert _json(archive, "reactions.json")[0]["name"] == "heart"
    assert _json(archive, "drafts.json")[0]["content"] == {"text": "half a thought"}
    assert _json(archive, "repositories.json")[0]["name"] == "ada/mine"
    assert _json(archive, "kept_away.json")[0]["degree"] == "mute"
    everything = b"".join(archive.read(name) for name in archive.namelist())
    assert b"Somebody else's words" not in everything


def test_an_archive_is_fetched_once_and_its_file_goes(ada: User, ada_browser: Client) -> None:
    ada_browser.post("/settings/data/export")
    run_pending()
    path = home_from_environment().exports / Export.objects.get(user=ada).file
    assert path.is_file()
    _fetched(ada_browser)
    assert not path.exists()
    assert ada_browser.post("/settings/data/export/fetch").status_code == 404
    ada_browser.post("/settings/data/export")
    run_pending()
    _fetched(ada_browser)


def test_nobody_else_gets_it(ada: User, bob: User) -> None:
    ask_for_export(ada)
    make_export(ada)
    browser = Client(HTTP_HOST="hub.test")
    assert browser.post("/settings/data/export/fetch").status_code == 401
    browser.post("/accounts/login/", {"login": "Bob", "password": PASSWORD})
    assert browser.post("/settings/data/export/fetch").status_code == 404
    assert Export.objects.get(user=ada).fetched_at is None


def test_what_nobody_fetches_expires(ada: User, ada_browser: Client) -> None:
    ask_for_export(ada)
    make_export(ada)
    path = home_from_environment().exports / Export.objects.get(user=ada).file
    Export.objects.update(expires_at=now() - timedelta(seconds=1))
    assert ada_browser.post("/settings/data/export/fetch").status_code == 404
    forget_old_exports()
    assert not path.exists()


def test_made_twice_it_is_there_once(ada: User) -> None:
    ask_for_export(ada)
    make_export(ada)
    first = Export.objects.get(user=ada).file
    make_export(ada)
    assert Export.objects.get(user=ada).file == first
