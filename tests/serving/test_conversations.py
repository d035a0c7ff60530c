"""Conversations: kept as they grow, never twice, and nobody else's."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from huggingface_hub import HfApi
from tests.conftest import HubServer, start_hub, stop_hub
from tests.faults.conftest import kill_tree
from tests.homes import Homes
from tests.serving.conftest import Operator
from tests.serving.member import (
    ENDLESS,
    EVENTS,
    PASSWORD,
    Member,
    signed_in,
    state_of,
    text_of,
    wish,
)
from tests.serving.models import SLOW, WRITER, push


@pytest.fixture(scope="module")
def ada(served: HubServer) -> Iterator[Member]:
    with signed_in(served.url, "ada") as member:
        yield member


def key() -> str:
    return uuid4().hex


def begun(member: Member, text: str, **how: str) -> tuple[str, int]:
    """The address of a new conversation with one answer, and that answer's number."""
    events = list(member.events("/chat", text=text, key=key(), **wish(**how)))
    assert events[-1]["event"] == "over"
    return events[0]["address"], events[0]["answer"]


def test_an_answer_comes_in_pieces_and_is_kept_with_its_cost(ada: Member) -> None:
    events = list(ada.events("/chat", text="the cat sat", key=key(), **wish(max_tokens="24")))

    kinds = [event["event"] for event in events]
    assert kinds[0] == "turns"
    assert kinds[-1] == "over"
    assert kinds.count("piece") > 1
    said = "".join(event["text"] for event in events if event["event"] == "piece")
    kept = ada.turn(events[0]["address"], events[0]["answer"])
    assert state_of(kept) == "whole"
    assert said.strip()
    told = ada.turns(events[0]["address"])
    assert [turn["role"] for turn in told] == ["user", "assistant"]
    assert told[1]["text"] == said
    cost = told[1]["cost"]
    assert cost["new_tokens"] > 1
    assert cost["prompt_tokens"] > cost["new_tokens"] / 24
    assert cost["context"] == 256
    assert f"{cost['new_tokens']} tokens" in kept


def test_without_script_the_reply_is_the_page_with_the_answer(ada: Member) -> None:
    page = ada.send("/chat", text="a dog ran", key=key(), **wish())

    assert page.status_code == 200
    assert 'data-state="whole"' in page.text
    assert "a dog ran" in page.text


def test_the_same_request_sent_twice_writes_one_answer(ada: Member) -> None:
    once = key()
    address = next(ada.events("/chat", text="only once", key=once, **wish()))["address"]
    again = ada.send("/chat", text="only once", key=once, **wish())
    assert again.url.path == address
    once = key()
    told = ada.turns(address)

    for _ in range(2):
        page = ada.send(address, parent=str(told[1]["id"]), text="and then", key=once, **wish())
        assert page.status_code == 200

    turns = ada.turns(address)
    assert [turn["text"] for turn in turns if turn["role"] == "user"] == ["only once", "and then"]
    assert len(turns) == 4


def test_an_edit_and_a_retry_leave_the_old_ways_standing(ada: Member) -> None:
    address, answer = begun(ada, "first words")
    message = answer - 1

    list(ada.events(address, deed=f"again:{answer}", key=key(), **wish(seed="4")))
    edited = {f"edit-{message}": "other words", "deed": f"edit:{message}"}
    list(ada.events(address, **edited, key=key(), **wish()))

    turns = ada.turns(address)
    assert [turn["parent"] for turn in turns] == [None, message, message, None, turns[3]["id"]]
    newest, older = ada.web.get(address).text, ada.web.get(f"{address}?turn={answer}").text
    assert "other words" in newest
    assert "2 / 2" in newest
    assert "first words" in older
    assert f'id="turn-{answer}"' in older
    assert "1 / 2" in older


