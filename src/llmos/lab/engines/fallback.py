"""Whatever the fast engines do not run, in transformers: slower, and right.

Causal models, encoder-decoders and question answering. Only safetensors are read, and no code
that a model brings.
"""

import threading
from collections.abc import Sequence
from typing import Any

import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForQuestionAnswering,
    AutoModelForSeq2SeqLM,
    GenerationConfig,
    TextIteratorStreamer,
)
from transformers.utils import logging

from llmos.lab.engines.causal_text import CausalText
from llmos.lab.engines.engine import (
    Alternative,
    Answer,
    Engine,
    Generated,
    Likelihood,
    Message,
    Pieces,
    Sampling,
    Translation,
)
from llmos.lab.engines.errors import CannotDo, PromptTooLong
from llmos.lab.engines.folders import ModelFolder
from llmos.lab.engines.stopping import pieces_up_to, up_to
from llmos.lab.errors import BadModel
from llmos.lab.export.ctranslate2 import load_tokenizer

_CLASSES = {
    "text-generation": AutoModelForCausalLM,
    "translation": AutoModelForSeq2SeqLM,
    "summarization": AutoModelForSeq2SeqLM,
    "question-answering": AutoModelForQuestionAnswering,
}
_LONGEST_ANSWER = 30  # tokens
_STRIDE = 128  # tokens by which stretches of a long context overlap


