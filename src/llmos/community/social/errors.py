"""Refusals of follows, notes and feeds."""

from django.utils.translation import gettext as _

from llmos.kit.errors import Invalid, NotFound


class NothingToFollow(NotFound):
    """Unknown, or not for the viewer to see: both look the same."""

    code = "NothingToFollow"

    def __init__(self) -> None:
        super().__init__(_("There is nothing by this name, or it is not for you to see"))


class NoteTooLong(Invalid):
    """More than a short post holds; the message says what to do with a long one."""

    code = "NoteTooLong"


class ActivityNotFound(NotFound):
    code = "ActivityNotFound"

    def __init__(self) -> None:
        super().__init__(_("There is no such activity, or it is not for you to see"))
