"""Attention: every position asks all others, and takes from each as much as it answers.

Vaswani et al. 2017, "Attention Is All You Need", section 3.2. A query is compared with every
key; softmax turns the scores into shares; the shares weigh the values:

    attention(Q, K, V) = softmax(Q Kᵀ / √d_k) V                              (equation 1)

Masks are boolean, true where a query may look.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Rotation = Callable[[Tensor], Tensor]


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None) -> Tensor:
    """Equation 1, word for word. (b, h, q, d), (b, h, k, d), (b, h, k, d) → (b, h, q, d)."""
    return shares(query, key, mask) @ value


def shares(query: Tensor, key: Tensor, mask: Tensor | None = None) -> Tensor:
    """How much each query takes from each key; rows sum to one. (b, h, q, k)"""
    # The dot product of two d_k-vectors with unit variance has variance d_k: without the root,
    # large heads would push softmax to where it has no slope (section 3.2.1).
    scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # (b, h, q, k)
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    return scores.softmax(dim=-1)


def attend_fused(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None, *, causal: bool = False
) -> Tensor:
    """The same as `attend` in one kernel, which never writes the (q, k) table to memory."""
    return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)


def padding_mask(lengths_or_real: Tensor) -> Tensor:
    """(b, k) true for real tokens → (b, 1, 1, k): nobody looks at padding."""
    return lengths_or_real[:, None, None, :]


def causal_mask(queries: int, keys: int, *, device: torch.device | None = None) -> Tensor:
    """(1, 1, q, k): the i-th of the last q positions sees itself and all before it."""
    allowed = torch.ones(queries, keys, dtype=torch.bool, device=device)
    return allowed.tril(diagonal=keys - queries)[None, None]


@dataclass(slots=True)
class KeyValues:
    """Keys and values of the positions so far, so that each is computed once when decoding."""

    key: Tensor | None = None  # (b, kv heads, k, d_k)
    value: Tensor | None = None
    complete: bool = False  # of a memory that does not grow

    def extend(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        if self.key is not None and self.value is not None:
            key, value = torch.cat([self.key, key], 2), torch.cat([self.value, value], 2)
        self.key, self.value = key, value
        return key, value

    def select(self, rows: Tensor) -> None:
        """Keep these rows of the batch, in this order."""
        if self.key is not None and self.value is not None:
            self.key, self.value = self.key[rows], self.value[rows]


class MultiHeadAttention(nn.Module):
    """Several attentions side by side, each in its own d_k-dimensional view (section 3.2.2).

    With fewer key-value heads than query heads, groups of queries share them: grouped-query
    attention (Ainslie et al. 2023), which shrinks the cache. With `memory`, keys and values
    come from there: the decoder looks at the encoder (section 3.2.3).
    """

    def __init__(
        self, width: int, heads: int, *, kv_heads: int | None = None, bias: bool = True
    ) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads do not divide a width of {width}")
        self.heads, self.kv_heads, self.head_width = heads, kv_heads or heads, width // heads
        if heads % self.kv_heads:
            raise ValueError(f"{self.kv_heads} key-value heads do not divide {heads} heads")
        self.query = nn.Linear(width, width, bias=bias)
        # Keys and values in one matrix: they are always wanted together.
        self.key_value = nn.Linear(width, 2 * self.kv_heads * self.head_width, bias=bias)
        self.output = nn.Linear(width, width, bias=bias)

    def forward(
        self,
        x: Tensor,  # (b, q, d)
        memory: Tensor | None = None,  # (b, k, d)
        *,
        mask: Tensor | None = None,  # (b or 1, 1, q or 1, k)
        causal: bool = False,
        rotate: Rotation | None = None,
        cache: KeyValues | None = None,
    ) -> Tensor:
        query = self._split(self.query(x), self.heads)  # (b, h, q, d_k)
        if rotate is not None:
            query = rotate(query)
        if cache is not None and cache.complete and cache.key is not None:
            key, value = cache.key, cache.value
        else:
            key, value = self._keys_and_values(x if memory is None else memory, rotate)
            if cache is not None:
                key, value = cache.extend(key, value)
        mixed = attend_fused(query, self._shared(key), self._shared(value), mask, causal=causal)
        joined: Tensor = self.output(mixed.transpose(1, 2).flatten(2))  # (b, q, d)
        return joined

    def shares(self, x: Tensor, memory: Tensor, mask: Tensor | None = None) -> Tensor:
        """What each position of x takes from each of memory, averaged over heads. (b, q, k)"""
        key, _ = self._keys_and_values(memory, None)
        query = self._split(self.query(x), self.heads)
        return shares(query, self._shared(key), mask).mean(dim=1)

    def _keys_and_values(self, memory: Tensor, rotate: Rotation | None) -> tuple[Tensor, Tensor]:
        key, value = self.key_value(memory).chunk(2, dim=-1)  # each (b, k, kv heads · d_k)
        key, value = self._split(key, self.kv_heads), self._split(value, self.kv_heads)
        return (key if rotate is None else rotate(key)), value

    def _split(self, x: Tensor, heads: int) -> Tensor:
        """(b, n, heads · d_k) → (b, heads, n, d_k)"""
        rows, places, _ = x.shape
        return x.view(rows, places, heads, self.head_width).transpose(1, 2)

    def _shared(self, x: Tensor | None) -> Tensor:
        """Repeat each key-value head for the group of queries that shares it."""
        assert x is not None
        group = self.heads // self.kv_heads
        return x if group == 1 else x.repeat_interleave(group, dim=1)
