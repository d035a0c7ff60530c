"""`llmos train`: learn a model from data, on this machine, with or without a hub."""

import re
import shutil
from pathlib import Path
from typing import Any

import click

from llmos.cli.extras import wants


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
    from llmos.lab.sources import fetched

    said: dict[str, Any] = {
        "data.source": source,
        "data.target": target,
        "base": base,
        "budget.steps": steps,
        "budget.minutes": minutes_of(budget) if budget else None,
        "seed": seed,
        "workers": workers,
    }
    if steps and budget:
        raise click.UsageError("Give --steps or --budget, not both.")
    overrides = {key: value for key, value in said.items() if value is not None}
    chosen = load_recipe(recipe, overrides | _changes(changes))
    if chosen.base and not Path(chosen.base).exists():
        from llmos.lab.activities.train import base_path

        found = base_path(fetched(chosen.base, kind="model"))
        chosen = load_recipe(recipe, overrides | _changes(changes) | {"base": str(found)})
    is_repository = re.fullmatch(r"[\w.-]+/[\w.-]+", out) and not Path(out).exists()
    work = _workplace(out, bool(is_repository))
    folder = work / "model" if is_repository else Path(out)
    _train(chosen, data, folder, work, repository=out if is_repository else "")
    shutil.rmtree(work, ignore_errors=True)


def _train(recipe: Any, data: str, folder: Path, work: Path, *, repository: str) -> None:
    from llmos.lab.costs import measured
    from llmos.lab.publishing import publish
    from llmos.lab.reports import ConsoleReporter
    from llmos.lab.training.running import train as learn

    reporter = ConsoleReporter()
    try:
        with measured() as meter:
            trained = learn(recipe, data, folder, work=work, reporter=reporter)
        cost = meter.cost()
    finally:
        reporter.close()
    for reason, count in trained.skipped.items():
        click.echo(f"{count} rows left out: {reason}")
    numbers = ", ".join(f"{name} {value:.4g}" for name, value in trained.metrics.items())
    click.echo(f"{trained.steps} steps; on unseen rows: {numbers}")
    click.echo(cost.sentence())
    weights = trained.files.get("model.safetensors")
    if weights:
        click.echo(f"model.safetensors {weights}")
    if repository:
        commit = publish(folder, repository, f"Train with {recipe.task}, {trained.steps} steps")
        click.echo(f"Pushed to {repository}@{commit[:8]}")
    else:
        click.echo(f"Saved in {folder}")


def _workplace(out: str, is_repository: bool) -> Path:
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
