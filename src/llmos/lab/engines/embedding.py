"""Texts as vectors: encoders in the layout of sentence-transformers, run by transformers.

`modules.json` says how token vectors become one (mean or first token) and whether it is brought
to length 1; a plain encoder without it is averaged.
"""

import json
import threading
from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoModel
from transformers.utils import logging

from llmos.lab.engines.engine import Embedded, Engine
from llmos.lab.engines.errors import NoEngine
from llmos.lab.engines.folders import ModelFolder, read_json
from llmos.lab.errors import BadModel
from llmos.lab.export.ctranslate2 import load_tokenizer

_BATCH = 32
_KNOWN = ("Transformer", "Pooling", "Normalize")


class EmbeddingEngine(Engine):
    kind = "transformers"

    def __init__(self, model: ModelFolder, *, threads: int) -> None:
        torch.set_num_threads(threads)
        self.task = "feature-extraction"
        self._first_token, self._normalize = _layout(model)
        longest = read_json(model.path / "sentence_bert_config.json").get("max_seq_length")
        self.context = min(model.context, int(longest or model.context))
        logging.disable_progress_bar()
        try:
            self._tokenizer = load_tokenizer(model.path)
            self._model = AutoModel.from_pretrained(
                model.path, use_safetensors=True, local_files_only=True, dtype=torch.float32
            )
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise BadModel(f"transformers cannot load the model: {error}") from error
        self._model.eval()
        self._one = threading.Lock()

    @torch.no_grad()
    def embed(self, texts: Sequence[str], *, normalize: bool | None = None) -> Embedded:
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        vectors: dict[int, list[float]] = {}
        tokens = 0
        for start in range(0, len(order), _BATCH):
            places = order[start : start + _BATCH]
            read = self._tokenizer(
                [texts[place] for place in places],
                padding=True,
                truncation=True,  # as sentence-transformers: the beginning stands for the text
                max_length=self.context,
                return_tensors="pt",
            )
            tokens += int(read["attention_mask"].sum())
            with self._one:
                hidden = self._model(**read).last_hidden_state
            found = self._pooled(hidden, read["attention_mask"])
            if self._normalize if normalize is None else normalize:
                found = torch.nn.functional.normalize(found, dim=1)
            vectors |= dict(zip(places, found.tolist(), strict=True))
        return Embedded([vectors[place] for place in range(len(texts))], tokens)

    def _pooled(self, hidden: Any, mask: Any) -> Any:
        """(b, n, d), (b, n) → (b, d)"""
        if self._first_token:
            return hidden[:, 0]
        weights = mask[:, :, None].float()
        return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1e-9)


def _layout(model: ModelFolder) -> tuple[bool, bool]:
    """Whether the first token stands for the text, and whether vectors get length 1."""
    path = model.path / "modules.json"
    if not path.exists():
        return False, False
    try:
        modules = json.loads(path.read_text(encoding="utf-8"))
        kinds = {str(one["type"]).rpartition(".")[2]: str(one["path"]) for one in modules}
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BadModel(f"modules.json cannot be read: {error}") from error
    unknown = [kind for kind in kinds if kind not in _KNOWN]
    if unknown:
        raise NoEngine(f"No engine here runs the module {unknown[0]} of sentence-transformers")
    folder = kinds.get("Pooling", "")
    if "/" in folder or ".." in folder:
        raise BadModel("modules.json names a folder outside the model")
    pooling = read_json(model.path / folder / "config.json") if folder else {}
    return bool(pooling.get("pooling_mode_cls_token")), "Normalize" in kinds
