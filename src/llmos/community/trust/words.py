"""Names of levels in the reader's language."""

from django.utils.translation import gettext as _


def level_word(level: int) -> str:
    return [_("new"), _("member"), _("regular"), _("leader"), _("steward")][level]
