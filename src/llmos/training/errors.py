"""Refusals of training runs."""

from django.utils.translation import gettext as _

from llmos.kit.errors import Invalid


class NoAdvancedSettings(Invalid):
    """What was written under "advanced" is neither YAML nor lines of `key = value`."""

    code = "NoAdvancedSettings"


class NoLearningHere(Invalid):
    """The learning software is not installed where the hub runs."""

    code = "NoLearningHere"

    def __init__(self) -> None:
        super().__init__(
            _(
                "The learning software is not installed on this hub. "
                "Its operator adds it with: pip install 'llmos[train]'"
            )
        )
