"""From YAML and `key=value` to a valid recipe, or words about what is wrong with it."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from llmos.kit.speaking import spoken as _
from llmos.lab.errors import BadRecipe
from llmos.lab.recipes.schema import Recipe
from llmos.lab.schemas import built

OWN = ("translate", "language-model", "finetune")


def load_recipe(name: str, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """One of our own by name, or a YAML file; `overrides` like `optimiser.rate` win.

    Raises BadRecipe.
    """
    return recipe_from({"task": name} if name in OWN else _read(_text_of(name)), overrides)


def recipe_from(content: Mapping[str, Any], overrides: Mapping[str, Any] | None = None) -> Recipe:
    """A recipe from its parsed YAML, which need not be complete.

    What our own recipe of the task says comes first, over it a preset, over that `content`,
    over all `overrides`. Raises BadRecipe.
    """
    overrides = dict(overrides or {})
    task = content.get("task")
    if task not in OWN:
        raise BadRecipe(f"A recipe begins with its task, one of {', '.join(OWN)}; not {task!r}")
    own = _read(own_text(task))
    presets = {**own.pop("presets", {}), **content.get("presets", {})}
    preset = overrides.pop("preset", content.get("preset", own.get("preset", "")))
    if preset and preset not in presets:
        there = ", ".join(presets) or "none"
        raise BadRecipe(f"There is no preset {preset!r}; there are {there}")
    said = {key: value for key, value in content.items() if key != "presets"}
    full = _laid_over(_laid_over(own, presets.get(preset, {})), said) | {"preset": preset}
    for key, value in overrides.items():
        full = _laid_over(full, _nested(key, value))
    recipe = built(Recipe, full, noun="a recipe", refuse=BadRecipe)
    _check(recipe)
    return recipe


def as_content(recipe: Recipe) -> dict[str, Any]:
    """Plain JSON values; `recipe_from` reads them back."""
    found: dict[str, Any] = json.loads(json.dumps(asdict(recipe)))
    return found


def recipe_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 of the recipe in canonical JSON."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def own_text(name: str) -> str:
    return (files("llmos.lab.recipes") / f"{name}.yaml").read_text(encoding="utf-8")


def presets_of(name: str) -> dict[str, Any]:
    """The sizes that one of our own recipes offers."""
    found: dict[str, Any] = _read(own_text(name)).get("presets", {})
    return found


def _text_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadRecipe(
            f"There is no recipe {path!r}: give a YAML file or one of {', '.join(OWN)}"
        ) from None


def _read(text: str) -> dict[str, Any]:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadRecipe(f"The recipe is no YAML: {error}") from error
    if not isinstance(content, dict):
        raise BadRecipe("A recipe is a YAML mapping that begins with `task:`")
    return content


def _nested(key: str, value: Any) -> dict[str, Any]:
    head, _, rest = key.partition(".")
    return {head: _nested(rest, value) if rest else value}


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(below)
    for key, value in above.items():
        old = both.get(key)
        nested = isinstance(value, Mapping) and isinstance(old, Mapping)
        both[key] = _laid_over(old, value) if nested else value  # type: ignore[arg-type]
    return both


def _check(recipe: Recipe) -> None:
    """Values that have the right type and still cannot be."""
    model, batch = recipe.model, recipe.batch
    positive = {
        "model.d_model": model.d_model,
        "model.heads": model.heads,
        "model.feed_forward": model.feed_forward,
        "model.max_positions": model.max_positions,
        "batch.tokens": batch.tokens,
        "batch.accumulate": batch.accumulate,
        "optimiser.rate": recipe.optimiser.rate,
        "optimiser.matrix_rate": recipe.optimiser.matrix_rate,
        "optimiser.clip": recipe.optimiser.clip,
        "data.longest": recipe.data.longest,
        "model.kv_heads": model.kv_heads,
    }
    for name, number in positive.items():
        if not 0 < number < math.inf:
            raise BadRecipe(
                _("%(name)s = %(value)s: it must be a number above zero")
                % {"name": name, "value": number}
            )
    if model.d_model % (2 * model.heads):
        raise BadRecipe(
            _("model.d_model = %(width)d: give each of %(heads)d heads an even width")
            % {"width": model.d_model, "heads": model.heads}
        )
    if model.heads % model.kv_heads and recipe.task == "language-model":
        raise BadRecipe(
            _("model.kv_heads = %(few)d must divide model.heads = %(heads)d")
            % {"few": model.kv_heads, "heads": model.heads}
        )
    if recipe.workers < 0 or recipe.workers > 256:
        raise BadRecipe(_("workers lies between 0 (one for each core) and 256"))
    shares = {
        "model.dropout": model.dropout,
        "lora.dropout": recipe.lora.dropout,
        "optimiser.smoothing": recipe.optimiser.smoothing,
        "data.held_out": recipe.data.held_out,
        "look.average": recipe.look.average,
    }
    for name, number in shares.items():
        if not 0 <= number < 1:
            raise BadRecipe(
                _("%(name)s = %(value)s: it lies between 0 and 1") % {"name": name, "value": number}
            )
    if not 0 <= recipe.seed < 2**31:
        raise BadRecipe(_("seed is a whole number from 0 to 2147483647"))
    if recipe.budget.minutes < 0 or recipe.budget.steps < 0:
        raise BadRecipe(_("budget.minutes and budget.steps are not below zero"))
    if recipe.data.longest > model.max_positions and recipe.task != "finetune":
        raise BadRecipe(_("data.longest must not be above model.max_positions"))
    if recipe.task == "finetune" and not recipe.base:
        raise BadRecipe("finetune wants `base`: the model to start from")
