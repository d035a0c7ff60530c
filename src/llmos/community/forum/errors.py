"""Refusals of the forum."""

from django.utils.translation import gettext as _

from llmos.kit.errors import Conflict, Forbidden, NotFound


class CategoryNotFound(NotFound):
    code = "CategoryNotFound"

    def __init__(self) -> None:
        super().__init__(_("There is no such category"))


class NotHere(Forbidden):
    """This category takes topics from members of another standing."""

    code = "NotHere"


class ChangedMeanwhile(Conflict):
    """Another moderator, or the asker, was faster; the message says what is true now."""

    code = "ChangedMeanwhile"


class PollIsClosed(Conflict):
    code = "PollClosed"

    def __init__(self) -> None:
        super().__init__(_("This poll is closed; its result stands"))


class VotedAlready(Conflict):
    code = "VotedAlready"

    def __init__(self) -> None:
        super().__init__(_("You have voted in this poll; each member votes once"))
