"""Llama-like checkpoints as GGUF files, for llama.cpp: weights, tokeniser and chat template.

Weights stand as 16-bit numbers or in 8-bit blocks (q8_0); vectors stay 32-bit. Only
architectures and tokenisers whose meaning llama.cpp shares exactly are converted: another
model runs in transformers, slower but right.
Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from llmos.lab.errors import BadModel

Precision = Literal["q8_0", "f16"]

# Ours in GGUF's words, and whether llama.cpp wants queries and keys interleaved for its rotation.
_ARCHITECTURES = {
    "LlamaForCausalLM": ("llama", True),
    "MistralForCausalLM": ("llama", True),
    "Qwen2ForCausalLM": ("qwen2", False),
    "Qwen3ForCausalLM": ("qwen3", False),
}
_LLAMA3_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_QWEN2_SPLIT = _LLAMA3_SPLIT.replace(r"\p{N}{1,3}", r"\p{N}")
_NORMAL, _UNKNOWN, _CONTROL, _USER, _UNUSED = 1, 2, 3, 4, 5  # types of tokens
_BLOCK = 32  # numbers in a block of q8_0


def can_convert(folder: Path, config: dict[str, Any]) -> bool:
    """Whether the GGUF file would mean exactly what the checkpoint means."""
    architecture = (config.get("architectures") or [""])[0]
    if architecture not in _ARCHITECTURES or config.get("quantization_config"):
        return False
    if config.get("sliding_window") and config.get("use_sliding_window", True):
        return False
    if _rope(config).get("rope_type", "default") != "default":
        return False
    try:
        return _Tokens.read(folder).pre is not None
    except BadModel:
        return False


def write_gguf(folder: Path, target: Path, *, precision: Precision = "q8_0") -> None:
    """Convert the checkpoint in `folder` to the one file `target`. Raises BadModel."""
    from gguf import GGUFWriter

    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    name, interleaved = _ARCHITECTURES[config["architectures"][0]]
    writer = GGUFWriter(target, name)
    _add_shape(writer, config)
    _add_tokens(writer, folder, config)
    _add_weights(writer, folder, config, name, interleaved=interleaved, precision=precision)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def adds_space(folder: Path) -> bool:
    """Whether the tokeniser puts a space before every text; llama.cpp does not."""
    return _Tokens.read(folder).adds_space


def _rope(config: dict[str, Any]) -> dict[str, Any]:
    found = config.get("rope_parameters") or config.get("rope_scaling") or {}
    return found if isinstance(found, dict) else {}


def _add_shape(writer: Any, config: dict[str, Any]) -> None:
    heads = config["num_attention_heads"]
    head = config.get("head_dim") or config["hidden_size"] // heads
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config.get("num_key_value_heads") or heads)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    base = _rope(config).get("rope_theta") or config.get("rope_theta") or 10_000.0
    writer.add_rope_freq_base(float(base))
    writer.add_layer_norm_rms_eps(float(config.get("rms_norm_eps", 1e-6)))
    writer.add_vocab_size(config["vocab_size"])


def _add_tokens(writer: Any, folder: Path, config: dict[str, Any]) -> None:
    tokens = _Tokens.read(folder)
    texts, types = tokens.table(config["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(tokens.pre or "default")
    writer.add_token_list(texts)
    writer.add_token_types(types)
    writer.add_token_merges(tokens.merges)
    ends = config.get("eos_token_id")
    ends = ends if isinstance(ends, list) else [ends]
    if ends and ends[0] is not None:
        writer.add_eos_token_id(ends[0])
    if config.get("bos_token_id") is not None:
        writer.add_bos_token_id(config["bos_token_id"])
    if config.get("pad_token_id") is not None and config["pad_token_id"] >= 0:
        writer.add_pad_token_id(config["pad_token_id"])
    writer.add_add_bos_token(tokens.begins_with(config.get("bos_token_id")))
    writer.add_add_eos_token(False)
    template = _chat_template(folder)
    if template:
        writer.add_chat_template(template)


def _add_weights(
    writer: Any,
    folder: Path,
    config: dict[str, Any],
    name: str,
    *,
    interleaved: bool,
    precision: Precision,
) -> None:
    import gguf
    import numpy as np

    arch = next(key for key, value in gguf.MODEL_ARCH_NAMES.items() if value == name)
    names = gguf.get_tensor_name_map(arch, config["num_hidden_layers"])
    heads = config["num_attention_heads"]
    of_keys = config.get("num_key_value_heads") or heads
    for theirs, weight in _tensors(folder):
        if theirs == "lm_head.weight" and config.get("tie_word_embeddings"):
            continue
        ours = names.get_name(theirs, try_suffixes=(".weight", ".bias"))
        if ours is None:
            raise BadModel(f"GGUF has no place for the tensor {theirs}")
        values = weight
        if interleaved and theirs.endswith(("q_proj.weight", "k_proj.weight")):
            values = _interleaved(weight, heads if "q_proj" in theirs else of_keys)
        if values.ndim < 2:
            writer.add_tensor(ours, values.astype(np.float32))
        elif precision == "q8_0" and values.shape[-1] % _BLOCK == 0:
            packing = gguf.GGMLQuantizationType.Q8_0
            writer.add_tensor(ours, gguf.quants.quantize(values, packing), raw_dtype=packing)
        else:
            writer.add_tensor(ours, values.astype(np.float16))
    packed = (
        gguf.LlamaFileType.MOSTLY_Q8_0 if precision == "q8_0" else gguf.LlamaFileType.MOSTLY_F16
    )
    writer.add_file_type(packed)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)


def _interleaved(weight: Any, heads: int) -> Any:
    """Rows of each head from (first halves, second halves) to pairs, as llama.cpp rotates them."""
    rows, width = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, width).swapaxes(1, 2).reshape(rows, width)


def _tensors(folder: Path) -> Iterator[tuple[str, Any]]:
    """Every tensor as 32-bit numpy; torch reads them, since numpy knows no bfloat16."""
    from safetensors import SafetensorError, safe_open

    try:
        for path in sorted(folder.glob("*.safetensors")):
            with safe_open(path, framework="pt") as file:
                for name in file.keys():  # noqa: SIM118  # no mapping, it only has keys()
                    yield name, file.get_tensor(name).float().numpy()
    except (SafetensorError, OSError) as error:
        raise BadModel(f"The weights are damaged: {error}") from error


def _chat_template(folder: Path) -> str:
    beside = folder / "chat_template.jinja"
    if beside.exists():
        return beside.read_text(encoding="utf-8")
    try:
        settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return ""
    found = settings.get("chat_template") or ""
    if isinstance(found, list):
        named = {one.get("name"): one.get("template", "") for one in found}
        found = named.get("default", "")
    return str(found)


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A byte-level BPE tokeniser.json. `pre` is llama.cpp's name for how it cuts words."""

    raw: dict[str, Any]
    text: str

    @classmethod
    def read(cls, folder: Path) -> "_Tokens":
        try:
            text = (folder / "tokenizer.json").read_text(encoding="utf-8")
            raw = json.loads(text)
        except (OSError, ValueError) as error:
            raise BadModel(f"tokenizer.json cannot be read: {error}") from error
        return cls(raw, text)

    @property
    def pre(self) -> str | None:
        model = self.raw.get("model") or {}
        plain = model.get("type") == "BPE" and not model.get("byte_fallback")
        if not plain or self.raw.get("normalizer") not in (None, {"type": "NFC"}):
            return None
        match self._steps():
            case [{"type": "ByteLevel", "use_regex": True}]:
                return "gpt-2"
            case [{"type": "Digits", "individual_digits": True}, {"type": "ByteLevel"}]:
                return "smollm"
            case [{"type": "Split", "pattern": {"Regex": regex}}, {"type": "ByteLevel"}]:
                return {_LLAMA3_SPLIT: "llama-bpe", _QWEN2_SPLIT: "qwen2"}.get(regex)
        return None

    @property
    def adds_space(self) -> bool:
        return any(step.get("add_prefix_space") for step in self._steps())

    @property
    def merges(self) -> list[str]:
        merges = self.raw["model"]["merges"]
        return [pair if isinstance(pair, str) else " ".join(pair) for pair in merges]

    def table(self, size: int) -> tuple[list[str], list[int]]:
        """Text and type of each token number below `size`."""
        texts, types = [f"[PAD{number}]" for number in range(size)], [_UNUSED] * size
        for text, number in self.raw["model"]["vocab"].items():
            if number < size:
                texts[number], types[number] = text, _NORMAL
        for added in self.raw.get("added_tokens", []):
            if added["id"] < size:
                texts[added["id"]] = added["content"]
                types[added["id"]] = _CONTROL if added["special"] else _USER
        return texts, types

    def begins_with(self, token: int | None) -> bool:
        from tokenizers import Tokenizer

        return token is not None and Tokenizer.from_str(self.text).encode("a").ids[0] == token

    def _steps(self) -> list[dict[str, Any]]:
        found = self.raw.get("pre_tokenizer") or {}
        steps = found.get("pretokenizers", []) if found.get("type") == "Sequence" else [found]
        return [step for step in steps if isinstance(step, dict)]
