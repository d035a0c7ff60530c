"""Refusals of discussions."""

from django.utils.translation import gettext as _

from llmos.kit.errors import Forbidden, NotFound


class DiscussionNotFound(NotFound):
    """No such number here, or one that is held back from this viewer."""

    code = "DiscussionNotFound"

    def __init__(self, number: int) -> None:
        super().__init__(_("There is no discussion %(number)d here") % {"number": number})


class NotYourDiscussion(Forbidden):
    """Its author and the repository's writers close and rename it."""

    code = "NotYours"

    def __init__(self) -> None:
        super().__init__(_("Only its author and those who may write here change this discussion"))
