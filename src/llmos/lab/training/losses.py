"""The loss of next-token logits, with smoothed labels (Szegedy et al. 2016).

Equal to `F.cross_entropy(..., reduction="sum")`, but its gradient is written out. The table of
(tokens, vocabulary) is the largest of a step, and autograd goes over it twice as often.
"""

from typing import Any

import torch
from torch import Tensor


def smoothed_cross_entropy(logits: Tensor, wanted: Tensor, smoothing: float = 0.0) -> Tensor:
    """Summed over tokens. (n, v), (n) → ()

    A token is to get the probability 1 - ε, and all v of them ε / v beside it.
    """
    loss: Tensor = _Loss.apply(logits.float(), wanted, smoothing)  # type: ignore[no-untyped-call]
    return loss


class _Loss(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, wanted: Tensor, smoothing: float) -> Tensor:
        chances = logits.log_softmax(dim=-1)
        ctx.save_for_backward(chances, wanted)
        ctx.smoothing = smoothing
        told = chances.gather(1, wanted[:, None]).sum()
        if not smoothing:
            return -told
        return -(1 - smoothing) * told - smoothing / logits.shape[1] * chances.sum()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        """softmax(logits) minus what was wanted, in the place of the log-probabilities."""
        chances, wanted = ctx.saved_tensors
        found = chances.exp_()
        if ctx.smoothing:
            found.sub_(ctx.smoothing / found.shape[1])
        told = torch.full_like(wanted[:, None], -(1 - ctx.smoothing), dtype=found.dtype)
        return found.scatter_add_(1, wanted[:, None], told).mul_(gradient), None, None
