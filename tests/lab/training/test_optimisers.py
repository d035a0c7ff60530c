"""What moves the weights."""

import subprocess
import sys
from copy import deepcopy

import torch

from llmos.lab.training.muon import Muon, orthogonal
from llmos.lab.training.uncompiled import AdamW


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


def test_adamw_is_torchs_own_to_the_last_bit() -> None:
    torch.manual_seed(0)
    ours = [torch.nn.Parameter(torch.randn(shape)) for shape in ((16, 8), (8,))]
    theirs = [torch.nn.Parameter(weight.detach().clone()) for weight in ours]
    one, other = AdamW(ours, 0.01), torch.optim.AdamW(theirs, 0.01)
    for _ in range(3):
        for mine, yours in zip(ours, theirs, strict=True):
            mine.grad = torch.randn_like(mine)
            yours.grad = mine.grad.clone()
        one.step()
        other.step()
        other.load_state_dict(deepcopy(one.state_dict()))
    assert all(torch.equal(mine, yours) for mine, yours in zip(ours, theirs, strict=True))


def test_a_step_does_not_load_torchs_compiler() -> None:
    script = (
        "import sys, torch\n"
        "from llmos.lab.recipes.schema import OptimiserRecipe\n"
        "from llmos.lab.training.optimisers import Optimisers\n"
        "from llmos.lab.training.settings import repeatable\n"
        "repeatable()\n"
        "model = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.LayerNorm(4))\n"
        "all = Optimisers(model, OptimiserRecipe(name='muon'))\n"
        "model(torch.ones(2, 4)).square().mean().backward()\n"
        "all.step(1.0)\n"
        "all.restore(all.state())\n"
        "assert torch.are_deterministic_algorithms_enabled()\n"
        "assert 'torch._dynamo' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
