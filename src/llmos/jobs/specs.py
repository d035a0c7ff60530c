"""Specs of jobs: what each activity wants, checked when a job is filed, with words for a member.

A spec is what `lab/work.py` reads: versioned, and whole, so that the same spec means the same
job wherever and whenever it is run.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from llmos.jobs.config import cores_for_jobs
from llmos.kit.errors import Invalid
from llmos.lab.benchmarks import benchmark_from
from llmos.lab.recipes import recipe_from

MOST_CORES = 256
MOST_LABELS = 20
SEEDS = range(2**31)
_LABEL = re.compile(r"[A-Za-z0-9_-]{1,100}")

Recipe = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Activity:
    """Roles that inputs must and may have; whether something is written; how a recipe is read.

    `complete` returns the recipe as the job is to carry it out. Raises Invalid.
    """

    needs: frozenset[str]
    takes: frozenset[str]
    writes: bool
    complete: Callable[[Recipe, Iterable[Mapping[str, str]], int, int], Recipe]


def activity_named(name: Any) -> Activity:
    """Raises Invalid."""
    if not isinstance(name, str) or name not in ACTIVITIES:
        raise Invalid(
            _("There is no activity %(name)r; there are %(known)s")
            % {"name": name, "known": ", ".join(ACTIVITIES)}
        )
    return ACTIVITIES[name]


def check_roles(name: str, inputs: list[dict[str, str]]) -> None:
    """Each role once, none missing, none unknown. Raises Invalid."""
    activity = ACTIVITIES[name]
    roles = [one.get("role") or "data" for one in inputs]
    for role in sorted(set(roles) - activity.needs - activity.takes):
        known = ", ".join(sorted(activity.needs | activity.takes))
        raise Invalid(
            _("%(activity)s takes no input in the role of %(role)r; it takes %(known)s")
            % {"activity": name, "role": role, "known": known}
        )
    for role in sorted(activity.needs - set(roles)):
        raise Invalid(
            _("%(activity)s needs an input in the role of %(role)r")
            % {"activity": name, "role": role}
        )
    if len(set(roles)) < len(roles):
        raise Invalid(_("Each role is given once"))
    if name == "evaluate" and not {"benchmark", "data"} & set(roles):
        raise Invalid(_("evaluate needs a benchmark, or data, to measure the model on"))


def checked_seed(seed: Any) -> int:
    """Raises Invalid."""
    if not isinstance(seed, int) or isinstance(seed, bool) or seed not in SEEDS:
        raise Invalid(_("seed is a whole number from 0 to 2147483647"))
    return seed


def checked_priority(priority: Any) -> int:
    """Raises Invalid."""
    if not isinstance(priority, int) or isinstance(priority, bool) or abs(priority) > 10:
        raise Invalid(_("priority is a whole number from -10 to 10"))
    return priority


def checked_cores(cores: Any) -> int:
    """Raises Invalid."""
    if not isinstance(cores, int) or isinstance(cores, bool) or not 0 <= cores <= MOST_CORES:
        raise Invalid(
            _("cores is a whole number from 1 to %(most)d, or 0 for what the recipe says")
            % {"most": MOST_CORES}
        )
    return cores


def checked_labels(labels: Any) -> dict[str, str]:
    """Names and values as hub clients allow them. Raises Invalid."""
    if not isinstance(labels, dict) or len(labels) > MOST_LABELS:
        raise Invalid(_("labels are at most %(most)d names with values") % {"most": MOST_LABELS})
    for word in (*labels, *labels.values()):
        if not isinstance(word, str) or not _LABEL.fullmatch(word):
            raise Invalid(
                _("Label %(word)r: use 1 to 100 letters, digits, dashes and underscores")
                % {"word": word}
            )
    return labels


def cores_of(recipe: Recipe, cores: int) -> int:
    """One core for a job, unless its recipe or whoever files it asks for more."""
    if cores or "workers" not in recipe:
        return cores or 1
    workers = str(recipe["workers"])  # recipes also take numbers as text
    return int(workers) if workers.isdecimal() and int(workers) else cores_for_jobs()


def _training(recipe: Recipe, inputs: Iterable[Mapping[str, str]], seed: int, cores: int) -> Recipe:
    base = next((one for one in inputs if one.get("role") == "model"), None)
    if recipe.get("base") and base is None:
        # A name alone would be read from the disk of whatever machine runs the job.
        raise Invalid(_("Give the base model as an input in the role of 'model', not in `base`"))
    whole = dict(recipe)
    if base is not None:
        whole["base"] = f"{base['repo']}@{base['commit']}"
    # The number of workers decides the bytes: it is open only where a recipe says so.
    whole.setdefault("workers", cores)
    whole["workers"] = recipe_from({**whole, "seed": seed}).workers
    return whole


def _evaluation(
    recipe: Recipe, inputs: Iterable[Mapping[str, str]], seed: int, cores: int
) -> Recipe:
    """In the words of eval.yaml; a benchmark's repository has them already."""
    if recipe or not any(one.get("role") == "benchmark" for one in inputs):
        benchmark_from({"name": "settings", "version": "0", **recipe})
    return recipe


ACTIVITIES: Mapping[str, Activity] = {
    "train": Activity(frozenset({"data"}), frozenset({"model"}), True, _training),
    "evaluate": Activity(
        frozenset({"model"}), frozenset({"benchmark", "data"}), False, _evaluation
    ),
}
