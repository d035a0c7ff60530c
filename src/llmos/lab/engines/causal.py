"""Many requests to one causal model of transformers at once: how likely texts are, how they go on.

Token ids in, numbers and token ids out. Three things make it quick. Requests of like length share
a batch. Continuations of one prompt (the choices of a question) are packed behind it in one row,
so that the prompt is read once; a mask keeps them from seeing each other. And probabilities are
computed only where they are asked for, which with a vocabulary of 50,000 is most of the work.
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from llmos.lab.engines.engine import Sampling
from llmos.lab.errors import BadModel
from llmos.lab.nn.decoding import Decoding, choose

_TOKENS = 2048  # read in one pass, padding included
_PACKED = 1024  # tokens of one row with several continuations
_LOGITS = 2**26  # numbers in one pass: 256 MiB
_ROWS, _ROOM = 32, 8192  # continued at once: texts, and tokens kept for them


class NoNumber(BadModel):
    """The weights give NaN."""

    def __init__(self) -> None:
        super().__init__("The model's probabilities are no numbers (NaN): its weights are damaged")


@dataclass(frozen=True, slots=True)
class Gain:
    """The summed log-probability of a continuation, and whether each token was the likeliest."""

    logprob: float
    is_greedy: bool


@dataclass(frozen=True, slots=True)
class Written:
    tokens: list[int]
    finished: bool  # by its own end or a stop, not by the limit


@dataclass(frozen=True, slots=True)
class _Row:
    """A prompt with its continuations; `places` are theirs among the requests."""

    prompt: tuple[int, ...]
    continuations: tuple[tuple[int, ...], ...]
    places: tuple[int, ...]

    @property
    def width(self) -> int:
        # Nothing follows the last token of a continuation: it is not read.
        return len(self.prompt) + sum(len(one) - 1 for one in self.continuations)


class CausalBatches:
    def __init__(self, model: Any) -> None:
        self._model = model
        self._vocabulary = int(model.config.get_text_config().vocab_size)
        takes = inspect.signature(model.forward).parameters
        self._packs = "position_ids" in takes and _sees_all(model.config.get_text_config())
        self.continues = "position_ids" in takes and "past_key_values" in takes
        self._last = {"logits_to_keep": 1} if "logits_to_keep" in takes else {}

    @torch.no_grad()
    def gains(self, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[Gain]:
        """Of each (prompt, continuation); both have at least one token."""
        rows = sorted(self._rows(pairs), key=lambda row: -row.width)
        found: dict[int, Gain] = {}
        for batch in self._batches(rows):
            found |= self._packed(batch) if self._packs else self._plain(batch)
        return [found[place] for place in range(len(pairs))]

    @torch.no_grad()
    def written(
        self,
        prompts: Sequence[Sequence[int]],
        sampling: Sampling,
        *,
        ends: frozenset[int],
        most: int,
        text_of: Callable[[list[int]], str],
    ) -> Iterator[tuple[int, Written]]:
        """Each prompt's place and how it goes on, as they are done; `most` tokens in all."""
        order = sorted(range(len(prompts)), key=lambda place: -len(prompts[place]))
        while order:
            longest = len(prompts[order[0]]) + sampling.max_new
            size = max(1, min(_ROWS, _ROOM // longest))
            batch, order = order[:size], order[size:]
            rows = [list(prompts[place]) for place in batch]
            done = self._written(rows, sampling, ends, most, text_of)
            yield from ((batch[row], written) for row, written in done)

    def _rows(self, pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> Iterator[_Row]:
        groups: dict[tuple[int, ...], list[int]] = {}
        for place, (prompt, _) in enumerate(pairs):
            groups.setdefault(tuple(prompt), []).append(place)
        for prompt, places in groups.items():
            row = _Row(prompt, (), ())
            for place in places:
                one = tuple(pairs[place][1])
                full = row.places and row.width + len(one) - 1 > _PACKED
                if full or (row.places and not self._packs):
                    yield row
                    row = _Row(prompt, (), ())
                row = _Row(prompt, (*row.continuations, one), (*row.places, place))
            yield row

    def _batches(self, rows: Sequence[_Row]) -> Iterator[list[_Row]]:
        batch: list[_Row] = []
        for row in rows:
            width = batch[0].width if batch else row.width
            tokens = (len(batch) + 1) * width
            if batch and (tokens > _TOKENS or tokens * self._vocabulary > _LOGITS):
                yield batch
                batch = []
            batch.append(row)
        if batch:
            yield batch

    def _packed(self, rows: Sequence[_Row]) -> dict[int, Gain]:
        """Left-padded, so that what is asked for stands at the right end of every row."""
        width = max(row.width for row in rows)
        tokens = torch.zeros(len(rows), width, dtype=torch.long)
        places = torch.zeros(len(rows), width, dtype=torch.long)
        part = torch.full((len(rows), width), -1)  # -1 padding, 0 prompt, then continuations
        for number, row in enumerate(rows):
            start = width - row.width
            read, position, of = _laid_out(row)
            tokens[number, start:] = torch.tensor(read)
            places[number, start:] = torch.tensor(position)
            part[number, start:] = torch.tensor(of)
        keep = max(row.width - len(row.prompt) + 1 for row in rows)
        logits = self._model(
            input_ids=tokens,
            position_ids=places,
            attention_mask=_mask(part, self._model.dtype),
            use_cache=False,
            **({"logits_to_keep": keep} if self._last else {}),
        ).logits[:, -keep:]
        return _gains(logits, rows, [keep - (row.width - len(row.prompt)) - 1 for row in rows])

    def _plain(self, rows: Sequence[_Row]) -> dict[int, Gain]:
        """Right-padded: a causal model of any kind does not see what comes later."""
        width = max(row.width for row in rows)
        tokens = torch.zeros(len(rows), width, dtype=torch.long)
        for number, row in enumerate(rows):
            tokens[number, : row.width] = torch.tensor(_laid_out(row)[0])
        logits = self._model(input_ids=tokens, use_cache=False).logits
        return _gains(logits, rows, [len(row.prompt) - 1 for row in rows])

    def _written(
        self,
        prompts: list[list[int]],
        sampling: Sampling,
        ends: frozenset[int],
        most: int,
        text_of: Callable[[list[int]], str],
    ) -> Iterator[tuple[int, Written]]:
        """A text that has ended leaves the batch at once."""
        tokens, real = _left_padded(prompts)
        places = (real.cumsum(-1) - 1).clamp(min=0)
        how = Decoding(
            temperature=sampling.temperature or None, top_k=sampling.top_k, top_p=sampling.top_p
        )
        chance = torch.Generator().manual_seed(sampling.seed or 0)
        going, memory = list(range(len(prompts))), None
        written: list[list[int]] = [[] for _ in prompts]
        while going:
            out = self._model(
                input_ids=tokens,
                attention_mask=real,
                position_ids=places,
                past_key_values=memory,
                use_cache=True,
                **self._last,
            )
            memory = out.past_key_values
            chosen, gains = choose(out.logits[:, -1], how, chance)
            if gains.isnan().any():
                raise NoNumber
            staying = []
            for row, (place, token) in enumerate(zip(going, chosen.tolist(), strict=True)):
                ended = token in ends
                if not ended:
                    written[place].append(token)
                    ended = _stops(written[place], sampling.stop, text_of)
                room = min(sampling.max_new, most - len(prompts[place]))
                if ended or len(written[place]) >= room:
                    yield place, Written(written[place], ended)
                else:
                    staying.append(row)
            if len(staying) < len(going):
                kept = torch.tensor(staying, dtype=torch.long)
                going = [going[row] for row in staying]
                chosen, real, places = chosen[kept], real[kept], places[kept]
                if going:
                    memory.batch_select_indices(kept)
            tokens = chosen[:, None]
            places = places[:, -1:] + 1
            real = torch.cat([real, real.new_ones(len(going), 1)], dim=-1)


def _sees_all(config: Any) -> bool:
    """Whether every layer looks at everything before a token, as packed rows suppose."""
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    return kinds == {"full_attention"} and not getattr(config, "sliding_window", None)


def _laid_out(row: _Row) -> tuple[list[int], list[int], list[int]]:
    """Tokens as read, the position of each, and the part it belongs to."""
    start = len(row.prompt)
    tokens, places, parts = list(row.prompt), list(range(start)), [0] * start
    for number, one in enumerate(row.continuations, 1):
        tokens += one[:-1]
        places += range(start, start + len(one) - 1)
        parts += [number] * (len(one) - 1)
    return tokens, places, parts


def _mask(part: Tensor, dtype: torch.dtype) -> Tensor:
    """What each token may see: what came before it in the prompt and in its own part."""
    width = part.shape[1]
    before = torch.ones(width, width, dtype=torch.bool).tril()
    seen, looking = part[:, None, :], part[:, :, None]
    may = before & ((seen == 0) | (seen == looking))  # (b, n, n)
    hidden = torch.zeros(may.shape, dtype=dtype).masked_fill(~may, torch.finfo(dtype).min)
    return hidden[:, None]


def _gains(logits: Tensor, rows: Sequence[_Row], lasts: Sequence[int]) -> dict[int, Gain]:
    """`lasts` is where each row's prompt ends among the logits."""
    row_of, place_of, wanted = list[int](), list[int](), list[int]()
    for number, (row, last) in enumerate(zip(rows, lasts, strict=True)):
        after = last + 1
        for one in row.continuations:
            row_of += [number] * len(one)
            place_of += [last, *range(after, after + len(one) - 1)]
            wanted += one
            after += len(one) - 1
    target = torch.tensor(wanted)
    chosen = logits[torch.tensor(row_of), torch.tensor(place_of)].float()  # (tokens, v)
    gains = chosen.log_softmax(-1).gather(1, target[:, None])[:, 0]
    if gains.isnan().any():
        raise NoNumber
    greedy = (chosen.argmax(-1) == target).tolist()
    found: dict[int, Gain] = {}
    at = 0
    for row in rows:
        for place, one in zip(row.places, row.continuations, strict=True):
            end = at + len(one)
            found[place] = Gain(float(gains[at:end].sum()), all(greedy[at:end]))
            at = end
    return found


def _left_padded(prompts: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    width = max(len(one) for one in prompts)
    tokens = torch.tensor([[0] * (width - len(one)) + list(one) for one in prompts])
    real = torch.tensor([[0] * (width - len(one)) + [1] * len(one) for one in prompts])
    return tokens, real


def _stops(written: list[int], stop: Sequence[str], text_of: Callable[[list[int]], str]) -> bool:
    if not stop:
        return False
    # A stop of n letters lies within its last n tokens; some more, for letters of several tokens.
    tail = text_of(written[-(max(map(len, stop)) + 8) :])
    return any(one in tail for one in stop)
