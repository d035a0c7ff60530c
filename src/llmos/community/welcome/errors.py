"""Refusals of the welcome."""

from django.utils.translation import gettext as _

from llmos.kit.errors import Conflict, NotFound


class TaskNotFound(NotFound):
    """Unknown, or about a repository that the viewer may not see."""

    code = "FirstTaskNotFound"

    def __init__(self) -> None:
        super().__init__(_("There is no such task, or it is not for you to see"))


class TaskTaken(Conflict):
    """Somebody else took it first, or it is over."""

    code = "FirstTaskTaken"
