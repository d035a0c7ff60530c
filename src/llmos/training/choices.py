"""What a member chose on the form, and the recipe that says the same."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import yaml
from django.utils.translation import gettext as _

from llmos.lab.recipes import recipe_from
from llmos.lab.recipes.schema import Recipe
from llmos.training.errors import NoAdvancedSettings

# A split that no data set has: the laboratory then keeps a part of the rows apart.
HELD_OUT = "held-out"
LONGEST_ADVANCED = 10_000


@dataclass(frozen=True, slots=True)
class Choices:
    task: str = "translate"
    size: str = ""  # a preset of the recipe
    source: str = ""
    target: str = ""
    text: str = ""
    layout: str = "pair"  # of rows to finetune with: pair, messages, text
    prompt: str = ""
    completion: str = ""
    context: str = ""
    messages: str = ""
    train: str = "train"
    validation: str = HELD_OUT
    budget: str = "minutes"
    minutes: float | None = 10.0
    steps: int | None = None
    method: str = "lora"  # or "full": all weights
    base: str = ""  # ns/name@commit
    seed: int = 1
    advanced: str = ""

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> "Choices":
        """From cleaned values of a form; what it left empty stays as it is here."""
        names = {one.name for one in fields(cls)}
        return cls(**{k: v for k, v in told.items() if k in names and v not in {None, ""}})


def recipe_of(choices: Choices, *, advanced: bool = True) -> Recipe:
    """Raises BadRecipe, and NoAdvancedSettings where those cannot be read."""
    said: dict[str, Any] = {
        "seed": choices.seed,
        "data.train": choices.train,
        "data.validation": choices.validation,
        **_columns(choices),
    }
    if choices.budget == "steps":
        said["budget.steps"] = choices.steps or 0
    else:
        said["budget.minutes"] = choices.minutes or 0.0
    if choices.task == "finetune":
        said["base"] = choices.base
        if choices.method == "full":
            said["lora.rank"] = 0
    elif choices.size:
        said["preset"] = choices.size
    extra = read_advanced(choices.advanced) if advanced else {}
    return recipe_from({"task": choices.task}, {**said, **extra})


def read_advanced(text: str) -> dict[str, Any]:
    """Settings by key from lines of `key = value`, or from YAML. Raises NoAdvancedSettings."""
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        return {}
    if len(text) > LONGEST_ADVANCED:
        raise NoAdvancedSettings(_("At most %(n)d letters fit in here") % {"n": LONGEST_ADVANCED})
    found = _read_lines(lines) if all(map(_is_line, lines)) else _read_yaml(text)
    if "task" in found:
        raise NoAdvancedSettings(_("The task is chosen above, not here"))
    return found


def _columns(choices: Choices) -> dict[str, str]:
    if choices.task == "translate":
        return {"data.source": choices.source, "data.target": choices.target}
    if choices.task == "language-model" or choices.layout == "text":
        return {"data.text": choices.text}
    if choices.layout == "messages":
        return {"data.messages": choices.messages}
    pair = {"data.prompt": choices.prompt, "data.completion": choices.completion}
    return pair | ({"data.context": choices.context} if choices.context else {})


def _is_line(line: str) -> bool:
    key, equals, _value = line.partition("=")
    return bool(equals) and ":" not in key


def _read_lines(lines: list[str]) -> dict[str, Any]:
    pairs = [line.partition("=") for line in lines]
    return {key.strip(): value.strip() for key, _equals, value in pairs}


def _read_yaml(text: str) -> dict[str, Any]:
    try:
        # A few aliases can stand for billions of values.
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text)):
            raise NoAdvancedSettings(_("References (& and *) are not read here"))
        content = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = _("line %(n)d") % {"n": mark.line + 1} if mark else ""
        raise NoAdvancedSettings(
            _("This is neither YAML nor lines of key = value %(where)s") % {"where": where}
        ) from error
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise NoAdvancedSettings(_("Write one setting a line, such as: optimiser.rate = 0.001"))
    return content
