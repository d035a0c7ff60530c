"""The encoder-decoder Transformer: reads a sentence whole, writes another word by word.

Vaswani et al. 2017, figure 1, from bottom to top: input encoding, encoder, decoder, output
decoding. Layers normalise after each residual (post-norm), as in the paper and in Marian,
whose weights this model reads and writes (`marian.py`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from llmos.lab.nn.attention import KeyValues, MultiHeadAttention, causal_mask, padding_mask
from llmos.lab.nn.positions import sinusoids


@dataclass(frozen=True, slots=True)
class EncoderDecoderConfig:
    vocabulary: int
    d_model: int = 128
    heads: int = 4
    encoder_layers: int = 3
    decoder_layers: int = 3
    feed_forward: int = 512
    dropout: float = 0.1
    max_positions: int = 512
    eos: int = 0
    pad: int = -1  # the last token, unless said; it also starts every target
    activation: str = "relu"

    def __post_init__(self) -> None:
        if self.pad < 0:
            object.__setattr__(self, "pad", self.vocabulary + self.pad)


BENDS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": F.relu,
    "swish": F.silu,
    "silu": F.silu,
    "gelu": F.gelu,
}


class FeedForward(nn.Module):
    """Each position by itself: wider, a bend, and back (section 3.3)."""

    def __init__(self, width: int, inner: int, activation: str) -> None:
        super().__init__()
        self.widen, self.narrow = nn.Linear(width, inner), nn.Linear(inner, width)
        self.bend: Callable[[Tensor], Tensor] = BENDS[activation]

    def forward(self, x: Tensor) -> Tensor:
        narrowed: Tensor = self.narrow(self.bend(self.widen(x)))
        return narrowed


class EncoderLayer(nn.Module):
    """Self-attention, then feed-forward; around each a residual and a normalisation."""

    def __init__(self, config: EncoderDecoderConfig) -> None:
        super().__init__()
        width = config.d_model
        self.attention = MultiHeadAttention(width, config.heads)
        self.attention_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, config.feed_forward, config.activation)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.attention_norm(x + self.dropout(self.attention(x, mask=mask)))
        x = self.feed_forward_norm(x + self.dropout(self.feed_forward(x)))
        return x


@dataclass(slots=True)
class LayerCache:
    own: KeyValues = field(default_factory=KeyValues)
    memory: KeyValues = field(default_factory=lambda: KeyValues(complete=True))


class DecoderLayer(nn.Module):
    """Look back at one's own words, then at the source, then think."""

    def __init__(self, config: EncoderDecoderConfig) -> None:
        super().__init__()
        width = config.d_model
        self.attention = MultiHeadAttention(width, config.heads)
        self.attention_norm = nn.LayerNorm(width)
        self.memory_attention = MultiHeadAttention(width, config.heads)
        self.memory_norm = nn.LayerNorm(width)
        self.feed_forward = FeedForward(width, config.feed_forward, config.activation)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(config.dropout)

    def forward(
        self, y: Tensor, memory: Tensor, memory_mask: Tensor, cache: LayerCache | None = None
    ) -> Tensor:
        y = self.look_back(y, cache)
        seen = self.memory_attention(
            y, memory, mask=memory_mask, cache=cache.memory if cache else None
        )
        y = self.memory_norm(y + self.dropout(seen))
        y = self.feed_forward_norm(y + self.dropout(self.feed_forward(y)))
        return y

    def look_back(self, y: Tensor, cache: LayerCache | None = None) -> Tensor:
        """Self-attention that never sees ahead: in training all words are there and a causal
        mask hides the later ones; when decoding, the newest word may look at all in the cache.
        """
        own = cache.own if cache else None
        fresh = own is None or own.key is None
        mask = None
        if not fresh and y.shape[1] > 1:
            assert own is not None
            assert own.key is not None
            mask = causal_mask(y.shape[1], own.key.shape[2] + y.shape[1], device=y.device)
        back = self.attention(y, mask=mask, causal=fresh and y.shape[1] > 1, cache=own)
        looked: Tensor = self.attention_norm(y + self.dropout(back))
        return looked


@dataclass(slots=True)
class DecodingState:
    """What the decoder keeps between two words."""

    memory: Tensor  # (b, s, d)
    memory_mask: Tensor  # (b, 1, 1, s)
    layers: list[LayerCache]
    position: int = 0

    def select(self, rows: Tensor) -> None:
        """Keep these rows of the batch, in this order."""
        self.memory, self.memory_mask = self.memory[rows], self.memory_mask[rows]
        for layer in self.layers:
            layer.own.select(rows)
            layer.memory.select(rows)


