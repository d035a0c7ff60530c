"""Muon: the step of a matrix is the orthogonal part of its momentum (Jordan et al. 2024).

All directions are then learned at a like pace, whatever the size of their gradients. As
`torch.optim.Muon`, but that multiplies in bf16, which processors without instructions for it do
thirty times slower (docs/lab-notes.md); and matrices of one shape go through the products together.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from llmos.lab.training.uncompiled import Uncompiled

MOMENTUM = 0.95
# A polynomial of degree five that lifts all singular values towards one, steep at zero.
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
ITERATIONS = 5


class Muon(Uncompiled):
    def __init__(self, matrices: Iterable[Tensor], lr: float, weight_decay: float) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for shape, weights in _by_shape(group["params"]).items():
                steps = orthogonal(torch.stack([self._momentum(weight) for weight in weights]))
                # Tall matrices have larger outputs for the same singular values.
                rate = group["lr"] * math.sqrt(max(1, shape[0] / shape[1]))
                for weight, step in zip(weights, steps, strict=True):
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    weight.add_(step.to(weight.dtype), alpha=-rate)

    def _momentum(self, weight: Tensor) -> Tensor:
        """A running mean of gradients, looking one step ahead (Nesterov)."""
        assert weight.grad is not None
        state: dict[str, Any] = self.state[weight]
        mean = state.setdefault("momentum", torch.zeros_like(weight.grad))
        mean.lerp_(weight.grad, 1 - MOMENTUM)
        return weight.grad.lerp(mean, MOMENTUM)


def orthogonal(matrices: Tensor) -> Tensor:
    """(n, rows, columns), each with its singular values moved close to one."""
    first, second, third = COEFFICIENTS
    x = matrices.bfloat16() if _has_bf16_units(matrices) else matrices
    tall = x.shape[1] > x.shape[2]
    x = x.transpose(1, 2) if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(ITERATIONS):
        gram = x @ x.transpose(1, 2)
        x = torch.baddbmm(
            x, torch.baddbmm(gram, gram, gram, beta=second, alpha=third), x, beta=first
        )
    return x.transpose(1, 2) if tall else x


def _has_bf16_units(x: Tensor) -> bool:
    """Three digits are enough here, where they come cheaper."""
    return x.is_cuda or bool(torch.cpu.get_capabilities().get("amx_bf16"))


def _by_shape(weights: Iterable[Tensor]) -> dict[tuple[int, ...], list[Tensor]]:
    found: dict[tuple[int, ...], list[Tensor]] = {}
    for weight in weights:
        if weight.grad is not None:
            found.setdefault(tuple(weight.shape), []).append(weight)
    return found
