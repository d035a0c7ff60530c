"""In which language and from which address the hub speaks to a member outside its pages."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.utils import translation

from llmos.community.notifications.models import Preferences
from llmos.kit.config import current
from llmos.store.config import MailSettings, ServerSettings


def sends_mail() -> bool:
    """Whether this hub has a mail server."""
    return bool(current(MailSettings).url)


def hub_url() -> str:
    """Where members reach this hub, for links in mails: no request says it."""
    server = current(ServerSettings)
    host = {"0.0.0.0": "localhost", "127.0.0.1": "localhost", "::": "localhost"}.get(  # noqa: S104
        server.host, server.host
    )
    return server.public_url.rstrip("/") or f"http://{host}:{server.port}"


def language_of_member(preferences: Preferences) -> str:
    """What she chose for mails, else what her pages speak."""
    for language in (preferences.language, preferences.page_language):
        if language in dict(settings.LANGUAGES):
            return language
    return settings.LANGUAGE_CODE


@contextmanager
def speaking(preferences: Preferences) -> Iterator[str]:
    """Speak her language meanwhile; gives its name."""
    language = language_of_member(preferences)
    with translation.override(language):
        yield language