@pytest.mark.parametrize("name", ["bob", "wanda"])
def test_others_conversations_look_missing_to_strangers_and_administrators(
    served: HubServer, ada: Member, name: str
) -> None:
    if name == "wanda":
        secret = f"{PASSWORD}\n"
        served.command("users", "create", name, "--admin", "--password-stdin", stdin=secret)
    address, answer = begun(ada, "a secret")
    with signed_in(served.url, name) as other:
        for path in ("", f"?turn={answer}", f"/turns/{answer}", "/export.json", "/export.md"):
            seen, missing = (
                other.web.get(base + path) for base in (address, "/chat/0123456789abcdef")
            )
            assert seen.status_code == missing.status_code == 404
            assert "a secret" not in seen.text
        told = {"title": "mine", "text": "hello", "key": key(), **wish()}
        for path in ("", "/rename", "/delete"):
            assert other.send(address + path, **told).status_code == 404
        # A turn of hers is no parent in a conversation of his.
        own, _answer = begun(other, "mine")
        assert other.send(own, parent=str(answer), **told).status_code == 404
        assert "a secret" not in other.web.get("/chat").text
    assert ada.web.get(address).status_code == 200


def test_nobody_signed_in_is_led_to_the_door(served: HubServer, ada: Member) -> None:
    address, _answer = begun(ada, "private")

    response = httpx.get(served.url + address)

    assert response.status_code == 302
    assert response.headers["location"].startswith("/accounts/login/")


def test_a_closed_tab_keeps_what_came_and_stops_the_engine(ada: Member, operator: Operator) -> None:
    with closing(ada.events("/chat", text="go on and on", key=key(), **ENDLESS)) as events:
        first = next(events)
        # However long the model takes to load on a busy machine.
        said = (event["text"] for event in events if event["event"] == "piece")
        pieces = list(islice(said, 5))

    assert ada.state_once_over(first["address"], first["answer"]) == "stopped"
    kept = ada.turns(first["address"])[1]
    assert kept["text"].startswith("".join(pieces)[:10])
    assert "Stopped before its end" in ada.web.get(first["address"]).text
    operator.wait(lambda engines: SLOW not in engines or not engines[SLOW]["at_work"])


def test_an_engine_that_dies_in_the_middle_leaves_words_and_what_it_wrote(
    ada: Member, operator: Operator
) -> None:
    events = ada.events("/chat", text="until you die", key=key(), **ENDLESS)
    first = next(events)
    heard = list(islice((one["text"] for one in events if one["event"] == "piece"), 3))
    os.kill(operator.engines()[SLOW]["pid"], signal.SIGKILL)

    *_, last = events

    assert last["event"] == "over"
    assert state_of(last["html"]) == "failed"
    assert "engine" in last["html"]
    assert "What had been written by then was kept" in last["html"]
    assert ada.turns(first["address"])[1]["text"].startswith("".join(heard))
    # The next message starts a new engine.
    told = {"parent": str(first["answer"]), "text": "again", "key": key()}
    *_, over = ada.events(first["address"], **told, **wish(SLOW))
    assert state_of(over["html"]) == "whole"


def test_a_model_that_is_gone_is_named_and_another_can_go_on(
    served: HubServer, folders: dict[str, Path], ada: Member
) -> None:
    api = HfApi(endpoint=served.url, token=served.tokens["ada"])
    push(api, "ada/passing", folders[WRITER])
    address, answer = begun(ada, "hello", model="ada/passing")
    api.delete_repo("ada/passing")

    told = {"parent": str(answer), "text": "still there?", "key": key()}
    *_, over = ada.events(address, **told, **wish("ada/passing"))

    assert state_of(over["html"]) == "failed"
    assert "ada/passing is gone" in over["html"]
    failed = ada.turns(address)[-1]["id"]
    *_, over = ada.events(address, deed=f"again:{failed}", key=key(), **wish())
    assert state_of(over["html"]) == "whole"


def test_what_does_not_fit_is_left_out_and_said(ada: Member) -> None:
    address, answer = begun(ada, "the cat sat on the mat " * 4, model=WRITER)
    html = ""
    for _ in range(4):
        told = {"parent": str(answer), "text": "a dog ran in the park " * 6, "key": key()}
        first, *_, over = ada.events(address, **told, **wish(WRITER))
        answer, html = first["answer"], over["html"]

    assert state_of(html) == "whole"
    assert "left out" in html
    told = ada.turns(address)[-1]["cost"]
    assert 0 < told["prompt_tokens"] < 256


