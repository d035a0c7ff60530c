"""The encoder-decoder as a Marian checkpoint and back: the layout that other tools read.

transformers' `MarianMTModel` is post-norm with fixed sinusoids and one shared embedding, as
ours; it keeps queries, keys and values apart and names things after BART.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from llmos.lab.errors import BadModel
from llmos.lab.nn.encoder_decoder import EncoderDecoder, EncoderDecoderConfig

ARCHITECTURE = "MarianMTModel"

_NORMS = {"attention_norm": "self_attn_layer_norm", "memory_norm": "encoder_attn_layer_norm"}
_ATTENTIONS = {"attention": "self_attn", "memory_attention": "encoder_attn"}


def configuration(config: EncoderDecoderConfig) -> dict[str, Any]:
    """The standard config.json."""
    return {
        "architectures": [ARCHITECTURE],
        "model_type": "marian",
        "vocab_size": config.vocabulary,
        "decoder_vocab_size": config.vocabulary,
        "share_encoder_decoder_embeddings": True,
        "tie_word_embeddings": True,
        "d_model": config.d_model,
        "encoder_layers": config.encoder_layers,
        "decoder_layers": config.decoder_layers,
        "num_hidden_layers": config.encoder_layers,
        "encoder_attention_heads": config.heads,
        "decoder_attention_heads": config.heads,
        "encoder_ffn_dim": config.feed_forward,
        "decoder_ffn_dim": config.feed_forward,
        "activation_function": config.activation,
        "dropout": config.dropout,
        "attention_dropout": 0.0,
        "activation_dropout": 0.0,
        "scale_embedding": True,
        "static_position_embeddings": True,
        "normalize_before": False,
        "normalize_embedding": False,
        "is_encoder_decoder": True,
        "use_cache": True,
        "max_position_embeddings": config.max_positions,
        "pad_token_id": config.pad,
        "eos_token_id": config.eos,
        "bos_token_id": None,
        "forced_eos_token_id": None,
        "decoder_start_token_id": config.pad,
        "dtype": "float32",
    }


def generation(config: EncoderDecoderConfig) -> dict[str, Any]:
    """The standard generation_config.json."""
    return {
        "bad_words_ids": [[config.pad]],
        "decoder_start_token_id": config.pad,
        "pad_token_id": config.pad,
        "eos_token_id": config.eos,
        "max_length": min(256, config.max_positions),
        "num_beams": 4,
    }


def config_from(found: Mapping[str, Any]) -> EncoderDecoderConfig:
    """Raises BadModel for Marian variants that are built differently."""
    _same(found, "encoder_attention_heads", "decoder_attention_heads")
    _same(found, "encoder_ffn_dim", "decoder_ffn_dim")
    if found.get("normalize_before") or not found.get("scale_embedding", True):
        raise BadModel("This Marian model normalises or scales differently; it cannot be read")
    if not found.get("share_encoder_decoder_embeddings", True):
        raise BadModel("This Marian model has two vocabularies; it cannot be read")
    return EncoderDecoderConfig(
        vocabulary=found["vocab_size"],
        d_model=found["d_model"],
        heads=found["encoder_attention_heads"],
        encoder_layers=found["encoder_layers"],
        decoder_layers=found["decoder_layers"],
        feed_forward=found["encoder_ffn_dim"],
        dropout=found.get("dropout", 0.1),
        max_positions=found.get("max_position_embeddings", 512),
        eos=found.get("eos_token_id", 0),
        pad=found.get("pad_token_id", found["vocab_size"] - 1),
        activation=found.get("activation_function", "swish"),
    )


def to_marian(model: EncoderDecoder) -> dict[str, Tensor]:
    """Our weights under Marian's names; the embedding once, as it is shared."""
    state = model.state_dict()
    found = {
        "model.shared.weight": state["embedding.weight"],
        "final_logits_bias": torch.zeros(1, model.config.vocabulary),
    }
    for side in ("encoder", "decoder"):
        for number in range(len(getattr(model, side))):
            ours, theirs = f"{side}.{number}.", f"model.{side}.layers.{number}."
            for name, tensor in state.items():
                if name.startswith(ours):
                    found |= _renamed(name.removeprefix(ours), tensor, theirs)
    return {name: tensor.contiguous() for name, tensor in found.items()}


def from_marian(weights: Mapping[str, Tensor], config: EncoderDecoderConfig) -> EncoderDecoder:
    """Raises BadModel when a tensor is missing or the bias of the output is in use."""
    bias = weights.get("final_logits_bias")
    if bias is not None and bias.abs().max() > 0:
        raise BadModel("This Marian model has an output bias, which ours has not")
    model = EncoderDecoder(config)
    shared = next(
        (weights[name] for name in _EMBEDDINGS if name in weights),
        None,
    )
    if shared is None:
        raise BadModel("The weights hold no model.shared.weight")
    state = {"embedding.weight": shared}
    for name in model.state_dict():
        if name != "embedding.weight":
            state[name] = _gathered(name, weights)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise BadModel(f"The weights do not fit config.json: {error}") from error
    return model.eval()


_EMBEDDINGS = (
    "model.shared.weight",
    "model.encoder.embed_tokens.weight",
    "model.decoder.embed_tokens.weight",
    "lm_head.weight",
)


def _renamed(name: str, tensor: Tensor, prefix: str) -> dict[str, Tensor]:
    part, _, rest = name.partition(".")
    if part in _ATTENTIONS:
        inner, _, leaf = rest.partition(".")
        base = f"{prefix}{_ATTENTIONS[part]}."
        if inner == "key_value":
            key, value = tensor.chunk(2)
            return {f"{base}k_proj.{leaf}": key, f"{base}v_proj.{leaf}": value}
        return {f"{base}{_PROJECTIONS[inner]}.{leaf}": tensor}
    return {prefix + _plain(part, rest): tensor}


_PROJECTIONS = {"query": "q_proj", "output": "out_proj"}


def _plain(part: str, rest: str) -> str:
    """Names of norms and feed-forward layers."""
    if part == "feed_forward":
        inner, _, leaf = rest.partition(".")
        return f"{'fc1' if inner == 'widen' else 'fc2'}.{leaf}"
    return f"{_NORMS.get(part, 'final_layer_norm')}.{rest}"


def _gathered(name: str, weights: Mapping[str, Tensor]) -> Tensor:
    side, number, rest = name.split(".", 2)
    part, _, inner = rest.partition(".")
    prefix = f"model.{side}.layers.{number}."
    try:
        if part in _ATTENTIONS:
            kind, _, leaf = inner.partition(".")
            base = f"{prefix}{_ATTENTIONS[part]}."
            if kind == "key_value":
                return torch.cat([weights[f"{base}k_proj.{leaf}"], weights[f"{base}v_proj.{leaf}"]])
            return weights[f"{base}{_PROJECTIONS[kind]}.{leaf}"]
        return weights[prefix + _plain(part, inner)]
    except KeyError as missing:
        raise BadModel(f"The weights hold no {missing.args[0]}") from missing


def _same(found: Mapping[str, Any], one: str, other: str) -> None:
    if found.get(one) != found.get(other):
        raise BadModel(f"{one} and {other} differ in config.json; this model cannot be read")
