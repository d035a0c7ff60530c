"""How pages name what was done, how long it took, and what may not be named."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from llmos.provenance.graph import Step
from llmos.provenance.models import Activity


def deed(activity: str) -> str:
    words = {"train": _("training"), "evaluate": _("evaluation")}
    return words.get(activity, activity)


def private_thing(kind: str) -> str:
    """A repository that the viewer may not know, by its kind alone."""
    words = {"model": _("a private model"), "dataset": _("a private data set")}
    return words.get(kind, _("a private repository"))


def lasted(activity: Activity | Step) -> str:
    return duration((activity.ended_at - activity.started_at).total_seconds())


def duration(seconds: float) -> str:
    if seconds < 90:
        return _("%(n)d s") % {"n": round(seconds)}
    if seconds < 5400:
        return _("%(n)d min") % {"n": round(seconds / 60)}
    return _("%(n).1f h") % {"n": seconds / 3600}


def cost_words(cost: Mapping[str, Any]) -> str:
    """Processor time and energy, as far as they were measured."""
    parts = []
    if cost.get("cpu_seconds") is not None:
        parts.append(_("%(time)s of CPU") % {"time": duration(cost["cpu_seconds"])})
    if cost.get("energy_wh") is not None:
        parts.append(_("about %(n).2g Wh") % {"n": cost["energy_wh"]})
    return ", ".join(parts)
