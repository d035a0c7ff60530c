"""A hub that a test starts, watches and ends by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.terminal import Terminal


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Whatever a test appends here is ended with it."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        if terminal.process.poll() is None:
            terminal.end()


@pytest.fixture
def up(tmp_path: Path, terminals: list[Terminal]) -> Terminal:
    """A running hub without first content, on a free port."""
    terminal = Terminal(tmp_path / "home", "--no-demo", "--port", "0")
    terminals.append(terminal)
    terminal.url()
    return terminal
