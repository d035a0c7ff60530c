"""Where a run stood: all that is needed to go on as if nothing had happened.

Written whole or not at all; the last two are kept, since the last may be damaged by whatever
ended the run. The order of the data and all chance follow from seed and step, so they need no
place here.
"""

import hashlib
import io
import re
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError  # what torch raises; nothing is unpickled here
from typing import Any

import torch

from llmos.kit.files import written_whole

KEPT = 2
_NAME = re.compile(r"step-(\d{9})-([0-9a-f]{16})\.pt")


def write_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """The name tells the step and the first half of the content's hash."""
    content = io.BytesIO()
    torch.save(state, content)
    data = content.getbuffer()
    digest = hashlib.sha256(data).hexdigest()[:16]
    path = folder / f"step-{step:09d}-{digest}.pt"
    with written_whole(path) as file:
        file.write(data)
    for _, old in _found(folder)[:-KEPT]:
        old.unlink()
    return path


def read_newest(folder: Path, complain: Callable[[str], None]) -> dict[str, Any] | None:
    """The newest undamaged checkpoint, or None. Loads numbers only, never code."""
    for step, path in reversed(_found(folder)):
        content = path.read_bytes()
        named = _NAME.fullmatch(path.name)
        if named is None or hashlib.sha256(content).hexdigest()[:16] != named[2]:
            complain(f"The checkpoint of step {step} is damaged; going on from the one before it")
            continue
        state: dict[str, Any] = torch.load(
            io.BytesIO(content), weights_only=True, map_location="cpu"
        )
        return state
    return None


def workers_before(folder: Path) -> int:
    """How many workers the run had that left its checkpoints here; 0 where there are none."""
    for _, path in reversed(_found(folder)):
        try:
            state = torch.load(path, weights_only=True, map_location="cpu", mmap=True)
        except (RuntimeError, ValueError, EOFError, UnpicklingError):
            continue  # damaged, as `read_newest` will tell
        return int(state.get("workers", 0))
    return 0


def _found(folder: Path) -> list[tuple[int, Path]]:
    if not folder.is_dir():
        return []
    named = [(found, path) for path in folder.iterdir() if (found := _NAME.fullmatch(path.name))]
    return sorted((int(found[1]), path) for found, path in named)
