"""torch's optimisers without torch's compiler, which nothing here uses.

They load it with their first call, which takes each process of a training two seconds. What is
wrapped to do so is taken out of its wrapping; where torch wraps no longer, nothing changes.
"""

from inspect import unwrap

import torch


class Uncompiled(torch.optim.Optimizer):
    """For the side of an optimiser: its bookkeeping."""

    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    load_state_dict = unwrap(torch.optim.Optimizer.load_state_dict)
    state_dict = unwrap(torch.optim.Optimizer.state_dict)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)


class AdamW(Uncompiled, torch.optim.AdamW):
    """The same numbers as torch's."""

    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))
