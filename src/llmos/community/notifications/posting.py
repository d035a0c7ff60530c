"""A line to the mail server that knows whether a message was surely not taken."""

from contextlib import suppress
from smtplib import (
    SMTPDataError,
    SMTPException,
    SMTPHeloError,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
)
from types import TracebackType
from typing import Any

from django.core.mail import get_connection
from django.core.mail.message import EmailMessage


class NotTaken(Exception):
    """The server did not take the message; `for_good` if it never will."""

    def __init__(self, message: str, *, for_good: bool) -> None:
        super().__init__(message)
        self.for_good = for_good


class Line:
    """Opened by the first message and used by all; a server that is away is asked once."""

    def __init__(self) -> None:
        self._backend: Any = get_connection()
        self._away = ""

    def __enter__(self) -> "Line":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._hang_up()

    def send(self, message: EmailMessage) -> None:
        """Raises NotTaken; any other error leaves it open whether the message was taken."""
        self._open()
        try:
            self._backend.send_messages([message])
        except SMTPRecipientsRefused as error:
            code = max((code for code, _said in error.recipients.values()), default=550)
            raise NotTaken(str(error), for_good=code >= 500) from error
        except (SMTPSenderRefused, SMTPDataError, SMTPHeloError) as error:
            said = error.smtp_error
            text = said.decode(errors="replace") if isinstance(said, bytes) else said
            refused = f"{error.smtp_code} {text}"
            raise NotTaken(refused, for_good=error.smtp_code >= 500) from error
        except (SMTPException, OSError):
            self._hang_up()
            raise

    def _open(self) -> None:
        if self._away:
            raise NotTaken(self._away, for_good=False)
        try:
            self._backend.open()
        except (SMTPException, OSError) as error:
            self._away = str(error) or type(error).__name__
            raise NotTaken(self._away, for_good=False) from error

    def _hang_up(self) -> None:
        with suppress(SMTPException, OSError):
            self._backend.close()
