"""A hub that a test starts, watches and ends by itself."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.terminal import Terminal
from tests.homes import Homes


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    """Whatever a test appends here is ended with it."""
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        if terminal.process.poll() is None:
            terminal.end()


@pytest.fixture
def first_up(tmp_path: Path, terminals: list[Terminal]) -> Terminal:
    """A hub's first start, without first content, on a free port."""
    return _running(tmp_path / "home", terminals)


@pytest.fixture
def up(tmp_path: Path, terminals: list[Terminal], homes: Homes) -> Terminal:
    """A running hub that was prepared before, with its members."""
    homes.copy_to(tmp_path / "home")
    return _running(tmp_path / "home", terminals)


def _running(home: Path, terminals: list[Terminal]) -> Terminal:
    terminal = Terminal(home, "--no-demo", "--port", "0")
    terminals.append(terminal)
    terminal.url()
    return terminal
