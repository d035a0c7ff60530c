"""What a model is for and how it is loaded, told from its configuration files.

Rules of thumb from class names; a card that says otherwise wins.
"""

from collections.abc import Sequence
from typing import Any

# Endings of transformers class names: (ending, auto class, task).
_CLASSES = (
    ("ForCausalLM", "AutoModelForCausalLM", "text-generation"),
    ("LMHeadModel", "AutoModelForCausalLM", "text-generation"),
    ("MarianMTModel", "AutoModelForSeq2SeqLM", "translation"),
    ("ForMaskedLM", "AutoModelForMaskedLM", "fill-mask"),
    ("ForSequenceClassification", "AutoModelForSequenceClassification", "text-classification"),
    ("ForTokenClassification", "AutoModelForTokenClassification", "token-classification"),
    ("ForQuestionAnswering", "AutoModelForQuestionAnswering", "question-answering"),
    ("ForMultipleChoice", "AutoModelForMultipleChoice", "multiple-choice"),
    ("ForImageClassification", "AutoModelForImageClassification", "image-classification"),
    ("ForObjectDetection", "AutoModelForObjectDetection", "object-detection"),
    ("ForSemanticSegmentation", "AutoModelForSemanticSegmentation", "image-segmentation"),
    ("ForDepthEstimation", "AutoModelForDepthEstimation", "depth-estimation"),
    ("ForAudioClassification", "AutoModelForAudioClassification", "audio-classification"),
    ("ForSpeechSeq2Seq", "AutoModelForSpeechSeq2Seq", "automatic-speech-recognition"),
    ("ForCTC", "AutoModelForCTC", "automatic-speech-recognition"),
    (
        "ForZeroShotImageClassification",
        "AutoModelForZeroShotImageClassification",
        "zero-shot-image-classification",
    ),
    ("ForConditionalGeneration", "AutoModelForSeq2SeqLM", "text2text-generation"),
)
_SPEECH = {"whisper", "speech_to_text"}
_TOKENIZER_FILES = {
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
    "tokenizer.model",
    "spiece.model",
}
# A library is known by a file that only it writes; the first that fits.
_LIBRARY_FILES = (
    ("config_sentence_transformers.json", "sentence-transformers"),
    ("modules.json", "sentence-transformers"),
    ("adapter_config.json", "peft"),
    ("model_index.json", "diffusers"),
)
_CONFIG_FIELDS = ("architectures", "model_type", "auto_map")
_TOKENIZER_FIELDS = (
    "bos_token",
    "eos_token",
    "pad_token",
    "unk_token",
    "cls_token",
    "sep_token",
    "mask_token",
    "chat_template",
    "tokenizer_class",
    "use_default_system_prompt",
)
_QUANTIZATION_FIELDS = (
    "quant_method",
    "bits",
    "load_in_4bit",
    "load_in_8bit",
    "modules_to_not_convert",
)
LONGEST_TEMPLATE = 100_000


def library_of(front: dict[str, Any], paths: Sequence[str], config: dict[str, Any]) -> str:
    """The library that loads this model, as its card says, else as its files show."""
    stated = front.get("library_name")
    if isinstance(stated, str):
        return stated[:64]
    names = set(paths)
    found = next((library for file, library in _LIBRARY_FILES if file in names), None)
    if found:
        return found
    if config.get("model_type") or config.get("architectures"):
        return "transformers"
    return "gguf" if any(path.lower().endswith(".gguf") for path in paths) else ""


def task_of(front: dict[str, Any], library: str, config: dict[str, Any]) -> str:
    """The task in the field's words, `text-generation` and so on; empty when unknown."""
    stated = front.get("pipeline_tag")
    if isinstance(stated, str):
        return stated[:64]
    if library == "sentence-transformers":
        return "sentence-similarity"
    if library == "diffusers":
        return "text-to-image"
    return _class_of(config)[1] if library == "transformers" else ""


def transformers_info(
    front: dict[str, Any], paths: Sequence[str], library: str, config: dict[str, Any]
) -> dict[str, Any] | None:
    """How transformers loads it: `auto_model`, `pipeline_tag`, `processor`, `custom_class`."""
    if library != "transformers":
        return None
    auto_model, task = _class_of(config)
    info: dict[str, Any] = {"auto_model": auto_model or "AutoModel"}
    if task := task_of(front, library, config) or task:
        info["pipeline_tag"] = task
    names = {path.rpartition("/")[2] for path in paths}
    if "preprocessor_config.json" in names or "processor_config.json" in names:
        info["processor"] = "AutoProcessor"
    elif names & _TOKENIZER_FILES:
        info["processor"] = "AutoTokenizer"
    custom = config.get("auto_map")
    if isinstance(custom, dict) and isinstance(custom.get(info["auto_model"]), str):
        info["custom_class"] = custom[info["auto_model"]]
    return info


def config_subset(
    config: dict[str, Any], tokenizer: dict[str, Any], adapter: dict[str, Any]
) -> dict[str, Any]:
    """The part of the configuration files that clients read without downloading them."""
    subset = {name: config[name] for name in _CONFIG_FIELDS if name in config}
    quantization = config.get("quantization_config")
    if isinstance(quantization, dict):
        subset["quantization_config"] = _chosen(quantization, _QUANTIZATION_FIELDS)
    if tokenizer:
        subset["tokenizer_config"] = _chosen(tokenizer, _TOKENIZER_FIELDS)
    if adapter:
        subset["peft"] = _chosen(adapter, ("base_model_name_or_path", "task_type", "peft_type"))
    return subset


def mask_token(tokenizer: dict[str, Any]) -> str | None:
    found = tokenizer.get("mask_token")
    if isinstance(found, dict):
        found = found.get("content")
    return found if isinstance(found, str) else None


def _chosen(values: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {
        name: values[name]
        for name in names
        if values.get(name) is not None and len(str(values[name])) <= LONGEST_TEMPLATE
    }


def _class_of(config: dict[str, Any]) -> tuple[str, str]:
    names = config.get("architectures")
    if not isinstance(names, list) or not names or not isinstance(names[0], str):
        return "", ""
    for ending, auto_class, task in _CLASSES:
        if names[0].endswith(ending):
            if config.get("model_type") in _SPEECH and ending == "ForConditionalGeneration":
                return "AutoModelForSpeechSeq2Seq", "automatic-speech-recognition"
            return auto_class, task
    return "", ""
