"""`llmos evaluate`: a score with its interval, on this machine, with or without a hub."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmos.cli.extras import wants
from llmos.cli.models import model_at

if TYPE_CHECKING:
    from llmos.lab.benchmarks import Benchmark
    from llmos.lab.costs import Cost
    from llmos.lab.evaluation import Evaluation

_TASKS = (
    "translation",
    "summarization",
    "question-answering",
    "text-generation",
    "language-modelling",
    "classification",
)
_TASK_OF_METRIC = {
    "perplexity": "language-modelling",
    "accuracy": "classification",
    "accuracy_norm": "classification",
}


@click.command()
@click.argument("model")
@click.option("--data", help="A file, a folder or a data set `name/data@revision`.")
@click.option("--benchmark", help="A folder or a data set with an eval.yaml, instead of options.")
@click.option("--split", help="Default: test.")
@click.option("--task", type=click.Choice(_TASKS), help="Default: what the model is for.")
@click.option("--metric", "metrics", multiple=True, help="The first ranks. Default: by the task.")
@click.option("--source", help="The column to read.")
@click.option("--target", help="The column with what is right.")
@click.option("--context", help="The column with the text that holds the answer.")
@click.option("--choices", help="The column with lists of choices.")
@click.option("--prompt", help="For causal models: text with {column} for values.")
@click.option("--answer", help="Regular expression for what counts of an output.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="As decoding.beam=1.")
@click.option("--limit", type=click.IntRange(1), help="The first so many rows only.")
@click.option("--engine", type=click.Choice(["ctranslate2", "llama_cpp", "torch", "transformers"]))
@click.option("--threads", type=click.IntRange(1, 1024), help="Default: all cores.")
@click.option("--samples", type=click.Path(path_type=Path), help="Write every output here.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def evaluate(
    *,
    model: str,
    data: str | None,
    benchmark: str | None,
    engine: Any,
    threads: int | None,
    samples: Path | None,
    as_json: bool,
    limit: int | None,
    **said: Any,
) -> None:
    """Measure MODEL: a folder, a GGUF file or a repository `name/model@revision`."""
    wants("train")
    from llmos.kit.files import written_whole
    from llmos.lab.costs import measured
    from llmos.lab.evaluation import evaluate as measure
    from llmos.lab.evaluation import open_for, read_questions
    from llmos.lab.reports import ProgressReporter

    path = model_at(model)
    if bool(data) == bool(benchmark):
        raise click.UsageError("Give --data or --benchmark, one of them.")
    if benchmark:
        chosen, where = _benchmark_at(benchmark, said)
    else:
        chosen, where = _from_options(path, said), str(data)
    chosen = _limited(chosen, limit)
    with measured() as meter:
        reporter = ProgressReporter()
        questions = read_questions(chosen, where)
        opened = open_for(chosen, path, kind=engine, threads=threads)
        try:
            found = measure(opened, chosen, questions, reporter)
        finally:
            reporter.close()
            opened.close()
        cost = meter.cost()
    if samples is not None:
        with written_whole(samples) as file:
            file.writelines(line + b"\n" for line in found.lines())
    if as_json:
        click.echo(json.dumps(_as_content(model, where, chosen, found, cost), ensure_ascii=False))
    else:
        _show(chosen, found, cost, partly=limit is not None and bool(benchmark))


def _benchmark_at(named: str, said: Mapping[str, Any]) -> tuple["Benchmark", str]:
    """A benchmark and where its rows are. Raises click.UsageError for options that change it."""
    from llmos.lab.benchmarks import read_benchmark
    from llmos.lab.sources import fetched

    for name, value in said.items():
        if value:
            option = {"metrics": "metric", "changes": "set"}.get(name, name)
            raise click.UsageError(f"--{option} would change the benchmark; use --data with it.")
    folder = Path(named) if Path(named).exists() else fetched(named)
    benchmark = read_benchmark(folder)
    rows = benchmark.data
    return benchmark, f"{rows.repo}@{rows.revision}" if rows.repo else str(folder)


def _from_options(path: Path, said: Mapping[str, Any]) -> "Benchmark":
    from llmos.lab.benchmarks import benchmark_from

    columns = {key: said[key] for key in ("source", "target", "context", "choices") if said[key]}
    content: dict[str, Any] = {
        "name": "from the command line",
        "version": "0",
        "task": said["task"] or _task_for(path, said["metrics"]),
        "columns": columns,
        "data": {"split": said["split"] or "test"},
    }
    content |= {key: said[key] for key in ("prompt", "answer") if said[key]}
    if said["metrics"]:
        content["metrics"] = list(said["metrics"])
    for change in said["changes"]:
        _lay(content, change)
    return benchmark_from(content)


def _task_for(path: Path, metrics: tuple[str, ...]) -> str:
    """What a metric measures, or else what the model is for."""
    from llmos.lab.engines.folders import look

    for metric in metrics:
        if metric in _TASK_OF_METRIC:
            return _TASK_OF_METRIC[metric]
    return look(path).task


def _lay(content: dict[str, Any], change: str) -> None:
    """Lay `decoding.beam=1` over what is there. Raises click.UsageError."""
    import yaml

    key, equals, value = change.partition("=")
    if not equals:
        raise click.UsageError(f"--set {change}: write KEY=VALUE, like decoding.beam=1.")
    *path, last = key.strip().split(".")
    for part in path:
        content = content.setdefault(part, {})
        if not isinstance(content, dict):
            raise click.UsageError(f"--set {change}: {part} holds no keys of its own.")
    try:
        content[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        content[last] = value


def _limited(benchmark: "Benchmark", limit: int | None) -> "Benchmark":
    from dataclasses import replace

    return replace(benchmark, data=replace(benchmark.data, limit=limit)) if limit else benchmark


def _as_content(
    model: str, where: str, benchmark: "Benchmark", found: "Evaluation", cost: "Cost"
) -> dict[str, Any]:
    from llmos.lab.benchmarks import as_content

    result = found.result(
        benchmark=None, model={"path": model}, data={"path": where, "split": benchmark.data.split}
    )
    return {**result, "settings": as_content(benchmark), "cost": cost.as_dict()}


def _show(benchmark: "Benchmark", found: "Evaluation", cost: "Cost", *, partly: bool) -> None:
    for score in found.scores:
        interval = f"[{score.low:.2f}, {score.high:.2f}]"
        click.echo(f"{score.name} {score.value:.2f} {interval}  {score.signature}")
    how = f"{found.engine}, {found.decoding['precision']}"
    click.echo(f"{len(found.samples)} questions of {benchmark.data.split!r}; {how}")
    for note, count in found.notes.items():
        click.echo(f"{count} {note}")
    if partly:
        click.echo("Measured on the first rows only: this is no result of the benchmark")
    click.echo(cost.sentence())
