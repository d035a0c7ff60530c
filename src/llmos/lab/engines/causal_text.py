"""A causal model of transformers asked about texts: cuts them into tokens, and into windows.

How text and tokens meet decides scores. A prompt's last spaces belong to what follows, before an
empty prompt stands the token that begins (or ends) a text, and a tokeniser's own end is left off:
as lm-eval does all three.
"""

import math
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from llmos.lab.engines.causal import CausalBatches
from llmos.lab.engines.engine import Generated, Likelihood, Sampling
from llmos.lab.engines.errors import PromptTooLong
from llmos.lab.engines.stopping import up_to


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is asked of a text: (before, what follows) once or in turn; tokens left out."""

    pairs: list[tuple[list[int], list[int]]]
    cut: int = 0


class CausalText:
    def __init__(self, model: Any, tokenizer: Any, *, context: int, one: threading.Lock) -> None:
        self._tokenizer, self._context, self._one = tokenizer, context, one
        self._batches = CausalBatches(model)
        self.continues = self._batches.continues
        bos, eos = tokenizer.bos_token_id, tokenizer.eos_token_id
        self._first = int(bos if bos is not None else eos if eos is not None else 0)
        self.prefix = str(tokenizer.decode([self._first]))
        said = model.generation_config.eos_token_id
        ends = (*said, eos) if isinstance(said, list) else (said, eos)
        self._ends = frozenset(end for end in ends if end is not None)

    def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[Likelihood]:
        """Raises PromptTooLong for a continuation that is longer than the context."""
        parts = [self._asked(prompt, continuation) for prompt, continuation in pairs]
        with self._one:
            gains = iter(self._batches.gains([pair for part in parts for pair in part.pairs]))
        found = []
        for part in parts:
            own = [next(gains) for _ in part.pairs]
            found.append(
                Likelihood(
                    logprob=math.fsum(gain.logprob for gain in own),
                    is_greedy=all(gain.is_greedy for gain in own),
                    tokens=sum(len(end) for _, end in part.pairs),
                    cut=part.cut,
                )
            )
        return found

    def generate(self, prompts: Sequence[str], sampling: Sampling) -> list[Generated]:
        """Raises PromptTooLong."""
        asked = [self._ids(prompt) or [self._first] for prompt in prompts]
        for ids in asked:
            if len(ids) > self._context:
                raise PromptTooLong(len(ids), self._context)
        found: dict[int, Generated] = {}
        with self._one:
            for place, written in self._batches.written(
                asked, sampling, ends=self._ends, most=self._context, text_of=self._text
            ):
                found[place] = Generated(
                    text=up_to(self._text(written.tokens), sampling.stop),
                    finish="stop" if written.finished else "length",
                    prompt_tokens=len(asked[place]),
                    new_tokens=len(written.tokens),
                )
        return [found[place] for place in range(len(prompts))]

    def _asked(self, prompt: str, continuation: str) -> _Asked:
        if not prompt:
            ids = self._ids(continuation, special=False)
            ids = ids[1:] if ids[:1] == [self._first] and len(ids) > 1 else ids
            return _Asked(_windows(self._first, ids, self._context))
        bare = prompt.rstrip()
        continuation = prompt[len(bare) :] + continuation
        if bare:
            start, whole = self._ids(bare), self._ids(bare + continuation)
            # Joined to the word before, a continuation may have no token of its own left.
            end = whole[len(start) :] or whole[-1:]
        else:
            start, end = [self._first], self._ids(continuation, special=False)
        if len(end) > self._context:
            raise PromptTooLong(len(end), self._context)
        over = max(0, len(start) + len(end) - self._context - 1)
        return _Asked([(start[over:], end)], over)

    def _ids(self, text: str, *, special: bool = True) -> list[int]:
        begins = bool(self.prefix) and text.startswith(self.prefix)
        ids: list[int] = self._tokenizer(
            text, add_special_tokens=special and not begins, verbose=False
        ).input_ids
        return ids[:-1] if len(ids) > 1 and ids[-1] == self._tokenizer.eos_token_id else ids

    def _text(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))


def _windows(first: int, ids: list[int], context: int) -> list[tuple[list[int], list[int]]]:
    """Each token once, with as much before it as fits: windows one after another.

    The last one looks back as far as it can, as lm-eval's rolling windows do.
    """
    pairs = [([first], ids[:context])] if ids else []
    for start in range(context, len(ids), context):
        end = min(start + context, len(ids))
        pairs.append((ids[max(0, end - context - 1) : start], ids[start:end]))
    return pairs
