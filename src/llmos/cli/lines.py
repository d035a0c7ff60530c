"""Texts that a command is given: as arguments, in a file, or line by line on standard input."""

import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

_TOGETHER = 64  # lines


def batches_of_lines(texts: Sequence[str], file: Path | None) -> Iterator[list[str]]:
    """Lines in groups: as many as are there already, so that nobody waits for lines to come.

    A program that writes one line and waits for its answer gets it; a file is read in large
    groups, which engines like. Raises click.ClickException.
    """
    if texts and file:
        raise click.UsageError("Give text or --file, not both.")
    if texts:
        yield [line for text in texts for line in text.split("\n")]
        return
    yield from _arriving(_lines_of(file))


def _lines_of(file: Path | None) -> Iterator[str]:
    try:
        if file is None:
            yield from (_whole(line) for line in sys.stdin.buffer)
            return
        with file.open("rb") as lines:
            yield from (_whole(line) for line in lines)
    except OSError as error:
        raise click.ClickException(f"{file} cannot be read: {error.strerror}") from error


def _whole(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r\n")


def _arriving(lines: Iterator[str]) -> Iterator[list[str]]:
    arrived: queue.Queue[str | BaseException | None] = queue.Queue(maxsize=4 * _TOGETHER)

    def read() -> None:
        try:
            for line in lines:
                arrived.put(line)
        except Exception as error:  # noqa: BLE001 - raised again where lines are read
            arrived.put(error)
        arrived.put(None)

    threading.Thread(target=read, name="lines", daemon=True).start()
    over = False
    while not over:
        group: list[str] = []
        one = arrived.get()
        while isinstance(one, str):
            group.append(one)
            if len(group) == _TOGETHER or arrived.empty():
                break
            one = arrived.get()
        if group:
            yield group
        if isinstance(one, BaseException):
            raise one
        over = one is None
