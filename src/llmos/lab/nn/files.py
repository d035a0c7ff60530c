"""Models on disk: the standard layout and nothing else, so that every tool reads what we write.

config.json, generation_config.json, model.safetensors, tokenizer.json, tokenizer_config.json.
Equal models give equal bytes. Pickles and code named by a configuration are refused.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as safetensors_bytes
from tokenizers import Tokenizer
from torch import Tensor

from llmos.kit.files import written_whole
from llmos.lab.errors import BadModel, RunsCode
from llmos.lab.nn import llama, marian
from llmos.lab.nn.decoder import Decoder
from llmos.lab.nn.encoder_decoder import EncoderDecoder
from llmos.lab.text.tokenizers import EOS, PAD, UNKNOWN

WEIGHTS, INDEX, CONFIG = "model.safetensors", "model.safetensors.index.json", "config.json"
PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".msgpack", ".h5")

Model = EncoderDecoder | Decoder


@dataclass(frozen=True, slots=True)
class Loaded:
    model: Model
    tokenizer: Tokenizer
    config: dict[str, Any]


def save(model: Model, tokenizer: Tokenizer, folder: Path) -> None:
    """Write the model whole or not at all, file by file; weights last."""
    folder.mkdir(parents=True, exist_ok=True)
    other = marian if isinstance(model, EncoderDecoder) else llama
    config: Any = model.config
    _write_json(folder / CONFIG, other.configuration(config))
    _write_json(folder / "generation_config.json", other.generation(config))
    _write_json(folder / "tokenizer_config.json", _tokenizer_config(config.max_positions))
    _write(folder / "tokenizer.json", [tokenizer.to_str(pretty=True).encode()])
    weights = (
        marian.to_marian(model) if isinstance(model, EncoderDecoder) else llama.to_llama(model)
    )
    _write(folder / WEIGHTS, [safetensors_bytes(weights, metadata={"format": "pt"})])


def load(folder: Path) -> Loaded:
    """Read a Marian or Llama model in the standard layout, ours or another's.

    Raises BadModel, or RunsCode where only running somebody's code could load it.
    """
    config = read_config(folder)
    kind = config.get("model_type")
    if kind not in {"marian", "llama"}:
        raise BadModel(f"{folder.name}: a model of type {kind!r} is not read here")
    weights = read_weights(folder)
    model: Model = (
        marian.from_marian(weights, marian.config_from(config))
        if kind == "marian"
        else llama.from_llama(weights, llama.config_from(config))
    )
    return Loaded(model, read_tokenizer(folder), config)


def read_config(folder: Path) -> dict[str, Any]:
    """config.json, unless it names code to run. Raises BadModel, RunsCode."""
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadModel(f"{folder.name}: there is no {CONFIG}, so this is no model") from None
    except (ValueError, UnicodeDecodeError) as error:
        raise BadModel(f"{folder.name}/{CONFIG} is damaged: {error}") from error
    if not isinstance(config, dict):
        raise BadModel(f"{folder.name}/{CONFIG} is damaged: it must be a JSON object")
    if "auto_map" in config:
        raise RunsCode(
            f"{folder.name}/{CONFIG} names code of its own (auto_map). It is not run here: "
            "use a model of an architecture that transformers knows."
        )
    return config


def read_weights(folder: Path) -> dict[str, Tensor]:
    """All tensors of the safetensors files. Raises BadModel, RunsCode."""
    names = _weight_files(folder)
    found: dict[str, Tensor] = {}
    for name in names:
        try:
            found |= load_file(folder / name)
        except FileNotFoundError:
            raise BadModel(f"{folder.name}: {INDEX} names {name}, which is missing") from None
        except (SafetensorError, OSError) as error:
            raise BadModel(f"{folder.name}/{name} is damaged: {error}") from error
    return found


def read_tokenizer(folder: Path) -> Tokenizer:
    """tokenizer.json. Raises BadModel."""
    path = folder / "tokenizer.json"
    if not path.exists():
        raise BadModel(f"{folder.name}: there is no tokenizer.json")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise BadModel(f"{folder.name}/tokenizer.json is damaged: {error}") from error


def _weight_files(folder: Path) -> list[str]:
    if (folder / WEIGHTS).exists():
        return [WEIGHTS]
    if (folder / INDEX).exists():
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        names = sorted(set(index["weight_map"].values()))
        if any("/" in name or "\\" in name for name in names):
            raise BadModel(f"{folder.name}/{INDEX} names files outside the folder")
        return names
    pickles = [path.name for path in folder.glob("*") if path.suffix in PICKLES]
    if pickles:
        raise RunsCode(
            f"{folder.name} holds its weights only as {pickles[0]}, which can run code when "
            "loaded. Convert it to safetensors."
        )
    raise BadModel(f"{folder.name}: there are no weights ({WEIGHTS})")


def _tokenizer_config(longest: int) -> dict[str, Any]:
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": longest,
        "eos_token": EOS,
        "unk_token": UNKNOWN,
        "pad_token": PAD,
        "clean_up_tokenization_spaces": False,
        "return_token_type_ids": False,
        "model_input_names": ["input_ids", "attention_mask"],
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    _write(path, [json.dumps(content, indent=2, ensure_ascii=False).encode() + b"\n"])


def _write(path: Path, parts: Iterable[bytes]) -> None:
    with written_whole(path) as file:
        for part in parts:
            file.write(part)
