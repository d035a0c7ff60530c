"""Stages, activities, measures and settings in a member's words."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from llmos.jobs.models import Job
from llmos.jobs.stages import Stage
from llmos.jobs.story import VALIDATION


def stage_word(stage: str) -> str:
    return {
        Stage.QUEUED: _("waiting"),
        Stage.RUNNING: _("running"),
        Stage.SUCCEEDED: _("done"),
        Stage.FAILED: _("failed"),
        Stage.CANCELLED: _("cancelled"),
        Stage.LOST: _("lost"),
    }[Stage(stage)]


# How a stage looks: the kind of its badge.
STAGE_KINDS = {
    Stage.QUEUED: "",
    Stage.RUNNING: "doubt",
    Stage.SUCCEEDED: "good",
    Stage.FAILED: "wrong",
    Stage.CANCELLED: "",
    Stage.LOST: "wrong",
}


def activity_word(job: Job) -> str:
    if job.rebuild_of:
        return _("Rebuild")
    return {"train": _("Training"), "evaluate": _("Evaluation")}.get(job.activity, job.activity)


def recipe_word(job: Job) -> str:
    """What kind of training or measuring it is."""
    task = str(job.spec["recipe"].get("task", ""))
    return {
        "translate": _("translate"),
        "language-model": _("go on with a text"),
        "finetune": _("teach something new"),
    }.get(task, task)


def title_of(job: Job) -> str:
    """What the job is about: the model it makes, or what it measures."""
    output = job.spec.get("output")
    if output:
        return str(output["repo"])
    return " · ".join(one["repo"].rpartition("/")[2] for one in job.spec["inputs"])


def standing_in_line(ahead: int) -> str:
    if not ahead:
        return _("It is the next one to be started.")
    return ngettext("%(n)d job stands before it.", "%(n)d jobs stand before it.", ahead) % {
        "n": ahead
    }


def curve_word(name: str) -> str:
    """A curve as its legend and its table call it."""
    measure = name.removeprefix(VALIDATION)
    if measure != name:
        return _("loss on unseen rows") if measure == "loss" else measure_word(measure)
    return {
        "loss": _("loss while learning"),
        "learning_rate": _("learning rate"),
        "tokens_per_second": _("tokens/s"),
    }.get(name, name)


def measure_word(name: str) -> str:
    """A measure as its field writes it."""
    known = {"bleu": "BLEU", "loss": _("loss"), "perplexity": _("perplexity")}
    return known.get(name, name)


def role_word(role: str) -> str:
    return {
        "data": _("data"),
        "model": _("model"),
        "benchmark": _("benchmark"),
    }.get(role, role)


def curve_words(names: list[str]) -> dict[str, str]:
    return {name: curve_word(name) for name in names}
