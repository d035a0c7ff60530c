"""Encoder-decoders in CTranslate2's format: one folder with weights and vocabularies.

Weights stay 32-bit in the file; the engine packs them to 8 bits while loading, if asked to.
"""

from pathlib import Path
from typing import Any

from llmos.lab.errors import BadModel


def write_ctranslate2(folder: Path, target: Path) -> None:
    """Convert the checkpoint in `folder` into the existing, empty folder `target`.

    Raises BadModel.
    """
    from ctranslate2.converters import TransformersConverter
    from transformers.utils import logging

    class _Converter(TransformersConverter):  # type: ignore[misc]  # ships no types
        def load_model(self, model_class: Any, name: str, **options: Any) -> Any:
            return model_class.from_pretrained(
                name, use_safetensors=True, local_files_only=True, **options
            )

        def load_tokenizer(self, tokenizer_class: Any, name: str, **options: Any) -> Any:
            return load_tokenizer(Path(name))

    logging.disable_progress_bar()
    try:
        _Converter(str(folder)).convert(str(target), force=True)
    except (ValueError, KeyError, RuntimeError, OSError, AttributeError) as error:
        raise BadModel(f"The model cannot be made ready for CTranslate2: {error}") from error


def load_tokenizer(folder: Path) -> Any:
    """Transformers' tokeniser of a folder; a lone tokenizer.json is enough."""
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    if (folder / "tokenizer.json").exists() and not (folder / "source.spm").exists():
        return PreTrainedTokenizerFast.from_pretrained(folder, local_files_only=True)
    return AutoTokenizer.from_pretrained(folder, local_files_only=True)
