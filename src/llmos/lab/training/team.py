"""Workers that share each step: processes that sum their gradients.

Two threads of one process learn 1.35 times as fast as one, two processes almost twice
(docs/lab-notes.md): so a machine's cores are processes with one thread each.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any
from uuid import uuid4

import torch
from torch import Tensor
from torch import distributed as dist

from llmos.lab.errors import TrainingFailed
from llmos.lab.training.tasks import Prepared

# The first worker looks at validation data while the others wait for it.
PATIENCE = timedelta(minutes=30)


class Team:
    """One of `size` workers; alone, all of this does nothing."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank, self.size = rank, size

    @property
    def leads(self) -> bool:
        return self.rank == 0

    def sum(self, tensors: list[Tensor]) -> None:
        """Replace each tensor by its sum over all workers, in one exchange."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        try:
            dist.all_reduce(flat)
        except RuntimeError as error:
            raise TrainingFailed("A worker of this run ended; the others stop") from error
        place = 0
        for tensor in tensors:
            tensor.copy_(flat[place : place + tensor.numel()].view_as(tensor))
            place += tensor.numel()

    def told(self, value: Any) -> Any:
        """What the first worker says."""
        if self.size == 1:
            return value
        box = [value]
        try:
            dist.broadcast_object_list(box, src=0)
        except RuntimeError as error:
            raise TrainingFailed("A worker of this run ended; the others stop") from error
        return box[0]


@contextmanager
def team_for(prepared: Prepared, checkpoints: Path) -> Iterator[Team]:
    """This process as the first worker, and the others beside it until the end."""
    size = prepared.recipe.workers
    if dist.is_available() and dist.is_initialized():  # by a cluster that has placed us
        yield Team(dist.get_rank(), dist.get_world_size())
        return
    if size == 1:
        yield Team()
        return
    checkpoints.mkdir(parents=True, exist_ok=True)
    meeting = checkpoints / f"meeting-{uuid4().hex}"
    others = _start_others(prepared, checkpoints, meeting, size)
    try:
        _join(meeting, 0, size)
        yield Team(0, size)
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
        for process in others:
            process.join(timeout=10)
            if process.is_alive():
                process.kill()
        meeting.unlink(missing_ok=True)


def _start_others(
    prepared: Prepared, checkpoints: Path, meeting: Path, size: int
) -> list[BaseProcess]:
    context = torch.multiprocessing.get_context("spawn")
    found: list[BaseProcess] = []
    for rank in range(1, size):
        process = context.Process(
            target=_work, args=(prepared, checkpoints, meeting, rank, size), daemon=True
        )
        process.start()
        found.append(process)
    return found


def _work(prepared: Prepared, checkpoints: Path, meeting: Path, rank: int, size: int) -> None:
    """The life of a worker that is not the first."""
    from llmos.lab.reports import SilentReporter
    from llmos.lab.training.loop import learn
    from llmos.lab.training.tasks import task_of

    torch.set_num_threads(1)
    _join(meeting, rank, size)
    try:
        learn(task_of(prepared), prepared.recipe, checkpoints, SilentReporter(), Team(rank, size))
    except TrainingFailed:
        return  # the first worker tells it
    finally:
        dist.destroy_process_group()


def _join(meeting: Path, rank: int, size: int) -> None:
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    dist.init_process_group(
        "gloo", init_method=f"file://{meeting}", rank=rank, world_size=size, timeout=PATIENCE
    )
