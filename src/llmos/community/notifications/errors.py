"""Refusals of notifications, of their settings, and of answers by mail."""

from django.utils.translation import gettext as _

from llmos.kit.errors import Forbidden, Invalid, NotFound, Refusal, TooLarge


class NotificationNotFound(NotFound):
    """Somebody else's, or about something that the viewer may not see any more."""

    code = "NotificationNotFound"

    def __init__(self) -> None:
        super().__init__(_("There is no such notification for you"))


class LinkUnknown(Refusal):
    """The link of a mail that was cut off or made up."""

    status = 410
    code = "LinkUnknown"

    def __init__(self) -> None:
        super().__init__(
            _("This link is incomplete or not ours; change your mails in the settings instead")
        )


class PushRefused(Invalid):
    """An address that is no push service's; the hub calls no others."""

    code = "PushRefused"


class AnswerUnreadable(Invalid):
    """A mail without words of its own, or that is not a mail."""

    code = "AnswerUnreadable"


class AnswerTooLarge(TooLarge):
    code = "AnswerTooLarge"


class AnswerUnaddressed(NotFound):
    """No address of ours among its recipients, or one that has expired or was made up."""

    code = "AnswerUnaddressed"


class AnswerFromElsewhere(Forbidden):
    """Sent from another address than the mail that it answers went to."""

    code = "AnswerFromElsewhere"


class AnswerAutomatic(Forbidden):
    """Written by a machine: a vacation note, a list, a report of delivery."""

    code = "AnswerAutomatic"
