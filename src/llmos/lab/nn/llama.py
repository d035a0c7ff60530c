"""The decoder as a Llama checkpoint and back: the layout that other tools read."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from llmos.lab.errors import BadModel
from llmos.lab.nn.decoder import Decoder, DecoderConfig

ARCHITECTURE = "LlamaForCausalLM"

_NAMES = {
    "attention_norm.weight": "input_layernorm.weight",
    "attention.query.weight": "self_attn.q_proj.weight",
    "attention.output.weight": "self_attn.o_proj.weight",
    "feed_forward_norm.weight": "post_attention_layernorm.weight",
    "feed_forward.gate.weight": "mlp.gate_proj.weight",
    "feed_forward.widen.weight": "mlp.up_proj.weight",
    "feed_forward.narrow.weight": "mlp.down_proj.weight",
}


def configuration(config: DecoderConfig) -> dict[str, Any]:
    """The standard config.json."""
    return {
        "architectures": [ARCHITECTURE],
        "model_type": "llama",
        "vocab_size": config.vocabulary,
        "hidden_size": config.d_model,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.d_model // config.heads,
        "num_hidden_layers": config.layers,
        "intermediate_size": config.feed_forward,
        "hidden_act": "silu",
        "max_position_embeddings": config.max_positions,
        "rms_norm_eps": config.norm_epsilon,
        "rope_theta": config.rope_base,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_base},
        "tie_word_embeddings": config.tied,
        "attention_bias": False,
        "mlp_bias": False,
        "pad_token_id": config.pad,
        "eos_token_id": config.eos,
        "bos_token_id": config.eos,
        "dtype": "float32",
    }


def generation(config: DecoderConfig) -> dict[str, Any]:
    """The standard generation_config.json."""
    return {
        "bos_token_id": config.eos,
        "eos_token_id": config.eos,
        "pad_token_id": config.pad,
        "max_length": config.max_positions,
    }


def config_from(found: Mapping[str, Any]) -> DecoderConfig:
    """Raises BadModel for Llama variants that are built differently."""
    rope = found.get("rope_parameters") or found.get("rope_scaling") or {}
    if rope.get("rope_type", "default") != "default":
        raise BadModel(f"Positions of type {rope['rope_type']!r} are not known here")
    if found.get("attention_bias") or found.get("mlp_bias"):
        raise BadModel("This Llama model has biases, which ours has not")
    eos = found.get("eos_token_id", 0)
    heads = found["num_attention_heads"]
    return DecoderConfig(
        vocabulary=found["vocab_size"],
        d_model=found["hidden_size"],
        heads=heads,
        kv_heads=found.get("num_key_value_heads") or heads,
        layers=found["num_hidden_layers"],
        feed_forward=found["intermediate_size"],
        max_positions=found.get("max_position_embeddings", 2048),
        rope_base=rope.get("rope_theta") or found.get("rope_theta", 10_000.0),
        norm_epsilon=found.get("rms_norm_eps", 1e-6),
        tied=found.get("tie_word_embeddings", False),
        eos=eos[0] if isinstance(eos, list) else eos or 0,
        pad=_padding(found),
    )


def to_llama(model: Decoder) -> dict[str, Tensor]:
    """Our weights under Llama's names; a tied projection is left out."""
    state = model.state_dict()
    found = {
        "model.embed_tokens.weight": state["embedding.weight"],
        "model.norm.weight": state["norm.weight"],
    }
    if not model.config.tied:
        found["lm_head.weight"] = state["projection.weight"]
    for number in range(model.config.layers):
        ours, theirs = f"layers.{number}.", f"model.layers.{number}."
        for name, other in _NAMES.items():
            found[theirs + other] = state[ours + name]
        key, value = state[f"{ours}attention.key_value.weight"].chunk(2)
        found[f"{theirs}self_attn.k_proj.weight"] = key
        found[f"{theirs}self_attn.v_proj.weight"] = value
    return {name: tensor.contiguous() for name, tensor in found.items()}


def from_llama(weights: Mapping[str, Tensor], config: DecoderConfig) -> Decoder:
    """Raises BadModel when a tensor is missing or has another shape."""
    try:
        state = {
            "embedding.weight": weights["model.embed_tokens.weight"],
            "norm.weight": weights["model.norm.weight"],
        }
        head = "model.embed_tokens.weight" if config.tied else "lm_head.weight"
        state["projection.weight"] = weights[head]
        for number in range(config.layers):
            ours, theirs = f"layers.{number}.", f"model.layers.{number}."
            for name, other in _NAMES.items():
                state[ours + name] = weights[theirs + other]
            parts = [weights[f"{theirs}self_attn.{part}_proj.weight"] for part in "kv"]
            state[f"{ours}attention.key_value.weight"] = torch.cat(parts)
    except KeyError as missing:
        raise BadModel(f"The weights hold no {missing.args[0]}") from missing
    model = Decoder(config)
    try:
        model.load_state_dict({name: tensor.float() for name, tensor in state.items()})
    except RuntimeError as error:
        raise BadModel(f"The weights do not fit config.json: {error}") from error
    return model.eval()


def _padding(found: Mapping[str, Any]) -> int:
    pad = found.get("pad_token_id")
    return int(found["vocab_size"] - 1 if pad is None or pad < 0 else pad)
