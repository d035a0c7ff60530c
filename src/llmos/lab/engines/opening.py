"""Opening a model: look at its files, choose the engine, load."""

import os
from pathlib import Path
from typing import Literal

from llmos.lab.engines.engine import Engine
from llmos.lab.engines.errors import NoEngine
from llmos.lab.engines.folders import ModelFolder, look
from llmos.lab.errors import MissingPart

Kind = Literal["ctranslate2", "llama_cpp", "torch", "transformers"]


def open_engine(
    folder: Path,
    *,
    threads: int | None = None,
    kind: Kind | None = None,
    cache: Path | None = None,
    precision: str = "int8",
) -> Engine:
    """Load the model in `folder` (or a GGUF file), by the engine that runs it best, or by `kind`.

    `threads` is all cores unless said. `cache` keeps converted files. `precision` is how
    CTranslate2 computes ("int8" or "float32").
    Raises BadModel, RunsCode, NoEngine, MissingPart.
    """
    model = look(folder)
    cores = threads or len(os.sched_getaffinity(0))
    try:
        return _opened(model, kind or model.engine, cores, cache, precision)
    except ModuleNotFoundError as missing:
        raise MissingPart(
            f"To use models, install what serves them: pip install 'llmos[serve]' "
            f"(missing: {missing.name})"
        ) from missing


def _opened(
    model: ModelFolder, kind: str, threads: int, cache: Path | None, precision: str
) -> Engine:
    if model.gguf is not None and kind not in {"llama_cpp", "transformers"}:
        raise NoEngine("GGUF files run in llama.cpp, or with full numbers in transformers")
    if kind == "ctranslate2":
        from llmos.lab.engines.translating import CTranslate2Engine

        return CTranslate2Engine(model, threads=threads, cache=cache, precision=precision)
    if kind == "llama_cpp":
        from llmos.lab.engines.llama import LlamaCppEngine

        return LlamaCppEngine(model, threads=threads, cache=cache)
    if kind == "torch":
        from llmos.lab.engines.own import TorchEngine

        return TorchEngine(model, threads=threads)
    if model.task == "feature-extraction":
        from llmos.lab.engines.embedding import EmbeddingEngine

        return EmbeddingEngine(model, threads=threads)
    from llmos.lab.engines.fallback import TransformersEngine

    return TransformersEngine(model, threads=threads)
