"""The written-out loss against torch's own."""

import pytest
import torch
from torch.nn import functional as F

from llmos.lab.training.losses import smoothed_cross_entropy


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_and_gradient_are_those_of_torch(smoothing: float) -> None:
    torch.manual_seed(0)
    ours = torch.randn(40, 90, dtype=torch.float32).mul_(4).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    wanted = torch.randint(0, 90, (40,))
    found = smoothed_cross_entropy(ours, wanted, smoothing)
    expected = F.cross_entropy(theirs, wanted, label_smoothing=smoothing, reduction="sum")
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    (found * 0.5).backward()
    (expected * 0.5).backward()
    assert ours.grad is not None
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-5)  # type: ignore[arg-type]
