"""The engine that measures a model: one that computes with the weights as they were published.

Speed comes second here. Safetensors are run in full precision, where `serving` takes 8 bits; a
GGUF file is run as it is, since its numbers are the model.
"""

from pathlib import Path

from llmos.lab.benchmarks import Benchmark
from llmos.lab.engines import Engine, Kind, open_engine
from llmos.lab.engines.errors import CannotDo
from llmos.lab.engines.folders import ModelFolder, look

_OF_PROBABILITY = ("classification", "language-modelling")
# What a model of each kind can be measured at.
_MEASURED: dict[str, tuple[str, ...]] = {
    "text-generation": (
        "text-generation",
        "classification",
        "language-modelling",
        "translation",
        "summarization",
        "question-answering",
    ),
    "translation": ("translation", "summarization", "text-generation"),
    "summarization": ("translation", "summarization", "text-generation"),
    "question-answering": ("question-answering",),
}


def open_for(
    benchmark: Benchmark,
    folder: Path,
    *,
    kind: Kind | None = None,
    threads: int | None = None,
    cache: Path | None = None,
) -> Engine:
    """Open the model in `folder` to be asked what `benchmark` asks.

    Raises CannotDo for a model of another task, and what `open_engine` raises.
    """
    model = look(folder)
    if benchmark.task not in _MEASURED.get(model.task, ()):
        raise CannotDo(
            f"{folder.name} is a model for {model.task}; it cannot be measured at {benchmark.task}"
        )
    chosen = kind or _kind_for(benchmark, model)
    return open_engine(folder, kind=chosen, threads=threads, cache=cache, precision="float32")


def _kind_for(benchmark: Benchmark, model: ModelFolder) -> Kind:
    if model.engine == "ctranslate2":
        return "ctranslate2"
    if model.gguf is not None and benchmark.task not in _OF_PROBABILITY:
        return "llama_cpp"
    return "transformers"
