"""The decoder-only sibling: one stack that reads and writes the same text, for language and chat.

What is the same as in the encoder-decoder is shared (`attention.py`). What has changed since
2017: positions are rotated in, not added (RoPE); the residual stream is normalised before each
layer by its root mean square alone (Zhang & Sennrich 2019); the feed-forward has a gate
(SwiGLU, Shazeer 2020); key-value heads are shared (GQA). This is Llama's architecture, whose
weights it reads and writes (`llama.py`).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from llmos.lab.nn.attention import KeyValues, MultiHeadAttention, causal_mask, padding_mask
from llmos.lab.nn.positions import rotate, rotations


@dataclass(frozen=True, slots=True)
class DecoderConfig:
    vocabulary: int
    d_model: int = 128
    heads: int = 4
    kv_heads: int = 2
    layers: int = 4
    feed_forward: int = 384
    max_positions: int = 512
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-5
    tied: bool = True
    eos: int = 0
    pad: int = -1

    def __post_init__(self) -> None:
        if self.pad < 0:
            object.__setattr__(self, "pad", self.vocabulary + self.pad)


class GatedFeedForward(nn.Module):
    """narrow(silu(gate(x)) · widen(x)): the gate says how much of each feature passes."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.gate = nn.Linear(width, inner, bias=False)
        self.widen = nn.Linear(width, inner, bias=False)
        self.narrow = nn.Linear(inner, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        narrowed: Tensor = self.narrow(F.silu(self.gate(x)) * self.widen(x))
        return narrowed


class Layer(nn.Module):
    """Self-attention, then feed-forward, each on a normalised copy, added to the stream."""

    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        width = config.d_model
        self.attention_norm = nn.RMSNorm(width, eps=config.norm_epsilon)
        self.attention = MultiHeadAttention(
            width, config.heads, kv_heads=config.kv_heads, bias=False
        )
        self.feed_forward_norm = nn.RMSNorm(width, eps=config.norm_epsilon)
        self.feed_forward = GatedFeedForward(width, config.feed_forward)

    def forward(
        self,
        x: Tensor,
        turn: Callable[[Tensor], Tensor],
        mask: Tensor | None = None,
        cache: KeyValues | None = None,
    ) -> Tensor:
        x = x + self.attention(
            self.attention_norm(x), mask=mask, causal=mask is None, rotate=turn, cache=cache
        )
        out: Tensor = x + self.feed_forward(self.feed_forward_norm(x))
        return out


@dataclass(slots=True)
class DecodingState:
    """What the model keeps between two tokens."""

    real: Tensor  # (b, n so far), false at the padding left of short prompts
    layers: list[KeyValues]

    def select(self, rows: Tensor) -> None:
        """Keep these rows of the batch, in this order."""
        self.real = self.real[rows]
        for layer in self.layers:
            layer.select(rows)


class Decoder(nn.Module):
    def __init__(self, config: DecoderConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary, config.d_model)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.d_model, eps=config.norm_epsilon)
        self.projection = nn.Linear(config.d_model, config.vocabulary, bias=False)
        self._initialise()
        if config.tied:
            self.projection.weight = self.embedding.weight

    def hidden(self, tokens: Tensor, real: Tensor | None = None) -> Tensor:
        """(b, n) tokens, (b, n) true where they are no padding → vectors (b, n, d)."""
        length = tokens.shape[1]
        mask = None
        if real is not None:
            mask = causal_mask(length, length, device=tokens.device) & padding_mask(real)
            # A row of padding would look at nothing, which softmax cannot answer.
            mask = mask | torch.eye(length, dtype=torch.bool, device=tokens.device)
        return self._run(tokens, self._places(tokens, real), mask, None)

    def project(self, hidden: Tensor) -> Tensor:
        logits: Tensor = self.projection(hidden)
        return logits

    def forward(self, tokens: Tensor, real: Tensor | None = None) -> Tensor:
        """Logits of each next token. (b, n) → (b, n, v)"""
        return self.project(self.hidden(tokens, real))

    def begin(self, rows: int) -> DecodingState:
        device = self.embedding.weight.device
        empty = torch.ones(rows, 0, dtype=torch.bool, device=device)
        return DecodingState(empty, [KeyValues() for _ in self.layers])

    def step(self, tokens: Tensor, state: DecodingState, real: Tensor | None = None) -> Tensor:
        """Read the newest tokens (b, n), return logits of the next one (b, v)."""
        before = state.real.shape[1]
        new = torch.ones_like(tokens, dtype=torch.bool) if real is None else real
        state.real = torch.cat([state.real, new], dim=1)
        keys = before + tokens.shape[1]
        mask = causal_mask(tokens.shape[1], keys, device=tokens.device) & padding_mask(state.real)
        own = torch.eye(keys, dtype=torch.bool, device=tokens.device)[before:]
        places = self._places(tokens, state.real)[:, before:]
        return self.project(self._run(tokens, places, mask | own, state.layers)[:, -1])

    def _run(
        self, tokens: Tensor, places: Tensor, mask: Tensor | None, caches: list[KeyValues] | None
    ) -> Tensor:
        x = self.embedding(tokens)
        head = self.config.d_model // self.config.heads
        cosine, sine = rotations(places[:, None], head, self.config.rope_base)  # (b, 1, n, d_k)
        for number, layer in enumerate(self.layers):
            x = layer(
                x, lambda y: rotate(y, cosine, sine), mask, caches[number] if caches else None
            )
        normed: Tensor = self.norm(x)
        return normed

    def _places(self, tokens: Tensor, real: Tensor | None) -> Tensor:
        """Positions that start at the first real token of each row. (b, n)"""
        if real is None:
            return torch.arange(tokens.shape[1], device=tokens.device)[None]
        return (real.cumsum(dim=1) - 1).clamp(min=0)

    def _initialise(self) -> None:
        for weight in self.parameters():
            if weight.dim() == 2:
                nn.init.normal_(weight, std=0.02)