class EncoderDecoder(nn.Module):
    def __init__(self, config: EncoderDecoderConfig) -> None:
        super().__init__()
        self.config = config
        # One table for source, target and output: the projection asks which token's vector
        # the decoder's vector is most like (section 3.4). Padding is the zero vector, for ever.
        self.embedding = nn.Embedding(config.vocabulary, config.d_model, padding_idx=config.pad)
        self.positions: Tensor
        self.register_buffer(
            "positions", sinusoids(config.max_positions, config.d_model), persistent=False
        )
        self.encoder = nn.ModuleList(EncoderLayer(config) for _ in range(config.encoder_layers))
        self.decoder = nn.ModuleList(DecoderLayer(config) for _ in range(config.decoder_layers))
        self.dropout = nn.Dropout(config.dropout)
        self._initialise()

    def embed(self, tokens: Tensor, start: int = 0) -> Tensor:
        """Input encoding: embedding · √d plus the place (section 3.5). (b, n) → (b, n, d)"""
        scaled = self.embedding(tokens) * math.sqrt(self.config.d_model)
        placed: Tensor = self.dropout(scaled + self.positions[start : start + tokens.shape[1]])
        return placed

    def encode(self, source: Tensor, real: Tensor) -> Tensor:
        """(b, s) tokens and (b, s) true where they are no padding → memory (b, s, d)."""
        x, mask = self.embed(source), padding_mask(real)
        for layer in self.encoder:
            x = layer(x, mask)
        return x

    def hidden(self, source: Tensor, real: Tensor, target_in: Tensor) -> Tensor:
        """The decoder's vectors before the projection. → (b, t, d)"""
        memory, mask = self.encode(source, real), padding_mask(real)
        y = self.embed(target_in)
        for layer in self.decoder:
            y = layer(y, memory, mask)
        return y

    def project(self, hidden: Tensor) -> Tensor:
        """Output decoding: (…, d) → logits (…, v)."""
        return F.linear(hidden, self.embedding.weight)

    def forward(self, source: Tensor, real: Tensor, target_in: Tensor) -> Tensor:
        """Logits of each next target word. (b, s), (b, s), (b, t) → (b, t, v)"""
        return self.project(self.hidden(source, real, target_in))

    def shifted(self, target: Tensor) -> Tensor:
        """What the decoder has read when it must write `target`: a start, then all but the last."""
        start = target.new_full((target.shape[0], 1), self.config.pad)
        return torch.cat([start, target[:, :-1]], dim=1)

    def begin(self, source: Tensor, real: Tensor) -> DecodingState:
        layers = [LayerCache() for _ in self.decoder]
        return DecodingState(self.encode(source, real), padding_mask(real), layers)

    def step(self, tokens: Tensor, state: DecodingState) -> Tensor:
        """Read the newest tokens (b, n), return logits of the next one (b, v)."""
        y = self.embed(tokens, state.position)
        for layer, cache in zip(self.decoder, state.layers, strict=True):
            y = layer(y, state.memory, state.memory_mask, cache)
        state.position += tokens.shape[1]
        logits = self.project(y[:, -1])
        logits[:, self.config.pad] = -torch.inf
        return logits

    @torch.no_grad()
    def alignment(self, source: Tensor, real: Tensor, target_in: Tensor) -> Tensor:
        """What the last layer's words took from each source token, mean of heads. (b, t, s)"""
        memory, mask = self.encode(source, real), padding_mask(real)
        y = self.embed(target_in)
        for layer in list(self.decoder)[:-1]:
            y = layer(y, memory, mask)
        last = self.decoder[-1]
        assert isinstance(last, DecoderLayer)
        return last.memory_attention.shares(last.look_back(y), memory, mask)

    def _initialise(self) -> None:
        for weight in self.parameters():
            if weight.dim() == 2:
                nn.init.xavier_uniform_(weight)
        with torch.no_grad():
            nn.init.normal_(self.embedding.weight, std=self.config.d_model**-0.5)
            self.embedding.weight[self.config.pad] = 0
        # The projection would move padding's row, and with it the start of every sentence.
        self.embedding.weight.register_hook(self._without_padding)

    def _without_padding(self, gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        gradient[self.config.pad] = 0
        return gradient
