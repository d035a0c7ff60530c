"""Why something is reported or decided: a list that everybody understands, and own words.

A reason that is kept with a post is lines of text: the first from the list, in English, so
that each reader gets it in her language; then words as somebody wrote them.
"""

from django.utils.translation import gettext_noop

from llmos.community.moderation.errors import ReasonMissing
from llmos.kit.text import cleaned

LONGEST_WORDS = 1000

# By code, as people read it.
REASONS = {
    "spam": gettext_noop("Advertising or spam"),
    "unkind": gettext_noop("Unkind: it attacks or belittles somebody"),
    "off-topic": gettext_noop("It does not belong here"),
    "misleading": gettext_noop("Misleading, or a number that cannot be true"),
    "private": gettext_noop("It shows somebody's private data"),
    "copyright": gettext_noop("Copied against its licence or without naming its source"),
    "unlawful": gettext_noop("Against the law"),
    "other": gettext_noop("Something else"),
}
# The reason of decisions that find nothing wrong.
FINE = "fine"
TRUSTED = "trusted"  # of levels that are given
TEXTS = {
    **REASONS,
    FINE: gettext_noop("It keeps to the rules"),
    TRUSTED: gettext_noop("Trusted for what they did here"),
}

MANY_REPORTS = gettext_noop("Several members reported this; it waits for a moderator")
MENDED = gettext_noop("Its author has mended it; it waits for a moderator")


def reason_of(code: str, words: str, *, otherwise: str = "") -> str:
    """The lines that are kept; `otherwise` is the reason when none is chosen.

    Raises ReasonMissing.
    """
    from django.utils.translation import gettext as _

    words = cleaned(words).strip()[:LONGEST_WORDS]
    code = code if code in REASONS else otherwise
    if code not in TEXTS:
        raise ReasonMissing(_("Choose a reason"))
    if code == "other" and not words:
        raise ReasonMissing(_("Say in a few words what it is"))
    return f"{TEXTS[code]}\n{words}".strip()


def shown(reason: str) -> str:
    """A kept reason in the reader's language."""
    from django.utils.translation import gettext

    return "\n".join(gettext(line) if line else "" for line in reason.splitlines())
