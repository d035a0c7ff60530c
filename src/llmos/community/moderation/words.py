"""Decisions, causes and their kinds in the reader's language."""

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from llmos.community.moderation.models import Case, Decision

Act = Decision.Act


def deed_of(decision: Decision) -> str:
    """What was done, as a line of the log says it."""
    about_member = decision.kind == Case.Kind.MEMBER
    texts = {
        Act.KEEP: _("nothing wrong found") if about_member else _("left as it was"),
        Act.APPROVE: _("approved"),
        Act.SHOW: _("shown again"),
        Act.HIDE: pgettext("decision", "hidden"),
        Act.REMOVE: pgettext("decision", "removed"),
        Act.WARN: _("warned"),
        Act.SILENCE: _("silenced for a time"),
        Act.SPEAK: _("silence ended early"),
        Act.SUSPEND: _("suspended"),
        Act.READMIT: _("let back in"),
        Act.LEVEL: _("level given by hand"),
    }
    return texts[Act(decision.act)]


def choice_of(act: Decision.Act, *, about: str) -> str:
    """What a moderator chooses, with what follows from it; `about` is a kind of case."""
    about_post = about == Case.Kind.POST
    texts = {
        Act.KEEP: _("Nothing is wrong with it"),
        Act.APPROVE: _("Approve: everybody can read it"),
        Act.SHOW: _("Show it again"),
        Act.HIDE: _("Hide: its author may mend it")
        if about_post
        else _("Hide: only administrators open it until it is shown again"),
        Act.REMOVE: _("Remove: a gap with the reason stays"),
        Act.WARN: _("Warn its author") if about_post else _("Warn"),
        Act.SILENCE: _("Hide it and silence its author for a time")
        if about_post
        else _("Silence for a time: reading, but no writing"),
        Act.SPEAK: _("End the silence now"),
        Act.SUSPEND: _("Remove it and suspend its author from the hub")
        if about_post
        else _("Suspend from the hub"),
        Act.READMIT: _("Let back in"),
    }
    return texts[act]


def cause_of(case: Case) -> str:
    texts = {
        Case.Cause.REPORTED: pgettext("case", "reported"),
        Case.Cause.HELD: _("held back"),
        Case.Cause.MENDED: _("mended"),
        Case.Cause.LOOKED_AT: _("looked at"),
    }
    return texts[Case.Cause(case.cause)]
