"""The model that fine-tuning starts from: a folder in the standard layout, or a GGUF file."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from llmos.lab.errors import BadModel
from llmos.lab.nn.files import read_config
from llmos.lab.software import file_hashes
from llmos.wire import gguf


def tokeniser_of(base: Path) -> Any:
    """The tokeniser of a model folder or of a GGUF file. Raises BadModel."""
    from transformers import AutoTokenizer

    try:
        if base.suffix == ".gguf":
            with base.open("rb") as file:  # before what trusts its header maps it
                gguf.check(file, base.stat().st_size)
            found = AutoTokenizer.from_pretrained(base.parent, gguf_file=base.name)
            _cut_as_the_file_says(found, base)
            return found
        read_config(base)
        return AutoTokenizer.from_pretrained(base, trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise BadModel(f"The tokeniser of {base.name} cannot be loaded: {error}") from error


def model_of(base: Path) -> nn.Module:
    """A causal model in fp32; of a GGUF file its weights, no longer quantised. Raises BadModel."""
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # loading takes seconds; training has a bar of its own
    try:
        if base.suffix == ".gguf":
            return _dequantised(
                AutoModelForCausalLM.from_pretrained(base.parent, gguf_file=base.name)
            )
        if read_config(base).get("is_encoder_decoder"):
            raise BadModel(f"{base.name} is an encoder-decoder; finetune teaches causal models")
        model: nn.Module = AutoModelForCausalLM.from_pretrained(
            base, dtype=torch.float32, trust_remote_code=False, use_safetensors=True
        )
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise BadModel(f"{base.name} cannot be loaded as a causal model: {error}") from error
    return model


def fingerprint(base: Path) -> list[tuple[str, str]]:
    """Which weights these are: a path tells nothing of what lies there."""
    folder = base.parent if base.suffix == ".gguf" else base
    kinds = (base.name,) if base.suffix == ".gguf" else (".safetensors", ".json")
    return [(name, digest) for name, digest in file_hashes(folder).items() if name.endswith(kinds)]


def _dequantised(loaded: Any) -> nn.Module:
    """A model that came out of a GGUF file refuses to be saved; a fresh one does not."""
    from transformers import AutoModelForCausalLM

    content = loaded.config.to_dict()
    # Whoever reads these would look for the file, or take the weights for quantised ones.
    for name in ("quantization_config", "_model_name_or_path"):
        content.pop(name, None)
    fresh: nn.Module = AutoModelForCausalLM.from_config(
        type(loaded.config)(**content), dtype=torch.float32
    )
    fresh.load_state_dict(loaded.state_dict())
    return fresh


def _cut_as_the_file_says(tokeniser: Any, file: Path) -> None:
    """SmolLM takes digits one by one; transformers reads only merges from GGUF files."""
    from gguf import GGUFReader
    from tokenizers import pre_tokenizers

    cut = GGUFReader(file).get_field("tokenizer.ggml.pre")
    if cut is not None and cut.contents() == "smollm":
        tokeniser.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Digits(individual_digits=True),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
            ]
        )
