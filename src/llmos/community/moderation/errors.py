"""Refusals of reports and decisions."""

from django.utils.translation import gettext as _

from llmos.kit.errors import Conflict, Forbidden, Invalid


class AlreadyDecided(Conflict):
    """Another moderator was there first; the message says who, and what was decided."""

    code = "AlreadyDecided"


class AlreadyReported(Conflict):
    """One report from one member, until what she reported has changed."""

    code = "AlreadyReported"


class ReasonMissing(Invalid):
    """No decision and no report without a reason."""

    code = "ReasonMissing"


class NotAModerator(Forbidden):
    code = "NotAModerator"

    def __init__(self) -> None:
        super().__init__(
            _("Only administrators, stewards and, on their repositories, writers decide here")
        )
