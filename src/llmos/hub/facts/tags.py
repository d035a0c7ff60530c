"""Tags: what a repository can be found by, in the spelling that hub clients filter with.

Models carry bare values (`en`, `transformers`) and some named ones (`license:mit`);
data sets name all of theirs (`language:en`).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

LONGEST_TAG = 128
MOST_TAGS = 500

_ARXIV = re.compile(
    r"arxiv\.org/(?:abs|pdf|html)/(\d{4}\.\d{4,5})|\barxiv:(\d{4}\.\d{4,5})", re.IGNORECASE
)
_DATASET_FIELDS = (
    "task_categories",
    "task_ids",
    "annotations_creators",
    "language_creators",
    "multilinguality",
    "source_datasets",
    "language",
    "license",
    "size_categories",
)
# What the files of a data set are, by their endings.
_FORMATS = {
    "parquet": (".parquet",),
    "csv": (".csv", ".tsv"),
    "json": (".json", ".jsonl", ".json.gz", ".jsonl.gz", ".jsonl.zst"),
    "arrow": (".arrow",),
    "webdataset": (".tar",),
    "imagefolder": (".jpg", ".jpeg", ".png", ".webp"),
    "audiofolder": (".wav", ".mp3", ".flac", ".ogg"),
    "text": (".txt",),
}
_MODALITIES = {"imagefolder": "image", "audiofolder": "audio", "text": "text", "csv": "tabular"}
# What the files of a model are for.
_FRAMEWORKS = {
    "pytorch": ("pytorch_model.bin", ".pt", ".pth"),
    "tf": ("tf_model.h5",),
    "jax": ("flax_model.msgpack",),
    "onnx": (".onnx",),
    "safetensors": (".safetensors",),
    "gguf": (".gguf",),
}


def listed(value: Any) -> list[str]:
    """A card field as texts, whether it was written as one value or as several."""
    values = value if isinstance(value, list) else [value]
    kept = (v for v in values if isinstance(v, str | int | float) and not isinstance(v, bool))
    return [text for text in (str(v).strip() for v in kept) if text]


def papers_in(text: str) -> list[str]:
    """Numbers of arXiv papers that a card's text names."""
    return [new or old for new, old in _ARXIV.findall(text[:200_000])]


def model_tags(
    front: dict[str, Any],
    text: str,
    paths: Sequence[str],
    config: dict[str, Any],
    *,
    library: str,
    task: str,
) -> list[str]:
    tags = [library, *_named_by(_FRAMEWORKS, paths)]
    tags += listed(config.get("model_type"))
    tags += [task, *listed(front.get("tags"))]
    tags += listed(front.get("language"))
    tags += [f"dataset:{name}" for name in listed(front.get("datasets"))]
    tags += _base_model_tags(front, paths)
    tags += [f"arxiv:{number}" for number in papers_in(text)]
    tags += [f"license:{name.lower()}" for name in listed(front.get("license"))]
    tags += ["model-index"] if front.get("model-index") else []
    tags += ["custom_code"] if config.get("auto_map") else []
    tags += (
        ["conversational"] if (config.get("tokenizer_config") or {}).get("chat_template") else []
    )
    return _tidy(tags)


def dataset_tags(front: dict[str, Any], text: str, paths: Sequence[str]) -> list[str]:
    tags: list[str] = []
    for field in _DATASET_FIELDS:
        tags += [f"{field}:{value}" for value in listed(front.get(field))]
    data = [path for path in paths if not path.lower().endswith(("readme.md", ".json.index"))]
    formats = _named_by(_FORMATS, data)
    tags += [f"format:{name}" for name in formats]
    tags += [f"modality:{_MODALITIES[name]}" for name in formats if name in _MODALITIES]
    tags += ["library:datasets"] if formats else []
    tags += listed(front.get("tags"))
    tags += [f"arxiv:{number}" for number in papers_in(text)]
    return _tidy(tags)


def space_tags(front: dict[str, Any]) -> list[str]:
    return _tidy([*listed(front.get("sdk")), *listed(front.get("tags"))])


def kernel_tags(front: dict[str, Any]) -> list[str]:
    licences = [f"license:{name.lower()}" for name in listed(front.get("license"))]
    return _tidy(["kernel", *listed(front.get("tags")), *licences])


def base_models(front: dict[str, Any], paths: Sequence[str]) -> tuple[str, list[str]]:
    """How a model came from others, and from which: `("finetune", ["ns/name"])`."""
    names = listed(front.get("base_model"))
    stated = front.get("base_model_relation")
    if stated in {"finetune", "adapter", "quantized", "merge"}:
        return str(stated), names
    if any(path.endswith("adapter_config.json") for path in paths):
        return "adapter", names
    if any(path.lower().endswith(".gguf") for path in paths):
        return "quantized", names
    return ("merge" if len(names) > 1 else "finetune"), names


def _base_model_tags(front: dict[str, Any], paths: Sequence[str]) -> list[str]:
    relation, names = base_models(front, paths)
    both = [(f"base_model:{name}", f"base_model:{relation}:{name}") for name in names]
    return [tag for pair in both for tag in pair]


def _named_by(endings: dict[str, tuple[str, ...]], paths: Sequence[str]) -> list[str]:
    lowered = [path.lower() for path in paths]
    return [name for name, ends in endings.items() if any(path.endswith(ends) for path in lowered)]


def _tidy(tags: Iterable[str]) -> list[str]:
    """Each once, in order, without what no filter could name."""
    kept = dict.fromkeys(tag for tag in tags if tag and len(tag) <= LONGEST_TAG)
    return list(kept)[:MOST_TAGS]
