"""`llmos chat`: a conversation in the terminal. Ctrl-C stops an answer, not the program."""

import sys
from collections.abc import Generator, Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from llmos.cli.use import opened

if TYPE_CHECKING:
    from llmos.lab.engines import Engine, Sampling

_HELP = """/new     forget the conversation
/system  TEXT  how the model is to behave, from a new conversation on
/retry   answer the last message again
/exit    leave (so does Ctrl-D)"""

Turns = list[dict[str, str]]


@click.command()
@click.argument("model")
@click.option("--system", default="", help="How the model is to behave.")
@click.option("--max-new", default=512, type=click.IntRange(1), help="Tokens; default 512.")
@click.option("--temperature", default=0.7, type=click.FloatRange(0), help="0: the likeliest.")
@click.option("--top-p", default=0.95, type=click.FloatRange(0, 1, min_open=True))
@click.option("--top-k", default=0, type=click.IntRange(0), help="0: all tokens.")
@click.option("--seed", type=int, help="Equal seeds give equal answers.")
@click.option("--engine", type=click.Choice(["llama_cpp", "transformers"]))
@click.option("--threads", type=click.IntRange(1, 1024), help="Default: all cores.")
def chat(
    *,
    model: str,
    system: str,
    max_new: int,
    temperature: float,
    top_p: float,
    top_k: int,
    seed: int | None,
    engine: Any,
    threads: int | None,
) -> None:
    """Talk with MODEL: a folder, a GGUF file or a repository `name/model@revision`.

    /help tells what else can be typed. Lines on standard input are messages, too.
    """
    from llmos.lab.engines import Sampling

    sampling = Sampling(max_new, temperature, top_p, top_k, seed)
    with opened(model, engine, threads) as ready:
        Conversation(ready, sampling, system).hold(_messages())


class Conversation:
    """What was said so far, and what is said next."""

    def __init__(self, engine: "Engine", sampling: "Sampling", system: str) -> None:
        self._engine, self._sampling = engine, sampling
        self.turns: Turns = []
        self._begin(system)

    def hold(self, messages: Iterator[str]) -> None:
        for message in messages:
            command, _, rest = message.strip().partition(" ")
            if command == "/exit":
                return
            if command == "/help":
                click.echo(_HELP)
            elif command == "/new":
                self._begin(self._system)
            elif command == "/system":
                self._begin(rest.strip())
            elif command == "/retry":
                self._retry()
            elif command.startswith("/"):
                click.echo(f"There is no {command}; /help tells what there is", err=True)
            elif message.strip():
                self.turns.append({"role": "user", "content": message})
                self._answer()

    def _begin(self, system: str) -> None:
        self._system = system
        self.turns = [{"role": "system", "content": system}] if system else []

    def _retry(self) -> None:
        if self.turns and self.turns[-1]["role"] == "assistant":
            self.turns.pop()
        if self.turns and self.turns[-1]["role"] == "user":
            self._answer()

    def _answer(self) -> None:
        """Write the answer as it comes; what was written of a stopped one is kept."""
        from llmos.kit.errors import Refusal

        said = ""
        try:
            with closing(self._pieces()) as pieces:
                for piece in pieces:
                    said += piece
                    click.echo(piece, nl=False)
        except KeyboardInterrupt:
            click.echo(" [stopped]", err=True, nl=False)
        except Refusal as refusal:
            click.echo(refusal.message, err=True)
            self.turns.pop()
            return
        click.echo()
        self.turns.append({"role": "assistant", "content": said})

    def _pieces(self) -> Generator[str]:
        """The next turn. Where all no longer fits, the oldest turns are forgotten, and it is said.

        Raises PromptTooLong when the last message alone does not fit.
        """
        from llmos.lab.engines.errors import PromptTooLong

        while True:
            answer = iter(self._engine.chat(self.turns, sampling=self._sampling))
            try:
                first = next(answer, "")
            except PromptTooLong:
                if not self._forget():
                    raise
                continue
            yield first
            yield from answer
            return

    def _forget(self) -> bool:
        """Drop the oldest exchange; false when only the last message is left."""
        start = 1 if self._system else 0
        if len(self.turns) - start < 3:
            return False
        del self.turns[start : start + 2]
        click.echo("(The beginning was forgotten: the conversation is too long)", err=True)
        return True


def _messages() -> Iterator[str]:
    """Lines as they are typed, or as a program sends them."""
    at_terminal = sys.stdin.isatty()
    if at_terminal:
        import readline  # noqa: F401 - arrow keys and earlier lines in input()

        click.echo("/help tells what can be typed; /exit leaves.", err=True)
    while True:
        try:
            line = input("> ") if at_terminal else sys.stdin.readline()
        except EOFError:
            click.echo(err=True)
            return
        except KeyboardInterrupt:
            click.echo("\n/exit or Ctrl-D leaves", err=True)
            continue
        if not at_terminal and not line:
            return
        yield line.rstrip("\r\n")
