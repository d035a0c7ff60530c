"""The settings of notifications as a form; the boxes of kinds and ways stand in a table of it."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.conf import settings
from django.utils import dates
from django.utils.translation import gettext_lazy as _

from llmos.community.notifications.actions import Wishes
from llmos.community.notifications.kinds import DEFAULTS, Channel
from llmos.community.notifications.models import Preferences

_DIGESTS = [
    (Preferences.Digest.OFF, _("no digest")),
    (Preferences.Digest.DAILY, _("every day")),
    (Preferences.Digest.WEEKLY, _("every week")),
]
_LANGUAGES = [("", _("as my pages")), *settings.LANGUAGES]


class WishesForm(forms.Form):
    digest = forms.ChoiceField(
        label=_("Digest"),
        choices=_DIGESTS,
        help_text=_("What you missed, at the hour below by the clock of this hub"),
    )
    digest_day = forms.TypedChoiceField(
        label=_("Day of the weekly digest"), choices=list(dates.WEEKDAYS.items()), coerce=int
    )
    digest_hour = forms.TypedChoiceField(
        label=_("Hour"),
        choices=[(hour, f"{hour:02d}:00") for hour in range(24)],
        coerce=int,
    )
    language = forms.ChoiceField(label=_("Language of mails"), choices=_LANGUAGES, required=False)

    @staticmethod
    def initial_of(preferences: Preferences) -> dict[str, Any]:
        names = ("digest", "digest_day", "digest_hour", "language")
        return {name: getattr(preferences, name) for name in names}

    def wishes(self, told: Mapping[str, Any]) -> Wishes:
        """With the boxes, each named `mention-mail` and the like."""
        channels = {
            str(kind): {str(way) for way in Channel if f"{kind}-{way}" in told} for kind in DEFAULTS
        }
        return Wishes(channels=channels, **self.cleaned_data)