class TransformersEngine(Engine):
    kind = "transformers"

    def __init__(self, model: ModelFolder, *, threads: int) -> None:
        torch.set_num_threads(threads)
        self.task, self.context = model.task, model.context
        if self.task not in _CLASSES:
            raise CannotDo(f"No engine here runs models for {self.task}")
        logging.disable_progress_bar()
        logging.set_verbosity_error()  # what it warns of is ours to know, not a member's
        try:
            self._tokenizer, self._model = _loaded(model)
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise BadModel(f"transformers cannot load the model: {error}") from error
        self._model.eval()
        self._one = threading.Lock()  # torch uses all cores for one call already
        self._causal: CausalText | None = None
        if self.task == "text-generation":
            self._causal = CausalText(
                self._model, self._tokenizer, context=self.context, one=self._one
            )
            self.prefix = self._causal.prefix

    @torch.no_grad()
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
        if self.task not in {"translation", "summarization"}:
            raise self._cannot("translate")
        found = []
        for text in texts:
            ids = self._ids(text)
            made = self._made(
                ids,
                Sampling(max_new=max_new),
                num_beams=max(beam, alternatives),
                num_return_sequences=alternatives,
                length_penalty=length_penalty,
            )
            options = tuple(Alternative(self._text(row), 0.0) for row in made)
            source = tuple(self._tokenizer.convert_ids_to_tokens(ids[0].tolist()))
            found.append(Translation(options, source))
        return found

    @torch.no_grad()
    def generate(
        self, prompts: Sequence[str], *, sampling: Sampling | None = None
    ) -> list[Generated]:
        if self.task == "question-answering":
            raise self._cannot("continue text")
        sampling = sampling or Sampling()
        if self._causal is not None and self._causal.continues:
            return self._causal.generate(prompts, sampling)
        return [self._generated(prompt, sampling) for prompt in prompts]

    def stream(self, prompt: str, *, sampling: Sampling | None = None) -> Pieces:
        if self.task != "text-generation":
            raise self._cannot("continue text")
        return self._streamed(self._ids(prompt), sampling or Sampling())

    def chat(self, messages: Sequence[Message], *, sampling: Sampling | None = None) -> Pieces:
        if self.task != "text-generation" or not self._tokenizer.chat_template:
            raise CannotDo("This model has no chat template: let it continue text instead")
        ids = self._tokenizer.apply_chat_template(
            list(messages), add_generation_prompt=True, return_tensors="pt", return_dict=True
        )["input_ids"]
        return self._streamed(self._checked(ids), sampling or Sampling())

    @torch.no_grad()
    def answer(self, question: str, context: str, *, top: int = 1) -> list[Answer]:
        if self.task != "question-answering":
            raise self._cannot("answer questions from a text")
        read = self._tokenizer(
            question,
            context,
            truncation="only_second",
            max_length=min(self.context, 384),
            stride=min(_STRIDE, self.context // 4),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            padding=True,
            return_tensors="pt",
        )
        offsets = read.pop("offset_mapping")
        read.pop("overflow_to_sample_mapping", None)
        with self._one:
            out = self._model(**{name: read[name] for name in self._tokenizer.model_input_names})
        found: list[Answer] = []
        for row in range(len(offsets)):
            inside = [one == 1 for one in read.sequence_ids(row)]
            starts = out.start_logits[row].softmax(-1).tolist()
            ends = out.end_logits[row].softmax(-1).tolist()
            found += _best_stretches(context, offsets[row].tolist(), inside, starts, ends)
        return sorted(found, key=lambda one: -one.score)[:top]

    def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[Likelihood]:
        if self._causal is None:
            raise self._cannot("tell probabilities of text")
        return self._causal.loglikelihood(pairs)

    def _generated(self, prompt: str, sampling: Sampling) -> Generated:
        ids = self._ids(prompt)
        row = self._made(ids, sampling)[0]
        new = row if self.task != "text-generation" else row[ids.shape[1] :]
        text = up_to(self._text(new), sampling.stop)
        return Generated(text, _finish(len(new), sampling), ids.shape[1], len(new))

    def _streamed(self, ids: Any, sampling: Sampling) -> Pieces:
        streamer = TextIteratorStreamer(self._tokenizer, skip_prompt=True, skip_special_tokens=True)
        over, failures, length = threading.Event(), [], ids.shape[1]

        def is_over(row: Any, *_: Any, **__: Any) -> bool:
            nonlocal length
            length = row.shape[1]
            return over.is_set()

        def work() -> None:
            try:
                self._made(ids, sampling, streamer=streamer, stopping_criteria=[is_over])
            except Exception as error:  # noqa: BLE001 - raised again where the pieces are read
                failures.append(error)
            finally:
                streamer.end()

        threading.Thread(target=work, daemon=True).start()
        text = ""
        try:
            for piece in pieces_up_to(streamer, sampling.stop):
                text += piece
                yield piece
        finally:
            over.set()
        if failures:
            raise failures[0]
        new = length - ids.shape[1]
        return Generated(text, _finish(new, sampling), ids.shape[1], new)

    @torch.no_grad()
    def _made(self, ids: Any, sampling: Sampling, **how: Any) -> Any:
        with self._one:
            if sampling.seed is not None:
                torch.manual_seed(sampling.seed)
            return self._model.generate(ids, **self._options(sampling, ids), **how)

    def _options(self, sampling: Sampling, ids: Any) -> dict[str, Any]:
        random = sampling.temperature > 0
        room = self.context - ids.shape[1] if self.task == "text-generation" else self.context
        chosen = GenerationConfig.from_model_config(self._model.config)
        chosen.max_length = None
        chosen.max_new_tokens = max(1, min(sampling.max_new, room))
        chosen.do_sample = random
        if random:
            chosen.temperature, chosen.top_p = sampling.temperature, sampling.top_p
            chosen.top_k = sampling.top_k or None
        if chosen.pad_token_id is None:
            ends = chosen.eos_token_id
            chosen.pad_token_id = ends[0] if isinstance(ends, list) else ends
        options: dict[str, Any] = {"generation_config": chosen}
        if sampling.stop:
            options |= {"stop_strings": list(sampling.stop), "tokenizer": self._tokenizer}
        return options

    def _ids(self, text: str) -> Any:
        return self._checked(self._tokenizer(text, return_tensors="pt", verbose=False).input_ids)

    def _checked(self, ids: Any) -> Any:
        if ids.shape[1] > self.context:
            raise PromptTooLong(ids.shape[1], self.context)
        return ids

    def _text(self, row: Any) -> str:
        return str(self._tokenizer.decode(row, skip_special_tokens=True)).strip()


def _loaded(model: ModelFolder) -> tuple[Any, Any]:
    """Tokeniser and model in fp32; of a GGUF file its weights, no longer quantised."""
    if model.gguf is not None:
        from llmos.lab.training.bases import model_of, tokeniser_of

        return tokeniser_of(model.gguf), model_of(model.gguf)
    return load_tokenizer(model.path), _CLASSES[model.task].from_pretrained(
        model.path, use_safetensors=True, local_files_only=True, dtype=torch.float32
    )


def _finish(new: int, sampling: Sampling) -> str:
    return "length" if new >= sampling.max_new else "stop"


def _best_stretches(
    context: str,
    offsets: list[tuple[int, int]],
    inside: list[bool],
    starts: list[float],
    ends: list[float],
) -> list[Answer]:
    """Each token of the context as a start with its best end after it."""
    found = []
    for first, begins in enumerate(starts):
        if not inside[first]:
            continue
        lasts = range(first, min(first + _LONGEST_ANSWER, len(ends)))
        last = max((at for at in lasts if inside[at]), key=lambda at: ends[at])
        start, end = offsets[first][0], offsets[last][1]
        found.append(Answer(context[start:end], begins * ends[last], start, end))
    return found
