"""The inbox: `python -m llmos.web.inbox`, a door for a mail server that hands answers on.

Runs where `[mail] inbox` names an address; speaks SMTP, or LMTP after `lmtp://`. It takes mails
to reply addresses alone and answers each at once, so nothing is kept and nothing bounces later.
"""

import asyncio
import os
import signal
from typing import Any
from urllib.parse import urlsplit

import django
from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from llmos.kit.config import current
from llmos.kit.errors import Broken, Busy, Refusal
from llmos.store.config import MailSettings


class Answers:
    """What aiosmtpd calls for each command; every refusal says why."""

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd looks for
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not address.lower().startswith("reply+"):
            return "550 5.1.1 Only answers to mails of this hub are taken here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        from llmos.store.threads import in_thread

        answer = await in_thread(_take, envelope)
        # LMTP waits for an answer for each recipient, SMTP for one (RFC 2033, 4.2).
        count = len(envelope.rcpt_tos) if isinstance(server, LMTP) else 1
        return "\r\n".join([answer] * count)


def _take(envelope: Envelope) -> str:
    from llmos.community.notifications.incoming import take_answer

    content = envelope.content
    raw = content if isinstance(content, bytes) else str(content or "").encode()
    try:
        take_answer(raw, recipients=map(str, envelope.rcpt_tos), sender=envelope.mail_from)
    except (Broken, Busy) as refusal:
        return f"451 4.3.0 {_one_line(refusal)}"
    except Refusal as refusal:
        return f"550 5.7.1 {_one_line(refusal)}"
    return "250 2.0.0 Written"


def _one_line(refusal: Refusal) -> str:
    words = " ".join(refusal.message.split())
    return words.encode("ascii", "replace").decode()[:400]


async def listen(address: str) -> None:
    """Listen until SIGTERM or SIGINT."""
    from llmos.community.notifications.incoming import LARGEST_MAIL

    parts = urlsplit(address if "://" in address else f"smtp://{address}")
    speaks: Any = LMTP if parts.scheme == "lmtp" else SMTP
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)

    def door() -> SMTP:
        made: SMTP = speaks(
            Answers(), data_size_limit=LARGEST_MAIL, enable_SMTPUTF8=True, hostname="llmos"
        )
        return made

    server = await loop.create_server(door, parts.hostname or "127.0.0.1", parts.port or 2525)
    async with server:
        await stop.wait()


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "llmos.web.settings")
    django.setup(set_prefix=False)
    asyncio.run(listen(current(MailSettings).inbox))


if __name__ == "__main__":
    main()
