"""Refusals of the queue."""

from django.utils.translation import gettext as _

from llmos.kit.errors import Busy, Conflict, Forbidden, NotFound


class JobNotFound(NotFound):
    """Missing, or somebody else's: both look the same."""

    code = "JobNotFound"

    def __init__(self) -> None:
        super().__init__(_("Job not found"))


class MayNotSpend(Forbidden):
    """Running jobs costs somebody something; this member has not been given the right."""

    code = "MayNotSpend"

    def __init__(self) -> None:
        super().__init__(
            _("Your account may not start jobs on this hub. Its administrators decide who may.")
        )


class QueueFull(Busy):
    code = "QueueFull"

    def __init__(self, limit: int) -> None:
        super().__init__(
            _("%(limit)d jobs of this namespace are waiting already. Wait, or cancel one.")
            % {"limit": limit},
            headers={"Retry-After": "60"},
        )


class MonthSpent(Busy):
    """The namespace has used up what it may spend in this month."""

    code = "MonthSpent"

    def __init__(self, hours: int) -> None:
        super().__init__(
            _(
                "This namespace has used its %(hours)d CPU hours of this month. "
                "New jobs start again next month, or when an administrator raises the bound."
            )
            % {"hours": hours}
        )


class WrongStage(Conflict):
    """The job has moved on since the page was opened."""

    code = "WrongStage"
