"""A new training run: one page that shows the data, the choices, and what they will cost."""

from collections.abc import Mapping
from shlex import quote
from typing import Any

import yaml
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from llmos.accounts.access import Viewer
from llmos.hub.door import signed_in
from llmos.hub.errors import NameTaken
from llmos.hub.models import Repository
from llmos.hub.names import NameRefused
from llmos.jobs.errors import MayNotSpend
from llmos.jobs.models import Job
from llmos.kit.errors import Forbidden, Refusal
from llmos.lab.recipes.reading import as_content
from llmos.training.access import places_to_spend
from llmos.training.actions import start_run
from llmos.training.estimating import Outlook, outlook
from llmos.training.guesses import language_name
from llmos.training.pages.filling import filled, told_by_job
from llmos.training.pages.form import TASKS, RunForm
from llmos.training.queries import Data, base_models, data_at, data_sets


@require_http_methods(["GET", "HEAD", "POST"])
def train(request: HttpRequest) -> HttpResponse:
    viewer = signed_in(request)
    try:
        owners = [place.name for place in places_to_spend(viewer)]
    except MayNotSpend as refusal:
        return render(request, "training/closed.html", {"why": refusal.message})
    told = _told(request, viewer)
    chosen, problem = _chosen(viewer, told.get("data", ""))
    values = filled(told, chosen, viewer=viewer, owners=owners)
    form = RunForm(
        values if chosen else None, chosen=chosen, viewer=viewer, owners=owners, initial=values
    )
    # Whoever named other data has not seen their columns yet.
    starts = told.get("do") == "start" and told.get("seen") == (chosen and chosen.pinned.written)
    if starts and form.is_valid():
        job = _start(viewer, form)
        if job is not None:
            return HttpResponseRedirect(job.url)
    elif not starts:
        _forget_missing(form, values)
    context = {
        "form": form,
        "chosen": chosen,
        "problem": problem,
        "found": [] if chosen else data_sets(viewer, told.get("data", "")),
        "outlook": _outlook(form, chosen),
        "recipe_text": _recipe_text(form),
        "command": _command(form, chosen),
        "language_name": language_name,
        "tasks": TASKS,
        "values": values,
        "bases": _bases(viewer, form, values),
    }
    failed = starts or (problem and told.get("do") == "start")
    return render(request, "training/train.html", context, status=422 if failed else 200)


@require_safe
def find_data(request: HttpRequest) -> HttpResponse:
    """Data sets that fit what is being typed."""
    found = data_sets(signed_in(request), request.GET.get("data", ""))
    return render(request, "training/found.html", {"found": found, "pick": "data"})


@require_safe
def find_base(request: HttpRequest) -> HttpResponse:
    found = base_models(signed_in(request), request.GET.get("base", ""))
    return render(request, "training/found.html", {"found": found, "pick": "base"})


def _told(request: HttpRequest, viewer: Viewer) -> dict[str, str]:
    """What the member said so far, by form, by address, or by pointing at an earlier run."""
    said = {key: str(value) for key, value in (request.POST or request.GET).items()}
    if request.method != "POST" and "like" in said:
        said = told_by_job(viewer, said["like"]) | said
    for field in ("data", "base"):
        picked = said.pop(f"pick_{field}", "")
        if picked:
            said[field] = picked
    return said


def _chosen(viewer: Viewer, written: str) -> tuple[Data | None, str]:
    if not written.strip():
        return None, ""
    try:
        return data_at(viewer, written), ""
    except Refusal as refusal:
        return None, refusal.message


def _start(viewer: Viewer, form: RunForm) -> Job | None:
    """File the run; a refusal is noted beside the field that it is about."""
    told, recipe, chosen = form.cleaned_data, form.recipe, form.chosen
    assert recipe is not None
    assert chosen is not None
    wishes_private = told["visibility"] == "private"
    try:
        return start_run(
            viewer=viewer,
            namespace=told["owner"],
            name=told["name"],
            data=chosen.pinned,
            base=form.base_pinned if recipe.task == "finetune" else None,
            recipe=recipe,
            private=wishes_private or (told["visibility"] == "data" and form.takes_in_private),
        )
    except (NameRefused, NameTaken) as refusal:
        form.add_error("name", refusal.message)
    except Forbidden as refusal:
        form.add_error("owner", refusal.message)
    except Refusal as refusal:
        form.add_error(None, refusal.message)
    return None


def _forget_missing(form: RunForm, values: Mapping[str, Any]) -> None:
    """While somebody still chooses, only what is there and wrong is worth a word."""
    for name in list(form.errors):
        if name != "__all__" and values.get(name) in {None, ""}:
            del form.errors[name]


def _outlook(form: RunForm, chosen: Data | None) -> Outlook | None:
    if chosen is None or form.recipe is None:
        return None
    return outlook(form.recipe, chosen, form.base_pinned)


def _recipe_text(form: RunForm) -> str:
    if form.recipe is None:
        return ""
    return str(yaml.safe_dump(as_content(form.recipe), allow_unicode=True, sort_keys=False))


def _command(form: RunForm, chosen: Data | None) -> str:
    """The same run from a terminal."""
    recipe = form.recipe
    if recipe is None or chosen is None:
        return "llmos train translate --data name/data --out name/model"
    budget, data = recipe.budget, recipe.data
    words = ["llmos train", recipe.task, f"--data {chosen.pinned.written}"]
    if recipe.task == "translate":
        words.append(f"--source {quote(data.source)} --target {quote(data.target)}")
    if form.base_pinned is not None and recipe.task == "finetune":
        words.append(f"--base {form.base_pinned.written}")
    words.append(f"--steps {budget.steps}" if budget.steps else f"--budget {budget.minutes:g}m")
    words += [f"--seed {recipe.seed}", f"--out {form.cleaned_data.get('name') or 'model'}"]
    return " ".join(words)


def _bases(viewer: Viewer, form: RunForm, values: Mapping[str, Any]) -> list[Repository] | None:
    """Models to choose a base from; None where none is wanted."""
    if values.get("task") != "finetune" or form.base_pinned is not None:
        return None
    return base_models(viewer, values.get("base", ""))
