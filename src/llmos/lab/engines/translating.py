"""Encoder-decoders through CTranslate2: translation and summaries, several texts at once.

Each core translates batches of its own: two threads on one batch are slower than one here
(measured, docs/decisions/0010-engines.md).
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llmos.lab.engines.engine import Alternative, Engine, Generated, Sampling, Translation
from llmos.lab.engines.errors import PromptTooLong
from llmos.lab.engines.folders import ModelFolder
from llmos.lab.engines.stopping import up_to
from llmos.lab.export.cache import converted
from llmos.lab.export.ctranslate2 import load_tokenizer, write_ctranslate2

_BATCH = 32  # texts one core takes at a time
MOST_BEAMS = 32


class CTranslate2Engine(Engine):
    kind = "ctranslate2"

    def __init__(
        self, model: ModelFolder, *, threads: int, cache: Path | None, precision: str
    ) -> None:
        import ctranslate2

        made = converted(
            model.path, "ct2", lambda target: write_ctranslate2(model.path, target), cache=cache
        )
        self.task, self.context, self.precision = model.task, model.context, precision
        self._tokenizer = load_tokenizer(model.path)
        self._translator = ctranslate2.Translator(
            str(made),
            device="cpu",
            inter_threads=max(1, threads),
            intra_threads=1,
            compute_type=precision,
        )

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
        alternatives = max(1, min(alternatives, MOST_BEAMS))
        beam = min(max(beam, alternatives, 1), MOST_BEAMS)
        return self._translated(
            texts,
            attention=attention,
            max_new=max_new,
            beam_size=beam,
            num_hypotheses=alternatives,
            length_penalty=length_penalty,
        )

    def generate(
        self, prompts: Sequence[str], *, sampling: Sampling | None = None
    ) -> list[Generated]:
        import ctranslate2

        chosen = sampling or Sampling()
        random = chosen.temperature > 0
        if chosen.seed is not None:
            ctranslate2.set_random_seed(chosen.seed)
        found = self._translated(
            prompts,
            attention=False,
            max_new=chosen.max_new,
            beam_size=1,
            sampling_temperature=chosen.temperature if random else 1.0,
            sampling_topk=(chosen.top_k or 0) if random else 1,
            sampling_topp=chosen.top_p,
        )
        return [
            Generated(
                text=up_to(one.text, chosen.stop),
                finish="length" if len(one.alternatives[0].tokens) >= chosen.max_new else "stop",
                prompt_tokens=len(one.source),
                new_tokens=len(one.alternatives[0].tokens),
            )
            for one in found
        ]

    def close(self) -> None:
        self._translator.unload_model()

    def _translated(
        self, texts: Sequence[str], *, attention: bool, max_new: int, **search: Any
    ) -> list[Translation]:
        if not texts:
            return []
        sources = [self._tokens(text) for text in texts]
        results = self._translator.translate_batch(
            sources,
            max_batch_size=_BATCH,
            max_decoding_length=max(1, min(max_new, self.context - 1)),
            max_input_length=self.context,
            return_scores=True,
            return_attention=attention,
            **search,
        )
        return [
            Translation(self._alternatives(result), tuple(source))
            for source, result in zip(sources, results, strict=True)
        ]

    def _tokens(self, text: str) -> list[str]:
        ids = self._tokenizer(text, verbose=False).input_ids
        if len(ids) > self.context:
            raise PromptTooLong(len(ids), self.context)
        tokens: list[str] = self._tokenizer.convert_ids_to_tokens(ids)
        return tokens

    def _alternatives(self, result: Any) -> tuple[Alternative, ...]:
        attention = result.attention or [()] * len(result.hypotheses)
        return tuple(
            Alternative(
                text=self._text(tokens),
                score=score,
                tokens=tuple(tokens),
                attention=tuple(tuple(row) for row in rows),
            )
            for tokens, score, rows in zip(result.hypotheses, result.scores, attention, strict=True)
        )

    def _text(self, tokens: list[str]) -> str:
        ids = self._tokenizer.convert_tokens_to_ids(tokens)
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()
