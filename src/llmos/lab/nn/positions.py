"""Where a token stands: attention itself does not see order, so order is added or rotated in."""

import torch
from torch import Tensor


def sinusoids(positions: int, width: int) -> Tensor:
    """The table that is added to embeddings (Vaswani et al. 2017, section 3.5). (positions, d)

    Each pair of columns turns at its own speed, from one turn in 2π positions to one in
    10000 · 2π. All sines stand before all cosines, as in Marian; a model cannot tell, since
    its first matrix mixes all columns.
    """
    speed = 10_000 ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)  # (d / 2)
    angle = torch.arange(positions, dtype=torch.float64)[:, None] * speed  # (positions, d / 2)
    return torch.cat([angle.sin(), angle.cos()], dim=1).float()


def rotations(positions: Tensor, width: int, base: float) -> tuple[Tensor, Tensor]:
    """Cosine and sine of each position's angles, for `rotate`. (…, n) → two (…, n, d_k)"""
    speed = base ** (-torch.arange(0, width, 2, dtype=torch.float32) / width)  # (d_k / 2)
    angle = positions[..., None].float() * speed.to(positions.device)
    angle = torch.cat([angle, angle], dim=-1)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn each pair of coordinates by its position's angle (Su et al. 2021, RoPE).

    Then the dot product of a query and a key depends on how far apart they stand, and on
    nothing else about their places. Pairs are (i, i + d_k / 2), as Llama has them.
    """
    left, right = x.chunk(2, dim=-1)
    return x * cosine + torch.cat([-right, left], dim=-1) * sine
