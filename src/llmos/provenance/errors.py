"""Refusals of provenance."""

from django.utils.translation import gettext as _

from llmos.kit.errors import NotFound


class ActivityNotFound(NotFound):
    code = "ActivityNotFound"

    def __init__(self) -> None:
        super().__init__(_("This step is not known, or not for you to see"))


class ReceiptNotFound(NotFound):
    code = "ReceiptNotFound"

    def __init__(self) -> None:
        super().__init__(_("There is no such receipt, or it is not for you to see"))
