"""On what a run computes: workers, device, precision; found out once, then part of its recipe.

They decide the numbers, so a run that goes on keeps those it began with.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch

from llmos.lab.errors import BadRecipe
from llmos.lab.recipes.schema import Recipe
from llmos.lab.training.checkpoints import workers_before
from llmos.lab.training.team import joined_size


def settled(recipe: Recipe, checkpoints: Path) -> Recipe:
    """The recipe with nothing left open about where it is computed. Raises BadRecipe."""
    device = _device(recipe)
    workers = (
        joined_size()
        or recipe.workers
        or workers_before(checkpoints)
        or (torch.cuda.device_count() if device == "cuda" else cores())
    )
    return replace(recipe, device=device, workers=workers, precision=_precision(recipe, device))


def repeatable() -> None:
    """Equal numbers at each run: one thread a process, and kernels that repeat themselves."""
    # cuBLAS sums in one order only if its workspace is fixed before it starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # As use_deterministic_algorithms(True, warn_only=True), which loads torch's compiler, too.
    torch.set_deterministic_debug_mode("warn")
    torch.set_num_threads(1)


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _device(recipe: Recipe) -> Literal["cpu", "cuda"]:
    there = torch.cuda.is_available()
    if recipe.device == "cuda" and not there:
        raise BadRecipe(
            "The recipe wants a GPU (device: cuda), but torch finds none here. Leave device at "
            "auto to train on the processor."
        )
    return "cuda" if there and recipe.device != "cpu" else "cpu"


def _precision(recipe: Recipe, device: str) -> Literal["fp32", "bf16"]:
    """Processors without instructions for bf16 take twenty times as long with it."""
    if device == "cuda":
        fits = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        able = torch.cpu.get_capabilities()
        fits = bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    if recipe.precision == "bf16" and not fits:
        raise BadRecipe("precision: bf16, but this machine has no instructions for it; use auto")
    # Nowhere measured did bf16 gain enough to be worth its digits (docs/lab-notes.md).
    return "fp32" if recipe.precision == "auto" else recipe.precision
