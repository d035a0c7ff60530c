"""Words of the forum's own, in the reader's language."""

from django.utils.translation import gettext as _

from llmos.community.forum.models import Kind


def kind_word(kind: str) -> str:
    words = {
        Kind.QUESTION: _("Question"),
        Kind.ANNOUNCEMENT: _("Announcement"),
        Kind.SHOW: _("Show and tell"),
        Kind.SUPPORT: _("Support"),
        Kind.OPEN: _("Open discussion"),
    }
    return words[Kind(kind)]


def kind_icon(kind: str) -> str:
    icons = {
        Kind.QUESTION: "question",
        Kind.ANNOUNCEMENT: "megaphone",
        Kind.SHOW: "star",
        Kind.SUPPORT: "settings",
        Kind.OPEN: "talk",
    }
    return icons[Kind(kind)]


def language_word(code: str) -> str:
    """The language's own name for itself; the code where we do not know it."""
    return {"en": "English", "zh": "中文"}.get(code, code)


def outline(kind: str) -> str:
    """What a good first post of a kind has: put into an empty form, to be written over."""
    parts = {
        Kind.QUESTION: [
            _("What I want to do"),
            _("What I tried"),
            _("What happened instead"),
            _("Model, data and versions"),
        ],
        Kind.SUPPORT: [
            _("What I did, step by step"),
            _("What I expected, and what happened"),
            _("The whole error message"),
            _("System and version"),
        ],
        Kind.SHOW: [_("What it is"), _("How it was made"), _("Try it")],
    }
    return "".join(f"### {part}\n\n\n" for part in parts.get(Kind(kind), []))


def advice(kind: str) -> str:
    """One sentence beside the form."""
    words = {
        Kind.QUESTION: _(
            "Say what you want to reach and what you tried. Name the model as name/model and paste "
            "the error as text: others find it then, too."
        ),
        Kind.ANNOUNCEMENT: _("News for everybody: what changes, when, and what to do."),
        Kind.SHOW: _(
            "Show what you made: the address of the model or data set becomes a live card. Say how "
            "it was made, so that others can do it again."
        ),
        Kind.SUPPORT: _(
            "Something does not work as it should: the steps, what you expected, what happened."
        ),
        Kind.OPEN: _("Whatever is worth talking about. One topic, one matter."),
    }
    return words[Kind(kind)]
