"""The form as it opens: what was said, and a good guess wherever nothing was."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from llmos.accounts.access import Viewer
from llmos.jobs.access import job_named
from llmos.jobs.comparing import flattened
from llmos.lab.errors import BadRecipe
from llmos.lab.recipes import recipe_from
from llmos.lab.recipes.reading import as_content, own_text, presets_of
from llmos.training.choices import HELD_OUT, Choices, recipe_of
from llmos.training.guesses import (
    conversations_in,
    output_name,
    pair_of,
    recipe_for,
    text_of,
)
from llmos.training.pages.form import COLUMNS, SIZED
from llmos.training.queries import Data, free_name

# What follows from the data set: said about another one, it means nothing.
OF_THE_DATA = ("task", "layout", "train", "validation", *COLUMNS)
_SPLITS = frozenset({"train", "validation"})
# Said elsewhere, or settled anew for each run.
_OF_THE_RUN = frozenset({"workers", "base", "preset", "budget.plan"})


def filled(
    told: Mapping[str, str], chosen: Data | None, *, viewer: Viewer, owners: Sequence[str]
) -> dict[str, Any]:
    """Values for every field of the form. Of a run that is to start, nothing said is touched."""
    starts = told.get("do") == "start"
    known = {key: value for key, value in told.items() if key != "do"}
    if chosen is not None:
        known = _fitting(known, chosen)
        known["data"] = chosen.pinned.written
    guesses = _plain_guesses(viewer, owners) | (_guesses_from(chosen) if chosen else {})
    said = {key: value for key, value in known.items() if value or starts or key not in guesses}
    values = guesses | said
    if values["owner"] not in owners and not starts:
        values["owner"] = owners[0]
    if chosen is not None:
        suggested = free_name(values["owner"], _suggested(values, chosen))
        if told.get("name", "") in {"", told.get("suggested")} and not starts:
            values["name"] = suggested
        values["suggested"] = suggested
    return values


def told_by_job(viewer: Viewer, job_id: str) -> dict[str, str]:
    """The form as an earlier run would have filled it in. Raises JobNotFound."""
    job = job_named(viewer, job_id)
    if job.activity != "train":
        return {}
    try:
        # What was filed by machine need not say everything.
        recipe = as_content(recipe_from({**job.spec["recipe"], "seed": job.spec["seed"]}))
    except BadRecipe:  # of an older release
        return {}
    told = {
        f"{'data' if one['role'] == 'data' else 'base'}": f"{one['repo']}@{one['commit']}"
        for one in job.spec["inputs"]
    }
    task, data, budget = recipe["task"], recipe["data"], recipe["budget"]
    told |= {key: str(data[key]) for key in (*COLUMNS, *_SPLITS) if data.get(key)}
    told |= {"task": task, "seed": str(job.spec["seed"])}
    if recipe["preset"] in presets_of(task):
        told[f"size_{task}"] = recipe["preset"]
    told["layout"] = next((one for one in ("messages", "text") if data.get(one)), "pair")
    told["method"] = "lora" if recipe["lora"]["rank"] else "full"
    told["budget"] = "steps" if budget["steps"] else "minutes"
    told[told["budget"]] = f"{budget[told['budget']]:g}"
    told["advanced"] = _beyond_the_form(told, recipe)
    return told


def _beyond_the_form(told: Mapping[str, str], recipe: Mapping[str, Any]) -> str:
    """What the recipe says that the other fields do not: for the field of other settings."""
    numbers = {"seed": int(told["seed"]), "minutes": float(told.get("minutes") or 0)}
    numbers["steps"] = int(told.get("steps") or 0)
    size = told.get(f"size_{told['task']}", "")
    plain = as_content(recipe_of(Choices.of({**told, **numbers, "size": size})))
    ours, theirs = flattened(plain), flattened(recipe)
    extra = {
        key: value
        for key, value in theirs.items()
        if value != ours.get(key) and key not in _OF_THE_RUN
    }
    return "".join(f"{key} = {value}\n" for key, value in extra.items())


def _fitting(known: Mapping[str, str], chosen: Data) -> dict[str, str]:
    """Less what was said about other data, or names columns and splits that are not here."""
    is_new = "seen" in known and known["seen"] != chosen.pinned.written
    return {
        key: value
        for key, value in known.items()
        if not (
            (is_new and key in OF_THE_DATA)
            or (key in COLUMNS and value and value not in chosen.names)
            or (key in _SPLITS and value and value not in {*chosen.splits, HELD_OUT})
        )
    }


def _plain_guesses(viewer: Viewer, owners: Sequence[str]) -> dict[str, Any]:
    return {
        "task": "translate",
        "method": "lora",
        "budget": "minutes",
        "minutes": "10",
        "steps": "1000",
        "owner": viewer.name if viewer.name in owners else owners[0],
        "visibility": "data",
        "seed": "1",
        "layout": "pair",
        **{f"size_{task}": _own_preset(task) for task in SIZED},
    }


def _guesses_from(chosen: Data) -> dict[str, Any]:
    columns = chosen.columns
    source, target = pair_of(columns) or ("", "")
    said = conversations_in(columns)
    return {
        "task": recipe_for(columns),
        "source": source,
        "target": target,
        "text": text_of(columns),
        "layout": "messages" if said.messages else "text" if said.text else "pair",
        "prompt": said.prompt,
        "completion": said.completion,
        "context": said.context,
        "messages": said.messages,
        "train": "train" if "train" in chosen.splits else next(iter(chosen.splits), ""),
        "validation": "validation" if "validation" in chosen.splits else HELD_OUT,
    }


def _suggested(values: Mapping[str, Any], chosen: Data) -> str:
    name = chosen.pinned.repository.name
    task = values["task"]
    if task == "translate":
        spoken = {column.name: column.language or column.name for column in chosen.columns}
        pair = [spoken.get(values[side], "") for side in ("source", "target")]
        return output_name(name, *pair, values["size_translate"])
    if task == "finetune":
        base = str(values.get("base", "")).partition("@")[0].rpartition("/")[2]
        return output_name(base, name)
    return output_name(name, "lm", values["size_language-model"])


def _own_preset(task: str) -> str:
    return str(yaml.safe_load(own_text(task)).get("preset", ""))
