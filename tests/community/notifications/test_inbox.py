"""The inbox as a mail server meets it: a process of the hub that takes answers by LMTP."""

import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import httpx2
import pytest
from tests import databases
from tests.conftest import free_port, start_hub, stop_hub
from tests.homes import Homes

ADDRESS = "ada@mail.example"
# What a mail to ada would have told her: where her answer goes.
ADDRESSED = """
import sys, django
django.setup(set_prefix=False)
from allauth.account.models import EmailAddress
from llmos.accounts.models import User
from llmos.community.notifications.tokens import reply_address
ada = User.objects.get(username="ada")
User.objects.filter(pk=ada.pk).update(email=sys.argv[2])
EmailAddress.objects.create(user=ada, email=sys.argv[2], primary=True, verified=True)
print(reply_address(user_id=ada.pk, post_id=int(sys.argv[1])))
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A hub with an inbox; `reply_to` leads to the first post of its thread."""

    port: int
    reply_to: str
    posts: str
    token: str

    def said(self) -> list[str]:
        answer = httpx2.get(self.posts, headers={"Authorization": f"Bearer {self.token}"})
        return [post["text"] for post in answer.raise_for_status().json()]

    @contextmanager
    def door(self) -> Iterator[smtplib.LMTP]:
        deadline = time.monotonic() + 30
        while True:
            try:
                met = smtplib.LMTP("127.0.0.1", self.port, timeout=20)
                break
            except OSError:
                assert time.monotonic() < deadline, "the inbox does not listen"
                time.sleep(0.1)
        with met:
            yield met


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, homes: Homes) -> Iterator[Place]:
    home, port = tmp_path_factory.mktemp("inbox") / "home", free_port()
    settings = f'[mail]\nreply_domain = "in.hub.example"\ninbox = "lmtp://127.0.0.1:{port}"\n'
    homes.copy_to(home, settings)
    process, url = start_hub(home)
    try:
        yield opened(home, url, port, homes.tokens["ada"])
    finally:
        stop_hub(process)


def opened(home: Path, url: str, port: int, token: str) -> Place:
    headers = {"Authorization": f"Bearer {token}"}
    httpx2.post(
        f"{url}/api/repos/create", json={"name": "model"}, headers=headers
    ).raise_for_status()
    made = httpx2.post(
        f"{url}/api/models/ada/model/discussions",
        json={"title": "By mail", "description": "How many pieces?"},
        headers=headers,
    )
    assert made.status_code < 300, made.text
    [thread] = httpx2.get(
        f"{url}/api/threads", params={"repository": "ada/model"}, headers=headers
    ).json()
    posts = f"{url}/api/threads/{thread['id']}/posts"
    [first] = httpx2.get(posts, headers=headers).json()
    told = subprocess.run(
        [sys.executable, "-c", ADDRESSED, str(first["id"]), ADDRESS],
        env=databases.env_of(home) | {"DJANGO_SETTINGS_MODULE": "llmos.web.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.returncode == 0, told.stderr
    return Place(port, told.stdout.strip(), posts, token)


def mail(text: str, *, sender: str = ADDRESS) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["Subject"] = sender, "Re: By mail"
    made["Message-ID"] = f"<{abs(hash(text))}@mail.example>"
    made.set_content(text)
    return made


def test_an_answer_is_written_once_however_often_the_mail_server_hands_it_on(place: Place) -> None:
    answer = mail("中文 works too.\n")
    with place.door() as door:
        for _time in range(2):
            assert door.send_message(answer, to_addrs=[place.reply_to]) == {}
    assert place.said().count("中文 works too.") == 1


def test_whoever_is_no_recipient_here_is_refused_before_the_mail_is_sent(place: Place) -> None:
    with place.door() as door, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        door.send_message(mail("Hello"), to_addrs=["postmaster@in.hub.example"])
    code, why = refused.value.recipients["postmaster@in.hub.example"]
    assert (code, why) == (550, b"5.1.1 Only answers to mails of this hub are taken here")


def test_each_recipient_of_a_mail_is_answered(place: Place) -> None:
    """RFC 2033, 4.2: Python's client reads one answer, mail servers wait for all."""
    forged = place.reply_to.replace("reply+", "reply+x")
    with place.door() as door:
        door.ehlo_or_helo_if_needed()
        door.mail(ADDRESS)
        for recipient in (place.reply_to, forged):
            door.rcpt(recipient)
        assert door.data(mail("For two").as_bytes())[0] == 250
        assert door.getreply() == (250, b"2.0.0 Written")
    assert place.said().count("For two") == 1


def test_a_mail_from_another_address_is_refused_with_the_reason(place: Place) -> None:
    with place.door() as door, pytest.raises(smtplib.SMTPDataError) as refused:
        door.send_message(mail("Not hers", sender="eve@mail.example"), to_addrs=[place.reply_to])
    assert refused.value.smtp_code == 550
    assert "Not hers" not in place.said()
