"""A training job: from a data set at a commit (and a base model) to a model at a commit."""

import os
from dataclasses import replace
from pathlib import Path

from llmos.lab.activities.card import Origin, model_card
from llmos.lab.costs import Cost, measured
from llmos.lab.engines.folders import preferred_gguf
from llmos.lab.errors import BadModel
from llmos.lab.publishing import publish
from llmos.lab.recipes import recipe_from
from llmos.lab.recipes.reading import as_content, recipe_hash
from llmos.lab.reports import Reporter, SilentReporter
from llmos.lab.software import hardware, lock_hash, software_lock
from llmos.lab.sources import fetched
from llmos.lab.training.running import Trained, train
from llmos.lab.training.team import is_leader
from llmos.lab.work import Repository, Spec


def run(spec: Spec, folder: Path, reporter: Reporter) -> None:
    """Among the workers of a cluster each calls this, and the first speaks. Raises Refusal."""
    reporter = reporter if is_leader() else SilentReporter()
    recipe = recipe_from({**spec.recipe, "seed": spec.seed})
    data = fetched(str(spec.input("data")))
    started_from = recipe
    base = fetched(str(spec.input("model")), kind="model") if spec.has("model") else None
    if base is not None:
        recipe = replace(recipe, base=str(base_path(base)))
    out = folder / "model"
    # An attempt that was killed while it pushed has left its card, which training does not make.
    (out / "README.md").unlink(missing_ok=True)
    with measured() as meter:
        trained = train(recipe, data, out, work=folder, reporter=reporter)
        cost = meter.cost()
    trained = replace(trained, recipe=replace(trained.recipe, base=started_from.base))
    if not is_leader():
        return
    _report_making(trained, reporter)
    commit = ""
    if spec.output is not None and not spec.rebuild:
        reporter.report("status", text="Pushing the model")
        origin = origin_of(
            trained,
            cost,
            name=spec.output.repo,
            data=spec.input("data"),
            base=spec.input("model") if spec.has("model") else None,
            data_card=data / "README.md",
            base_card=base / "README.md" if base is not None else None,
            job=spec.job,
            hub=os.environ.get("LLMOS_JOB_HUB", ""),
        )
        (out / "README.md").write_text(model_card(origin), encoding="utf-8")
        commit = publish(out, spec.output.repo, f"Train with {recipe.task}, {trained.steps} steps")
    reporter.report(
        "output",
        kind="model",
        repo=spec.output.repo if spec.output else "",
        commit=commit,
        files=trained.files,
    )


def base_path(folder: Path) -> Path:
    """The folder of a base model, or its GGUF file where that is all it has. Raises BadModel."""
    if (folder / "config.json").exists() and list(folder.glob("*.safetensors")):
        return folder
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*.gguf")]
    if not names:
        raise BadModel("The base model has neither safetensors with a config.json nor a GGUF file")
    return folder / preferred_gguf(names)


def _report_making(trained: Trained, reporter: Reporter) -> None:
    lock = software_lock()
    content = as_content(trained.recipe)
    reporter.report(
        "made",
        recipe=content,
        recipe_hash=recipe_hash(content),
        software=lock,
        lock=lock_hash(lock),
        hardware=hardware(),
        seed=trained.recipe.seed,
        metrics=trained.metrics,
        steps=trained.steps,
        parameters=trained.parameters,
        rows=trained.rows,
        skipped=trained.skipped,
    )


def origin_of(
    trained: Trained,
    cost: Cost,
    *,
    name: str,
    data: Repository,
    base: Repository | None,
    data_card: Path,
    base_card: Path | None = None,
    job: str = "",
    hub: str = "",
) -> Origin:
    """What the card of a model says that has just been trained here."""
    lock = software_lock()
    return Origin(
        name=name,
        recipe=trained.recipe,
        steps=trained.steps,
        metrics=trained.metrics,
        parameters=trained.parameters,
        rows=trained.rows,
        data=data,
        base=base,
        lock=lock_hash(lock),
        software=lock,
        hardware=hardware(),
        cost=cost,
        job=job,
        hub=hub,
        data_card=data_card,
        base_card=base_card,
    )
