"""Output decoding: from next-token logits to text, by the best, by several best, or by chance.

The same search serves both models. A finished row leaves the batch at once, so a batch costs
what its unfinished sentences cost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from llmos.lab.nn.decoder import Decoder
from llmos.lab.nn.encoder_decoder import EncoderDecoder


@dataclass(frozen=True, slots=True)
class Decoding:
    """How to choose. Beams and sampling exclude each other.

    `length_penalty` α divides a hypothesis' log-probability by its length to the α
    (Wu et al. 2016, equation 14, simplified as transformers does); 0 favours short ones.
    """

    beams: int = 1
    length_penalty: float = 1.0
    max_new: int = 128
    temperature: float | None = None  # None: the most likely token
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 0
    alternatives: int = 1


@dataclass(frozen=True, slots=True)
class Hypothesis:
    tokens: list[int]  # without the final eos
    score: float  # log-probability, length-normalised when searched with beams
    finished: bool = True  # false: cut at max_new


class State(Protocol):
    def select(self, rows: Tensor) -> None: ...


S = TypeVar("S", bound=State)
Step = Callable[[Tensor, S], Tensor]


@torch.no_grad()
def translate(
    model: EncoderDecoder, sources: Sequence[Sequence[int]], how: Decoding | None = None
) -> list[list[Hypothesis]]:
    """The best targets of each source (token ids ending in eos), best first."""
    how = how or Decoding()
    source, real = padded(sources, model.config.pad, device=model.embedding.weight.device)
    state = model.begin(source, real)
    first = source.new_full((len(sources), 1), model.config.pad)
    room = model.config.max_positions - 1
    return search(model.step, state, first, model.config.eos, _limited(how, room))


@torch.no_grad()
def continue_text(
    model: Decoder, prompts: Sequence[Sequence[int]], how: Decoding | None = None
) -> list[list[Hypothesis]]:
    """The continuations of each prompt (token ids, at least one), best first."""
    how = how or Decoding()
    device = model.embedding.weight.device
    tokens, real = padded(prompts, model.config.pad, left=True, device=device)
    state = model.begin(len(prompts))
    room = model.config.max_positions - tokens.shape[1]
    if tokens.shape[1] > 1:
        model.step(tokens[:, :-1], state, real[:, :-1])
    return search(model.step, state, tokens[:, -1:], model.config.eos, _limited(how, room))


def padded(
    rows: Sequence[Sequence[int]],
    pad: int,
    *,
    left: bool = False,
    device: torch.device | None = None,
) -> tuple[Tensor, Tensor]:
    """Rows of different lengths as one table, and where it is real. → (b, n), (b, n)"""
    width = max(len(row) for row in rows)
    gaps = [[pad] * (width - len(row)) for row in rows]
    table = [[*gap, *row] if left else [*row, *gap] for row, gap in zip(rows, gaps, strict=True)]
    lengths = torch.tensor([len(row) for row in rows])[:, None]
    place = torch.arange(width)[None]
    real = place >= width - lengths if left else place < lengths
    return torch.tensor(table, device=device), real.to(device) if device else real


def search(
    step: Step[S], state: S, first: Tensor, eos: int, how: Decoding
) -> list[list[Hypothesis]]:
    if how.max_new < 1:
        return [[Hypothesis([], 0.0, finished=False)] for _ in range(first.shape[0])]
    if how.beams > 1:
        return _beam(step, state, first, eos, how)
    return [[one] for one in _one_by_one(step, state, first, eos, how)]


def choose(logits: Tensor, how: Decoding, chance: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """One token for each row, and its log-probability. (b, v) → (b), (b)"""
    if how.temperature is None or how.temperature <= 0:
        best = logits.argmax(dim=-1)
        return best, logits.log_softmax(-1).gather(1, best[:, None])[:, 0]
    logits = narrowed(logits / how.temperature, how.top_k, how.top_p)
    token = torch.multinomial(logits.softmax(-1), 1, generator=chance)
    return token[:, 0], logits.log_softmax(-1).gather(1, token)[:, 0]


def narrowed(logits: Tensor, top_k: int, top_p: float) -> Tensor:
    """Leave only the k likeliest tokens, and of them the fewest that reach probability p."""
    if 0 < top_k < logits.shape[-1]:
        lowest = logits.topk(top_k, dim=-1).values[:, -1:]
        logits = logits.masked_fill(logits < lowest, -torch.inf)
    if top_p < 1.0:
        ordered, index = logits.sort(dim=-1, descending=True)
        share = ordered.softmax(-1)
        beyond = share.cumsum(-1) - share >= top_p  # the first token always stays
        logits = logits.masked_fill(beyond.scatter(1, index, beyond), -torch.inf)
    return logits


def _one_by_one(
    step: Step[S], state: S, first: Tensor, eos: int, how: Decoding
) -> list[Hypothesis]:
    rows = first.shape[0]
    chance = torch.Generator(first.device).manual_seed(how.seed)
    written: list[list[int]] = [[] for _ in range(rows)]
    scores, finished = [0.0] * rows, [False] * rows
    active, tokens = list(range(rows)), first
    for _ in range(how.max_new):
        chosen, gains = choose(step(tokens, state), how, chance)
        going = []
        for place, (token, gain) in enumerate(zip(chosen.tolist(), gains.tolist(), strict=True)):
            row = active[place]
            scores[row] += gain
            if token == eos:
                finished[row] = True
            else:
                written[row].append(token)
                going.append(place)
        if not going:
            break
        if len(going) < len(active):
            keep = torch.tensor(going, device=first.device)
            state.select(keep)
            chosen, active = chosen[keep], [active[place] for place in going]
        tokens = chosen[:, None]
    return [
        Hypothesis(text, score, ended)
        for text, score, ended in zip(written, scores, finished, strict=True)
    ]


@dataclass(slots=True)
class _Sentence:
    """The finished hypotheses of one sentence, and whether better ones may still come."""

    row: int
    done: list[Hypothesis] = field(default_factory=list)

    def is_settled(self, how: Decoding, best_running: float, length: int) -> bool:
        """Enough are finished, and the best running one would not beat the worst of them."""
        if len(self.done) < how.beams:
            return False
        worst = sorted((one.score for one in self.done), reverse=True)[how.beams - 1]
        return bool(best_running / length**how.length_penalty <= worst)


def _beam(
    step: Step[S], state: S, first: Tensor, eos: int, how: Decoding
) -> list[list[Hypothesis]]:
    """Beam search: keep the `beams` best beginnings of each sentence, extend them all."""
    width, device = how.beams, first.device
    sentences = [_Sentence(row) for row in range(first.shape[0])]
    open_ = list(sentences)
    state.select(torch.arange(len(open_), device=device).repeat_interleave(width))
    tokens = first.repeat_interleave(width, dim=0)
    written = torch.empty(len(open_) * width, 0, dtype=torch.long, device=device)
    # All beams start alike: only the first may speak, else the best would be found `width` times.
    running = torch.full((len(open_), width), -torch.inf, device=device)
    running[:, 0] = 0.0
    for length in range(1, how.max_new + 1):
        gains = step(tokens, state).log_softmax(-1)  # (open · beams, v)
        # At most `width` of the candidates end here, so 2 · width leave enough that go on.
        ahead = (running[:, :, None] + gains.view(len(open_), width, -1)).flatten(1)
        values, places = ahead.topk(2 * width, dim=1)  # (open, 2 · beams)
        origin, token = places // gains.shape[-1], places % gains.shape[-1]
        ends = token == eos
        _note_ends(open_, written, values, origin, ends, length, how)
        going = values.masked_fill(ends, -torch.inf)
        running, order = going.topk(width, dim=1)
        tokens = token.gather(1, order).reshape(-1, 1)
        base = torch.arange(len(open_), device=device)[:, None] * width
        rows = (base + origin.gather(1, order)).reshape(-1)
        best = running[:, 0].tolist()
        stay = [
            place
            for place, sentence in enumerate(open_)
            if not sentence.is_settled(how, best[place], length)
        ]
        if len(stay) < len(open_):
            keep = torch.tensor(stay, dtype=torch.long, device=device)
            running, open_ = running[keep], [open_[place] for place in stay]
            rows = rows.view(-1, width)[keep].reshape(-1)
            tokens = tokens.view(-1, width)[keep].reshape(-1, 1)
        written = torch.cat([written[rows], tokens], dim=1)
        if not open_:
            break
        state.select(rows)
    _note_cut(open_, written, running, how)
    return [
        sorted(one.done, key=lambda found: -found.score)[: max(1, how.alternatives)]
        for one in sentences
    ]


def _note_ends(
    open_: list[_Sentence],
    written: Tensor,
    values: Tensor,
    origin: Tensor,
    ends: Tensor,
    length: int,
    how: Decoding,
) -> None:
    """Take note of hypotheses that end now; only those among the best `beams` count."""
    width = how.beams
    for place, rank in ends[:, :width].nonzero().tolist():
        value = values[place, rank].item()
        if value == -torch.inf:
            continue
        text = written[place * width + int(origin[place, rank])].tolist()
        score = value / length**how.length_penalty
        open_[place].done.append(Hypothesis(text, score))


def _note_cut(open_: list[_Sentence], written: Tensor, running: Tensor, how: Decoding) -> None:
    """Where nothing was finished in time, the beginnings are all there is."""
    width = how.beams
    for place, sentence in enumerate(open_):
        for beam in range(width if len(sentence.done) < width else 0):
            value = running[place, beam].item()
            if value > -torch.inf:
                text = written[place * width + beam].tolist()
                score = value / max(1, len(text)) ** how.length_penalty
                sentence.done.append(Hypothesis(text, score, finished=False))


def _limited(how: Decoding, room: int) -> Decoding:
    return replace(how, max_new=min(how.max_new, room))