def test_a_message_that_never_fits_is_refused_in_words(ada: Member) -> None:
    *_, over = ada.events("/chat", text="park " * 3000, key=key(), **wish(WRITER))

    assert state_of(over["html"]) == "failed"
    assert "256" in over["html"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"text": "  "}, "Write a message first"),
        ({"text": "x", "temperature": "9"}, "Temperature"),
        ({"text": "x", "max_tokens": "99999"}, "writes at most"),
        ({"text": "x", "model": ""}, "Model"),
        ({"text": "x", "key": "short"}, "open the page again"),
    ],
)
def test_wrong_input_is_said_and_what_was_typed_stays(
    ada: Member, fields: dict[str, str], words: str
) -> None:
    told = {"key": key(), **wish(), **fields}
    page = ada.send("/chat", **told)

    assert page.status_code == 400
    assert words in page.text
    script = ada.web.post("/chat", data=ada.form(told), headers=EVENTS)
    assert script.status_code == 400
    assert words in script.json()["error"]


def test_answers_are_markdown_that_can_do_no_harm(served: HubServer, ada: Member) -> None:
    address, answer = begun(ada, "say <b>bold</b>")
    text = "**strong** <script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=a>"
    with closing(sqlite3.connect(served.home / "llmos.sqlite3", timeout=30)) as rows, rows:
        rows.execute("UPDATE serving_turn SET text = ? WHERE id = ?", (text, answer))

    html = ada.web.get(address).text.replace("&lt;", "‹")

    assert "<strong>strong</strong>" in html
    assert "say ‹b&gt;bold" in html
    body = html.split("data-body>")[1].split("</div>")[0]
    assert not any(word in body for word in ("<script", 'href="javascript', "onerror", "src="))


def test_a_conversation_is_renamed_saved_and_deleted(ada: Member) -> None:
    address, _answer = begun(ada, "call me")
    page = ada.send(address + "/rename", title="  A new   name ")
    assert "A new name" in page.text
    saved = ada.web.get(address + "/export.md")
    assert saved.headers["content-disposition"].startswith("attachment")
    assert "# A new name" in saved.text
    assert "call me" in saved.text

    page = ada.send(address + "/delete")

    assert "is deleted" in page.text
    assert ada.web.get(address).status_code == 404


def test_deleting_a_conversation_while_it_is_answered_harms_nothing(ada: Member) -> None:
    with closing(ada.events("/chat", text="on and on", key=key(), **ENDLESS)) as events:
        address = next(events)["address"]
        next(event for event in events if event["event"] == "piece")
        ada.send(address + "/delete")

    assert ada.web.get(address).status_code == 404


@pytest.mark.slow
def test_a_hub_killed_in_the_middle_leaves_one_unfinished_answer(
    tmp_path: Path, folders: dict[str, Path], homes: Homes
) -> None:
    home, once = tmp_path / "home", key()
    homes.copy_to(home)
    process, url = start_hub(home)
    try:
        push(HfApi(endpoint=url, token=homes.tokens["ada"]), SLOW, folders[SLOW])
        with signed_in(url, "ada") as ada:
            events = ada.events("/chat", text="go on", key=once, **ENDLESS)
            first = next(events)
            while not text_of(ada.turn(first["address"], first["answer"])):
                next(events)
            kill_tree(process)  # a web process that outlived the rest would end the answer in order
            with pytest.raises(httpx.TransportError):
                list(events)

        process, url = start_hub(home)
        with signed_in(url, "ada") as ada:
            # The same form again, as a browser does that was cut off: no second answer.
            page = ada.send("/chat", text="go on", key=once, **ENDLESS)
            assert page.url.path == first["address"]
            assert ada.state_once_over(first["address"], first["answer"]) == "lost"
            html = ada.web.get(first["address"]).text
            assert "Unfinished: the hub stopped" in html
            assert html.count('class="turn turn-answer"') == 1
            assert text_of(ada.turn(first["address"], first["answer"]))
    finally:
        stop_hub(process)
