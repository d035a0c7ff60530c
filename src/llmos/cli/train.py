"""`llmos train`: learn a model from data, on this machine, with or without a hub."""

import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmos.cli.extras import wants
from llmos.kit.loading import uncollected

if TYPE_CHECKING:
    from llmos.lab.costs import Cost
    from llmos.lab.recipes import Recipe
    from llmos.lab.training.running import Trained
    from llmos.lab.work import Repository

_REPOSITORY = re.compile(r"[\w-][\w.-]*/[\w.-]+")


@dataclass(frozen=True, slots=True)
class Place:
    """Something that goes in: where it lies here, and what it is called."""

    path: Path
    named: "Repository"


@click.command()
@click.argument("recipe")
@click.option("--data", required=True, help="A file, a folder or a data set `name/data@revision`.")
@click.option("--out", required=True, help="A folder, or a model repository `name/model`.")
@click.option("--source", help="The column to read (translate).")
@click.option("--target", help="The column to write (translate).")
@click.option("--base", help="The model to start from (finetune): folder, GGUF or `name/model`.")
@click.option("--budget", help="How long, as 90s, 20m or 2h. Default 10m.")
@click.option("--steps", type=click.IntRange(1), help="How many steps, instead of a budget.")
@click.option("--seed", type=int, help="Equal seeds and steps give equal bytes.")
@click.option("--workers", type=click.IntRange(1, 256), help="Processes; default: each core.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change the recipe.")
def train(
    *,
    recipe: str,
    data: str,
    out: str,
    source: str | None,
    target: str | None,
    base: str | None,
    budget: str | None,
    steps: int | None,
    seed: int | None,
    workers: int | None,
    changes: tuple[str, ...],
) -> None:
    """Train a model after RECIPE: translate, language-model, finetune, or a YAML file.

    Interrupted, the same command goes on where it stood.
    """
    wants("train")
    from llmos.lab.recipes import load_recipe

    if steps and budget:
        raise click.UsageError("Give --steps or --budget, not both.")
    said: dict[str, Any] = {
        "data.source": source,
        "data.target": target,
        "base": base,
        "budget.steps": steps,
        "budget.minutes": minutes_of(budget) if budget else None,
        "seed": seed,
        "workers": workers,
    }
    overrides = {key: value for key, value in said.items() if value is not None}
    _train(load_recipe(recipe, overrides | _changes(changes)), data, out)


def _train(recipe: "Recipe", data: str, out: str) -> None:
    """Learn, tell what it cost, and put the model where it is wanted."""
    from llmos.lab.costs import measured
    from llmos.lab.publishing import require_sign_in
    from llmos.lab.reports import ConsoleReporter

    with uncollected():
        from llmos.lab.training.running import train as learn

    repository = out if _is_repository(out) else ""
    if repository:
        require_sign_in(repository)  # better now than after hours of work
    work = _workplace(out, is_repository=bool(repository))
    folder = work / "model" if repository else Path(out)
    rows, base = _placed(data, "dataset"), _base_of(recipe)
    begun = replace(recipe, base=str(base.path)) if base else recipe
    reporter = ConsoleReporter()
    try:
        with measured() as meter:
            trained = learn(begun, rows.path, folder, work=work, reporter=reporter)
            cost = meter.cost()
    except KeyboardInterrupt:
        raise click.ClickException(
            "Stopped. The same command goes on from the last checkpoint; to begin anew, remove "
            f"{work}"
        ) from None
    finally:
        reporter.close()
    _tell(trained, cost)
    if repository:
        named = base.named if base else None
        trained = replace(trained, recipe=replace(trained.recipe, base=str(named or "")))
        click.echo(f"Pushed to {_pushed(trained, cost, repository, folder, rows, base)}")
    else:
        click.echo(f"Saved in {folder}")
    shutil.rmtree(work, ignore_errors=True)


def _tell(trained: "Trained", cost: "Cost") -> None:
    for reason, count in trained.skipped.items():
        click.echo(f"{count} rows left out: {reason}")
    numbers = ", ".join(f"{name} {value:.4g}" for name, value in trained.metrics.items())
    click.echo(f"{trained.steps} steps; on unseen rows: {numbers}")
    click.echo(cost.sentence())
    weights = trained.files.get("model.safetensors")
    if weights:
        click.echo(f"model.safetensors {weights}")


def _pushed(
    trained: "Trained",
    cost: "Cost",
    repository: str,
    folder: Path,
    rows: Place,
    base: Place | None,
) -> str:
    from llmos.lab.activities.card import model_card
    from llmos.lab.activities.train import origin_of
    from llmos.lab.publishing import publish

    origin = origin_of(
        trained,
        cost,
        name=repository,
        data=rows.named,
        base=base.named if base else None,
        data_card=rows.path / "README.md",
        base_card=_card_of(base.path) if base else None,
    )
    (folder / "README.md").write_text(model_card(origin), encoding="utf-8")
    message = f"Train with {trained.recipe.task}, {trained.steps} steps"
    return f"{repository}@{publish(folder, repository, message)[:8]}"


def _card_of(model: Path) -> Path:
    return (model.parent if model.is_file() else model) / "README.md"


def _base_of(recipe: "Recipe") -> Place | None:
    if not recipe.base:
        return None
    from llmos.lab.activities.train import base_path

    found = _placed(recipe.base, "model")
    return found if found.path.is_file() else replace(found, path=base_path(found.path))


def _placed(where: str, kind: str) -> Place:
    """A path as it is, or a snapshot of a repository. Raises BadData."""
    from llmos.lab.sources import fetched
    from llmos.lab.work import Repository

    path = Path(where)
    if path.exists():
        return Place(path, Repository("local", path.absolute().name))
    folder = fetched(where, kind=kind)
    # Snapshots lie in folders named by their commit.
    return Place(folder, Repository(kind, where.partition("@")[0], folder.name))


def _is_repository(out: str) -> bool:
    """`name/model` is a folder where there is a folder `name` to hold it."""
    return bool(_REPOSITORY.fullmatch(out)) and not Path(out).parent.is_dir()


def _workplace(out: str, *, is_repository: bool) -> Path:
    """Where checkpoints lie, so that the same command finds them: beside the folder, or here."""
    if is_repository:
        return Path(f".{out.replace('/', '--')}.training")
    return Path(out).parent / f".{Path(out).name}.training"


def minutes_of(text: str) -> float:
    """`90s`, `20m`, `1.5h` or plain minutes. Raises click.UsageError."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if found is None:
        raise click.UsageError(f"--budget {text}: write a time like 90s, 20m or 2h.")
    return float(found[1]) * {"s": 1 / 60, "m": 1, "": 1, "h": 60}[found[2]]


def _changes(changes: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise click.UsageError(f"--set {change}: write KEY=VALUE, like optimiser.rate=0.001.")
        found[key.strip()] = value.strip()
    return found
