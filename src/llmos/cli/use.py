"""`llmos translate` and `llmos generate`: a model in use, line for line, with or without a hub."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmos.cli.extras import wants
from llmos.cli.lines import batches_of_lines
from llmos.cli.models import model_at

if TYPE_CHECKING:
    from llmos.lab.engines import Engine

_ENGINES = click.Choice(["ctranslate2", "llama_cpp", "torch", "transformers"])
Answers = Callable[[list[str]], list[dict[str, Any]]]

common = [
    click.argument("model"),
    click.argument("text", nargs=-1),
    click.option("--file", type=click.Path(path_type=Path), help="Read lines from this file."),
    click.option("--max-new", default=256, type=click.IntRange(1), help="Tokens; default 256."),
    click.option("--engine", type=_ENGINES, help="Default: the one that runs the model best."),
    click.option("--threads", type=click.IntRange(1, 1024), help="Default: all cores."),
    click.option("--json", "as_json", is_flag=True, help="One JSON object for each line."),
]


def _with_common(command: Callable[..., Any]) -> Callable[..., Any]:
    for decorate in reversed(common):
        command = decorate(command)
    return command


@click.command()
@_with_common
@click.option("--beam", default=5, type=click.IntRange(1, 32), help="Default 5; 1 is greedy.")
@click.option("--length-penalty", default=1.0, help="Above 1 favours long ones; default 1.")
@click.option("--alternatives", default=1, type=click.IntRange(1, 32), help="With --json: so many.")
def translate(
    *,
    model: str,
    text: tuple[str, ...],
    file: Path | None,
    max_new: int,
    engine: Any,
    threads: int | None,
    as_json: bool,
    beam: int,
    length_penalty: float,
    alternatives: int,
) -> None:
    """Translate TEXT, a file, or lines on standard input: one line out for each line in.

    MODEL is a folder or a repository `name/model@revision`.
    """
    with opened(model, engine, threads) as ready:

        def answers(lines: list[str]) -> list[dict[str, Any]]:
            found = ready.translate(
                lines,
                beam=beam,
                alternatives=alternatives,
                max_new=max_new,
                length_penalty=length_penalty,
            )
            return [
                {
                    "text": one.text,
                    "alternatives": [
                        {"text": each.text, "score": each.score} for each in one.alternatives
                    ],
                }
                for one in found
            ]

        _answer(batches_of_lines(text, file), answers, as_json=as_json)


@click.command()
@_with_common
@click.option("--temperature", default=0.0, type=click.FloatRange(0), help="0: the likeliest.")
@click.option("--top-p", default=1.0, type=click.FloatRange(0, 1, min_open=True))
@click.option("--top-k", default=0, type=click.IntRange(0), help="0: all tokens.")
@click.option("--seed", type=int, help="Equal seeds give equal texts.")
@click.option("--stop", multiple=True, help="End before this text. May be repeated.")
def generate(
    *,
    model: str,
    text: tuple[str, ...],
    file: Path | None,
    max_new: int,
    engine: Any,
    threads: int | None,
    as_json: bool,
    temperature: float,
    top_p: float,
    top_k: int,
    seed: int | None,
    stop: tuple[str, ...],
) -> None:
    """Go on with TEXT, with the lines of a file, or of standard input.

    One TEXT is answered as it is written, line breaks and all; of several, each answer is one
    line. MODEL is a folder, a GGUF file or a repository `name/model@revision`.
    """
    from llmos.lab.engines import Sampling

    sampling = Sampling(max_new, temperature, top_p, top_k, seed, stop)
    with opened(model, engine, threads) as ready:
        if len(text) == 1 and not file and not as_json:
            for piece in ready.stream(text[0], sampling=sampling):
                click.echo(piece, nl=False)
            click.echo()
            return

        def answers(lines: list[str]) -> list[dict[str, Any]]:
            return [
                {
                    "text": one.text,
                    "finish": one.finish,
                    "prompt_tokens": one.prompt_tokens,
                    "new_tokens": one.new_tokens,
                }
                for one in ready.generate(lines, sampling=sampling)
            ]

        _answer(batches_of_lines(text, file), answers, as_json=as_json)


@contextmanager
def opened(model: str, engine: Any, threads: int | None) -> Iterator["Engine"]:
    """The model, ready; when it is closed, what it cost is told on standard error."""
    wants("serve")
    from llmos.lab.costs import measured
    from llmos.lab.engines import open_engine

    path = model_at(model)
    with measured() as meter:
        ready = open_engine(path, kind=engine, threads=threads)
        try:
            yield ready
        finally:
            ready.close()
            click.echo(meter.cost().sentence(), err=True)


def _answer(groups: Iterator[list[str]], answers: Answers, *, as_json: bool) -> None:
    """A line out for each line in; what cannot be answered is an empty line and a word of why."""
    refused = 0
    for group in groups:
        full = [line for line in group if line.strip()]
        found = iter(_answered(full, answers))
        for line in group:
            answer = next(found) if line.strip() else {"text": ""}
            if "error" in answer:
                refused += 1
                click.echo(f"{line[:60]}…: {answer['error']}", err=True)
            shown = json.dumps({"input": line, **answer}, ensure_ascii=False)
            click.echo(shown if as_json else " ".join(answer["text"].splitlines()))
        sys.stdout.flush()
    if refused:
        raise click.ClickException(f"Lines without an answer: {refused}")


def _answered(lines: Sequence[str], answers: Answers) -> list[dict[str, Any]]:
    """All at once, or one by one where one is too long for the model."""
    from llmos.lab.engines.errors import PromptTooLong

    if not lines:
        return []
    try:
        return answers(list(lines))
    except PromptTooLong as refusal:
        if len(lines) == 1:
            return [{"text": "", "error": refusal.message}]
    return [answer for line in lines for answer in _answered([line], answers)]
