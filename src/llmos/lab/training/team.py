"""Workers that share each step: processes that sum their gradients.

Two threads of one process learn 1.35 times as fast as one, two processes almost twice
(docs/lab-notes.md): so a machine's cores are processes with one thread each.
"""

import os
import signal
import sys
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
from llmos.lab.recipes.schema import Recipe
from llmos.lab.training.nursery import open_nursery
from llmos.lab.training.tasks import Prepared

# The first worker writes samples and checkpoints while the others wait for it.
PATIENCE = timedelta(minutes=30)
# A worker has to import torch before it can come to the meeting.
MEETING = timedelta(minutes=3)


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
            raise TrainingFailed(_LOST) from error
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
            raise TrainingFailed(_LOST) from error
        return box[0]


_LOST = (
    "A worker of this run ended, so the others stopped; most often the memory was used up. "
    "Resume the run with fewer workers or a smaller batch.tokens."
)


def joined_size() -> int:
    """How many workers somebody has placed us among (Ray Train, torchrun); 0 for nobody."""
    if not dist.is_available():
        return 0
    if not dist.is_initialized() and dist.is_torchelastic_launched():
        dist.init_process_group(timeout=PATIENCE)
    return dist.get_world_size() if dist.is_initialized() else 0


def is_leader() -> bool:
    """Whether this process speaks for the run: one that works alone does."""
    return not joined_size() or dist.get_rank() == 0


@contextmanager
def team_for(prepared: Prepared, checkpoints: Path) -> Iterator[Team]:
    """This process among those that a cluster has placed, or else as the first of its own."""
    recipe = prepared.recipe
    size = recipe.workers
    if joined_size():
        _choose_gpu(recipe, int(os.environ.get("LOCAL_RANK", "0")))
        yield Team(dist.get_rank(), dist.get_world_size())
        return
    if size == 1:
        yield Team()
        return
    checkpoints.mkdir(parents=True, exist_ok=True)
    meeting = checkpoints.resolve() / f"meeting-{uuid4().hex}"
    others = _start_others(prepared, checkpoints, meeting)
    try:
        _join(recipe, meeting, 0)
        yield Team(0, size)
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()
        for process in others:
            process.join(timeout=10)
            if process.is_alive():
                process.kill()
        meeting.unlink(missing_ok=True)


def _start_others(prepared: Prepared, checkpoints: Path, meeting: Path) -> list[BaseProcess]:
    context = open_nursery()
    found: list[BaseProcess] = []
    for rank in range(1, prepared.recipe.workers):
        process = context.Process(
            target=_work, args=(prepared, checkpoints, meeting, rank), daemon=True
        )
        process.start()
        found.append(process)
    return found


def _work(prepared: Prepared, checkpoints: Path, meeting: Path, rank: int) -> None:
    """The life of a worker that is not the first."""
    from llmos.lab.reports import SilentReporter
    from llmos.lab.training.loop import learn
    from llmos.lab.training.settings import repeatable
    from llmos.lab.training.tasks import task_of

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first worker hears it, and ends us
    repeatable()
    team = Team(rank, prepared.recipe.workers)
    try:
        _join(prepared.recipe, meeting, rank)
        learn(task_of(prepared), prepared, checkpoints, SilentReporter(), team)
    except TrainingFailed:
        return  # the first worker tells it
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _join(recipe: Recipe, meeting: Path, rank: int) -> None:
    if sys.platform == "linux":  # all are on this machine, so nobody else need reach them
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")
    _choose_gpu(recipe, rank)
    # NCCL wants a GPU for each worker; gloo also serves several on one.
    alone = recipe.device == "cuda" and recipe.workers <= torch.cuda.device_count()
    place = dist.FileStore(str(meeting), recipe.workers)  # type: ignore[attr-defined]
    place.set_timeout(MEETING)
    try:
        dist.init_process_group(
            "nccl" if alone else "gloo",
            store=place,
            rank=rank,
            world_size=recipe.workers,
            timeout=PATIENCE,
        )
    except RuntimeError as error:
        raise TrainingFailed(_LOST) from error


def _choose_gpu(recipe: Recipe, number: int) -> None:
    """From here on "cuda" means this one."""
    if recipe.device == "cuda":
        torch.cuda.set_device(number % torch.cuda.device_count())
