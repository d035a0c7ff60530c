"""Sentences of refusals that clients know by heart in English and people read in theirs.

The refusal page translates a refusal's message when it is one of these; the list only
makes the gatherer of texts see them.
"""

from django.utils.translation import gettext_noop

KNOWN_SENTENCES = (
    gettext_noop("Repository not found"),
    gettext_noop("Nobody has this name"),
    gettext_noop("Sign in to do this"),
    gettext_noop("Access to this resource is disabled."),
    gettext_noop(
        "The branch was updated since you opened this page. Please refresh and try again."
    ),
)
