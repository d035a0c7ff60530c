"""AdamW for everything, or Muon for the matrices and AdamW for the rest.

Embeddings, norms and biases map nothing from one space to another, so Muon is not for them.
"""

from collections.abc import Iterator

import torch
from torch import nn

from llmos.lab.recipes.schema import OptimiserRecipe
from llmos.lab.training.muon import Muon
from llmos.lab.training.uncompiled import AdamW


class Optimisers:
    """One or two optimisers that step together; `rates` are their peaks."""

    def __init__(self, model: nn.Module, recipe: OptimiserRecipe) -> None:
        matrices, rest = _divided(model, muon=recipe.name == "muon")
        betas = (recipe.beta1, recipe.beta2)
        decayed = [weight for weight in rest if weight.dim() > 1]
        plain = [weight for weight in rest if weight.dim() <= 1]
        groups = [{"params": decayed, "weight_decay": recipe.decay if not matrices else 0.0}]
        groups.append({"params": plain, "weight_decay": 0.0})
        self._all: list[torch.optim.Optimizer] = [
            AdamW([group for group in groups if group["params"]], recipe.rate, betas)
        ]
        if matrices:
            self._all.append(Muon(matrices, recipe.matrix_rate, weight_decay=recipe.decay))
        self._peaks = [[group["lr"] for group in one.param_groups] for one in self._all]

    def step(self, share: float) -> None:
        """Go `share` of the peak rate along the gradients, and forget them."""
        for one, peaks in zip(self._all, self._peaks, strict=True):
            for group, peak in zip(one.param_groups, peaks, strict=True):
                group["lr"] = peak * share
            one.step()
            one.zero_grad(set_to_none=True)

    def state(self) -> list[dict[str, object]]:
        return [one.state_dict() for one in self._all]

    def restore(self, state: list[dict[str, object]]) -> None:
        for one, saved in zip(self._all, state, strict=True):
            one.load_state_dict(saved)


def _divided(model: nn.Module, *, muon: bool) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    embeddings = {
        id(weight)
        for module in model.modules()
        if isinstance(module, nn.Embedding)
        for weight in module.parameters()
    }
    matrices, rest = list[nn.Parameter](), list[nn.Parameter]()
    for weight in _learned(model):
        is_map = muon and weight.dim() == 2 and id(weight) not in embeddings
        (matrices if is_map else rest).append(weight)
    return matrices, rest


def _learned(model: nn.Module) -> Iterator[nn.Parameter]:
    return (weight for weight in model.parameters() if weight.requires_grad)
