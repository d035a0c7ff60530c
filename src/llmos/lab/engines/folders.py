"""What a model folder holds, found by looking at its files alone: nothing is loaded here.

This is also where the dangerous ones stop: pickled weights, configurations that name code to
run, GGUF headers that promise what the file does not have.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from llmos.kit.speaking import spoken as _
from llmos.lab.engines.errors import NoEngine
from llmos.lab.errors import BadModel, RunsCode
from llmos.wire import gguf

# Encoder-decoders whose weights CTranslate2 reads and that need no language code to start.
_TRANSLATED = frozenset(
    {
        "MarianMTModel",
        "BartForConditionalGeneration",
        "PegasusForConditionalGeneration",
        "T5ForConditionalGeneration",
    }
)
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".msgpack", ".h5")
_LARGEST_JSON = 64 * 2**20  # bytes; configurations take kilobytes, tokenisers up to 30 MB
_TASKS = {
    "ForCausalLM": "text-generation",
    "LMHeadModel": "text-generation",
    "MTModel": "translation",
    "ForConditionalGeneration": "summarization",
    "ForQuestionAnswering": "question-answering",
    "ForSequenceClassification": "text-classification",
}


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """`engine` is the kind that runs it best; `gguf` the file to run, if it is one."""

    path: Path
    task: str
    engine: str
    architecture: str
    context: int
    gguf: Path | None = None


def look(folder: Path) -> ModelFolder:
    """What `folder` (or a GGUF file itself) holds. Raises BadModel, RunsCode, NoEngine."""
    if folder.is_file():
        if folder.suffix != ".gguf":
            raise BadModel(f"{folder.name} is no model: name a folder or a GGUF file")
        return _gguf_model(folder)
    if not folder.is_dir():
        raise BadModel(f"There is no model at {folder}")
    config = read_json(folder / "config.json")
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*")]
    task = task_of(names, config, read_json(folder / "tokenizer_config.json"))
    if not any(_is_weights(name) for name in names):
        return _gguf_model(folder / preferred_gguf(names))
    architecture = _architecture(config)
    return ModelFolder(
        path=folder,
        task=task,
        engine=_engine_for(folder, config, architecture, task),
        architecture=architecture,
        context=_context(config),
    )


def task_of(
    names: Iterable[str], config: Mapping[str, Any], tokenizer_config: Mapping[str, Any]
) -> str:
    """What a model with files of these names is for, as far as an engine here can run it.

    Raises BadModel, RunsCode, NoEngine.
    """
    names = set(names)
    if config and any(_is_weights(name) for name in names):
        for name, value in (("config.json", config), ("tokenizer_config.json", tokenizer_config)):
            if "auto_map" in value:
                raise RunsCode(
                    _("%(file)s names code to run (auto_map); this hub runs no code of models")
                    % {"file": name}
                )
        return _task(_architecture(config), has_modules="modules.json" in names)
    if any(name.endswith(".gguf") for name in names):
        return "text-generation"
    if any(name.endswith(_PICKLES) for name in names):
        raise RunsCode(
            _(
                "The weights are pickles, which can run code when they are read; "
                "save the model again as safetensors"
            )
        )
    if "adapter_config.json" in names:
        raise NoEngine(_("This is an adapter without its base; merge them, then it can be used"))
    raise NoEngine(_("There is no config.json with safetensors, and no GGUF file"))


def preferred_gguf(names: Iterable[str]) -> str:
    """Of several quantisations the closest to q8_0: more bits cost speed, fewer quality."""
    order = ("q8_0", "q6_k", "q5_k_m", "q5_1", "q5_0", "q4_k_m", "q4_1", "q4_0", "f16", "bf16")

    def rank(name: str) -> tuple[int, str]:
        return next((at for at, word in enumerate(order) if word in name.lower()), 99), name

    return min((name for name in names if name.endswith(".gguf")), key=rank)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object, empty when there is no such file. Raises BadModel."""
    try:
        if path.stat().st_size > _LARGEST_JSON:
            raise BadModel(f"{path.name} is over {_LARGEST_JSON} bytes")
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise BadModel(f"{path.name} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise BadModel(f"{path.name} is no JSON object")
    return value


def _is_weights(name: str) -> bool:
    return "/" not in name and name.endswith(".safetensors") and not name.startswith("adapter_")


def _architecture(config: Mapping[str, Any]) -> str:
    named = config.get("architectures")
    return str(named[0]) if isinstance(named, list) and named else ""


def _task(architecture: str, *, has_modules: bool) -> str:
    task = next((task for end, task in _TASKS.items() if architecture.endswith(end)), "")
    if has_modules or (not task and architecture.endswith("Model")):
        return "feature-extraction"
    if not task:
        raise NoEngine(
            _("No engine here runs models of the kind %(kind)s") % {"kind": architecture or "?"}
        )
    return task


def _engine_for(folder: Path, config: dict[str, Any], architecture: str, task: str) -> str:
    if architecture in _TRANSLATED and task != "feature-extraction":
        return "ctranslate2"
    if task == "text-generation":
        from llmos.lab.export.gguf import can_convert

        return "llama_cpp" if can_convert(folder, config) else "transformers"
    return "transformers"


def _context(config: dict[str, Any]) -> int:
    for key in ("max_position_embeddings", "n_positions", "n_ctx", "max_length"):
        value = config.get(key)
        if isinstance(value, int) and value > 0:
            return value
    return 512


def _gguf_model(path: Path) -> ModelFolder:
    try:
        with path.open("rb") as file:
            facts = gguf.check(file, path.stat().st_size)
    except gguf.NotGguf as error:
        raise BadModel(f"{path.name} is damaged, or not what it says: {error}") from error
    architecture = str(facts.get("architecture", ""))
    if architecture == "clip" or not facts.get("context_length"):
        raise NoEngine(f"{path.name} is no language model (its architecture: {architecture})")
    context = int(facts["context_length"])
    return ModelFolder(path.parent, "text-generation", "llama_cpp", architecture, context, path)
