"""Refusals of evaluation."""

from django.utils.translation import gettext as _

from llmos.kit.errors import Conflict, NotFound


class BoardNotFound(NotFound):
    """No benchmark by that name, or none that the viewer may know of."""

    code = "BoardNotFound"

    def __init__(self) -> None:
        super().__init__(_("There is no such benchmark, or it is not for you to see"))


class ResultNotFound(NotFound):
    """Unknown, or about a repository that the viewer may not see: both look the same."""

    code = "ResultNotFound"

    def __init__(self) -> None:
        super().__init__(_("There is no such result, or it is not for you to see"))


class SamplesNotFound(NotFound):
    """The result may be seen, what was asked and answered may not, or is gone."""

    code = "SamplesNotFound"

    def __init__(self) -> None:
        super().__init__(_("The outputs of this result are not kept here, or not for you to read"))


class ResultUnproven(Conflict):
    """What a job reports does not fit what it was given or what it left behind."""

    code = "ResultUnproven"
