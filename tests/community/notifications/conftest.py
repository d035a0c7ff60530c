"""A real mail server on this machine, and a hub process that mails through it."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pytest_django.fixtures import Settings
from tests.conftest import free_port

from llmos.kit.config import current


@dataclass
class Office:
    """What the mail server took; `refusal` is what it answers instead, and to which command."""

    port: int
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    refusal: str = ""
    hangs_up: bool = False

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert isinstance(envelope.content, bytes)
        mail = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.taken.append((str(envelope.rcpt_tos[0]), mail))
        if self.hangs_up:  # taken, and the answer is lost on its way
            assert server.transport is not None
            server.transport.abort()
        return "250 OK"

    def mails_to(self, address: str) -> list[EmailMessage]:
        return [mail for to, mail in self.taken if to == address]


@pytest.fixture
def office() -> Iterator[Office]:
    opened = Office(free_port())
    controller = Controller(opened, hostname="127.0.0.1", port=opened.port)
    controller.start()
    yield opened
    controller.stop()


@pytest.fixture
def mailing(
    office: Office, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Office]:
    """This process mails through the office and takes answers."""
    told = {
        "LLMOS_MAIL_URL": f"smtp://127.0.0.1:{office.port}",
        "LLMOS_MAIL_SENDER": "hub@hub.example",
        "LLMOS_MAIL_REPLY_DOMAIN": "in.hub.example",
        "LLMOS_SERVER_PUBLIC_URL": "https://hub.example",
    }
    for name, value in told.items():
        monkeypatch.setitem(os.environ, name, value)
    current.cache_clear()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", office.port
    settings.EMAIL_TIMEOUT = 5
    yield office
    monkeypatch.undo()
    current.cache_clear()
