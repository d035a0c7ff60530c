"""The card of a model that a job made: what it is, how it was made, how to make it again."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from llmos.lab.costs import Cost
from llmos.lab.recipes.reading import as_content, recipe_hash
from llmos.lab.recipes.schema import Recipe
from llmos.lab.work import Repository

PIPELINES = {
    "translate": "translation",
    "language-model": "text-generation",
    "finetune": "text-generation",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a model came from."""

    name: str
    recipe: Recipe
    steps: int
    metrics: Mapping[str, float]
    parameters: int
    rows: int
    data: Repository  # of kind "local" where it is none
    base: Repository | None
    lock: str
    software: Mapping[str, str]
    hardware: Mapping[str, Any]
    cost: Cost  # of the training alone
    job: str  # empty outside a hub
    hub: str  # where the page of this activity is found; empty outside a hub
    data_card: Path
    base_card: Path | None = None


def model_card(origin: Origin) -> str:
    front = yaml.safe_dump(_front(origin), allow_unicode=True, sort_keys=False)
    title = origin.name.rpartition("/")[2]
    return f"---\n{front}---\n# {title}\n\n{_introduction(origin)}\n\n{_making(origin)}"


def _front(origin: Origin) -> dict[str, Any]:
    data = _front_of(origin.data_card)
    front: dict[str, Any] = {
        "library_name": "transformers",
        "pipeline_tag": PIPELINES[origin.recipe.task],
        "datasets": [origin.data.repo],
        "tags": ["llmos", origin.recipe.task],
    }
    if origin.data.kind == "local":
        del front["datasets"]
    if origin.base is not None and origin.base.kind != "local":
        front["base_model"] = origin.base.repo
    # A model taught further stays under the terms of the one that it began with.
    base = _front_of(origin.base_card) if origin.base_card else {}
    terms = base if base.get("license") else data
    taken = {key: terms.get(key) for key in ("license", "license_name", "license_link")}
    taken["language"] = data.get("language") or base.get("language")
    return front | {key: value for key, value in taken.items() if value}


def _introduction(origin: Origin) -> str:
    recipe = origin.recipe
    numbers = ", ".join(f"{name} {value:.4g}" for name, value in sorted(origin.metrics.items()))
    if recipe.task == "translate":
        deed = (
            f"An encoder-decoder Transformer that translates `{recipe.data.source}` into "
            f"`{recipe.data.target}`, trained from nothing"
        )
    elif recipe.task == "language-model":
        deed = "A decoder-only Transformer that goes on with a text, trained from nothing"
    else:
        way = f"LoRA of rank {recipe.lora.rank}" if recipe.lora.rank else "all weights"
        deed = f"`{origin.base.repo if origin.base else ''}`, taught further ({way})"
    return (
        f"{deed} on {origin.rows:,} rows of `{origin.data.repo}`. "
        f"{origin.parameters:,} weights. On rows it has not learned from: {numbers}."
    )


def _making(origin: Origin) -> str:
    content = as_content(origin.recipe)
    lines = [
        "## How this was made",
        "",
        _recorder(origin),
        "",
        "| part | what it was |",
        "|---|---|",
        f"| data | `{origin.data}` |",
        *([f"| base model | `{origin.base}` |"] if origin.base else []),
        f"| recipe | `{origin.recipe.task}`, SHA-256 `{recipe_hash(content)}` |",
        f"| steps | {origin.steps} |",
        f"| seed | {origin.recipe.seed} |",
        f"| workers | {origin.recipe.workers} |",
        f"| software | lock `{origin.lock}` |",
        f"| hardware | {_machine(origin.hardware)} |",
        f"| cost | {_cost(origin.cost)} |",
        *([f"| activity | {_activity(origin)} |"] if origin.job else []),
        "",
        "The same job on the same software and processor gives the same bytes.",
        "",
        "<details><summary>Recipe</summary>",
        "",
        "```yaml",
        yaml.safe_dump(content, allow_unicode=True, sort_keys=False).rstrip(),
        "```",
        "",
        "</details>",
        "<details><summary>Software</summary>",
        "",
        "```text",
        *[f"{name}=={version}" for name, version in sorted(origin.software.items())],
        "```",
        "",
        "</details>",
    ]
    return "\n".join(lines) + "\n"


def _recorder(origin: Origin) -> str:
    if origin.job:
        return "Recorded by the platform that ran the job, not by the author."
    return "Written by `llmos train` on the author's own machine; no platform has seen it run."


def _cost(cost: Cost) -> str:
    gpu = f", {cost.gpu_seconds:.0f} GPU-seconds" if cost.gpu_seconds else ""
    return (
        f"{cost.cpu_seconds:.0f} CPU-seconds{gpu}, {cost.wall_seconds:.0f} s, "
        f"{cost.peak_memory_bytes / 2**20:.0f} MiB at most, "
        f"{cost.energy_wh:.2f} Wh ({cost.energy_method})"
    )


def _activity(origin: Origin) -> str:
    page = f"{origin.hub}/activities/{origin.job}"
    return f"[{origin.job}]({page})" if origin.hub else f"`{origin.job}`"


def _machine(hardware: Mapping[str, Any]) -> str:
    gpu = f", {hardware['gpu']}" if hardware.get("gpu") else ""
    memory = hardware["memory_bytes"] / 2**30
    return f"{hardware['cpu']}, {hardware['cores']} cores, {memory:.0f} GiB{gpu}"


def _front_of(card: Path) -> dict[str, Any]:
    if not card.is_file():
        return {}
    found = re.match(r"---\s*\n(.*?)\n---", card.read_text(encoding="utf-8"), re.DOTALL)
    try:
        front = yaml.safe_load(found[1]) if found else None
    except yaml.YAMLError:
        return {}
    return front if isinstance(front, dict) else {}
