"""Our own Transformer in use: the same answers as the fast engines, by code that can be read."""

from collections.abc import Iterator, Sequence

import torch

from llmos.lab.engines.engine import (
    Alternative,
    Engine,
    Generated,
    Likelihood,
    Pieces,
    Sampling,
    Translation,
)
from llmos.lab.engines.errors import PromptTooLong
from llmos.lab.engines.folders import ModelFolder
from llmos.lab.nn.decoder import Decoder
from llmos.lab.nn.decoding import Decoding, Hypothesis, continue_text, padded, translate
from llmos.lab.nn.encoder_decoder import EncoderDecoder
from llmos.lab.nn.files import load

_BATCH_TOKENS = 4096  # source tokens translated together, padding included


class TorchEngine(Engine):
    kind = "torch"

    def __init__(self, model: ModelFolder, *, threads: int) -> None:
        torch.set_num_threads(threads)
        loaded = load(model.path)
        self._model, self._tokenizer = loaded.model.eval(), loaded.tokenizer
        self.task, self.context = model.task, loaded.model.config.max_positions

    def translate(
        self,
        texts: Sequence[str],
        *,
        beam: int = 5,
        alternatives: int = 1,
        attention: bool = False,
        max_new: int = 256,
        length_penalty: float = 1.0,
    ) -> list[Translation]:
        if not isinstance(self._model, EncoderDecoder):
            raise self._cannot("translate")
        how = Decoding(
            beams=max(beam, alternatives, 1),
            alternatives=alternatives,
            length_penalty=length_penalty,
            max_new=max_new,
        )
        sources = [self._ids(text) for text in texts]
        found: dict[int, Translation] = {}
        for batch in _batches(sources):
            decoded = translate(self._model, [sources[place] for place in batch], how)
            for place, hypotheses in zip(batch, decoded, strict=True):
                options = tuple(
                    Alternative(
                        text=self._tokenizer.decode(one.tokens).strip(),
                        score=one.score if how.beams > 1 else one.score / max(1, len(one.tokens)),
                        tokens=self._pieces(one.tokens),
                        attention=self._looks(sources[place], one.tokens) if attention else (),
                    )
                    for one in hypotheses
                )
                found[place] = Translation(options, self._pieces(sources[place]))
        return [found[place] for place in range(len(texts))]

    def generate(
        self, prompts: Sequence[str], *, sampling: Sampling | None = None
    ) -> list[Generated]:
        if not isinstance(self._model, Decoder):
            raise self._cannot("continue text")
        chosen = sampling or Sampling()
        how = Decoding(
            max_new=chosen.max_new,
            temperature=chosen.temperature or None,
            top_k=chosen.top_k,
            top_p=chosen.top_p,
            seed=chosen.seed or 0,
        )
        ids = [self._ids(prompt, open_ended=True) for prompt in prompts]
        made = continue_text(self._model, ids, how)
        return [
            _generated(self._tokenizer.decode(one[0].tokens), len(prompt), one[0], chosen)
            for prompt, one in zip(ids, made, strict=True)
        ]

    def stream(self, prompt: str, *, sampling: Sampling | None = None) -> Pieces:
        made = self.generate([prompt], sampling=sampling)[0]
        yield made.text
        return made

    @torch.no_grad()
    def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[Likelihood]:
        if not isinstance(self._model, Decoder):
            raise self._cannot("tell probabilities of text")
        model, found = self._model, []
        for prompt, continuation in pairs:
            start = self._ids(prompt, open_ended=True) if prompt else [model.config.eos]
            whole = self._ids(prompt + continuation, open_ended=True)
            end = whole[len(start) :] if prompt else whole
            tokens, real = padded([start + end], model.config.pad)
            logits = model(tokens[:, :-1], real[:, :-1])[0, len(start) - 1 :]
            target = tokens[0, len(start) :]
            gains = logits.log_softmax(-1).gather(1, target[:, None]).sum().item()
            greedy = bool((logits.argmax(-1) == target).all())
            found.append(Likelihood(gains, greedy, len(end)))
        return found

    def _ids(self, text: str, *, open_ended: bool = False) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text).ids
        if open_ended:
            while ids and ids[-1] == self._model.config.eos:
                ids = ids[:-1]
            ids = ids or [self._model.config.eos]
        if len(ids) > self.context:
            raise PromptTooLong(len(ids), self.context)
        return ids

    def _pieces(self, ids: Sequence[int]) -> tuple[str, ...]:
        return tuple(self._tokenizer.id_to_token(number) or "" for number in ids)

    @torch.no_grad()
    def _looks(self, source: list[int], target: list[int]) -> tuple[tuple[float, ...], ...]:
        """Where each written token looked in the source: the last layer's heads, averaged."""
        assert isinstance(self._model, EncoderDecoder)
        tokens, real = padded([source], self._model.config.pad)
        written = torch.tensor([[self._model.config.pad, *target]])[:, :-1]
        weights = self._model.alignment(tokens, real, written)[0]
        return tuple(tuple(round(value, 4) for value in row) for row in weights.tolist())


def _generated(text: str, prompt_tokens: int, one: Hypothesis, chosen: Sampling) -> Generated:
    finish = "stop" if one.finished else "length"
    for word in chosen.stop:
        if word in text:
            text, finish = text[: text.index(word)], "stop"
    return Generated(text, finish, prompt_tokens, len(one.tokens))


def _batches(sources: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Places of sources of like length, so that little is padded."""
    order = sorted(range(len(sources)), key=lambda place: -len(sources[place]))
    batch: list[int] = []
    for place in order:
        width = len(sources[batch[0]]) if batch else len(sources[place])
        if batch and (len(batch) + 1) * width > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch
