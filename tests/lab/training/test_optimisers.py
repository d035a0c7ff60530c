"""What moves the weights."""

import torch

from llmos.lab.training.muon import Muon, orthogonal


def test_muon_goes_where_torchs_own_goes() -> None:
    torch.manual_seed(0)
    shapes = [(16, 16), (48, 16), (16, 48), (16, 16)]
    ours = [torch.nn.Parameter(torch.randn(shape)) for shape in shapes]
    theirs = [torch.nn.Parameter(weight.detach().clone()) for weight in ours]
    one = Muon(ours, 0.02, weight_decay=0.1)
    other = torch.optim.Muon(theirs, 0.02, weight_decay=0.1)
    for _ in range(10):
        for mine, yours in zip(ours, theirs, strict=True):
            mine.grad = torch.randn_like(mine)
            yours.grad = mine.grad.clone()
        one.step()
        other.step()
    for mine, yours in zip(ours, theirs, strict=True):
        # theirs counts in bf16, which has three digits
        assert torch.allclose(mine, yours, atol=0.03)


def test_an_orthogonal_step_has_singular_values_near_one() -> None:
    torch.manual_seed(0)
    values = torch.linalg.svdvals(orthogonal(torch.randn(3, 24, 64)).float())
    assert values.min() > 0.5
    assert values.max() < 1.5
