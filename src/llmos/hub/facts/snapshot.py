"""All facts of one commit, from its files: the names and shapes are those that clients read.

A pure function of the commit: who may see it, likes and downloads are not known here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import IO, Any

import orjson

from llmos.hub.facts import architectures, safetensors, tags
from llmos.hub.facts.cards import Card, first_paragraph, read_card
from llmos.hub.git.tree import Entry
from llmos.hub.kinds import Kind
from llmos.wire import gguf

LONGEST_TEXT_FILE = 16 * 2**20  # bytes of one configuration file that is read
MOST_SHARDS = 1000

Open = Callable[[Entry], IO[bytes]]


@dataclass(frozen=True, slots=True)
class Facts:
    """`fields` by the names that clients read; the two lists of files are JSON already."""

    fields: dict[str, Any]
    names: bytes
    files: bytes
    size: int


def facts_of(kind: Kind, entries: Sequence[Entry], open_file: Open) -> Facts:
    """Read a commit. Files that are broken are as good as absent; nothing raises for them."""
    files = {entry.path: entry for entry in entries if entry.type == "file"}
    commit = _Commit(files, open_file)
    card = read_card(commit.text("README.md"))
    fields: dict[str, Any] = {"cardData": card.front} if card.front else {}
    if card.errors:
        fields["cardError"] = str(card.errors[0])
    fields["description"] = first_paragraph(card.text) or None
    fields |= _OF_KIND[kind.name](commit, card)
    return Facts(
        fields={name: value for name, value in fields.items() if value is not None},
        names=orjson.dumps([{"rfilename": path} for path in files]),
        files=orjson.dumps([_sibling(entry) for entry in files.values()]),
        size=sum(entry.size for entry in files.values()),
    )


class _Commit:
    """The files of a commit, opened as they are asked for."""

    def __init__(self, files: dict[str, Entry], open_file: Open) -> None:
        self.files = files
        self.paths = list(files)
        self._open_file = open_file

    def open(self, path: str) -> IO[bytes]:
        return self._open_file(self.files[path])

    def text(self, path: str) -> str:
        return self._bytes(path).decode("utf-8", "replace")

    def json(self, path: str) -> dict[str, Any]:
        try:
            value = orjson.loads(self._bytes(path) or b"{}")
        except orjson.JSONDecodeError:
            return {}
        return value if isinstance(value, dict) else {}

    def _bytes(self, path: str) -> bytes:
        entry = self.files.get(path)
        if entry is None or entry.size > LONGEST_TEXT_FILE:
            return b""
        try:
            with self.open(path) as file:
                return file.read(LONGEST_TEXT_FILE)
        except OSError:
            return b""


def _model(commit: _Commit, card: Card) -> dict[str, Any]:
    config = commit.json("config.json")
    tokenizer = commit.json("tokenizer_config.json")
    subset = architectures.config_subset(config, tokenizer, commit.json("adapter_config.json"))
    library = architectures.library_of(card.front, commit.paths, config)
    task = architectures.task_of(card.front, library, config)
    front, paths = card.front, commit.paths
    relation, bases = tags.base_models(front, paths)
    return {
        "tags": tags.model_tags(front, card.text, paths, subset, library=library, task=task),
        "library_name": library or None,
        "pipeline_tag": task or None,
        "config": subset or None,
        "transformersInfo": architectures.transformers_info(front, paths, library, config),
        "safetensors": _weights(commit),
        "gguf": _gguf(commit),
        "mask_token": architectures.mask_token(tokenizer),
        "model-index": front.get("model-index"),
        "widgetData": front.get("widget"),
        "baseModels": {"relation": relation, "models": [{"id": name} for name in bases]}
        if bases
        else None,
    }


def _dataset(commit: _Commit, card: Card) -> dict[str, Any]:
    stated = card.front.get("paperswithcode_id")
    return {
        "tags": tags.dataset_tags(card.front, card.text, commit.paths),
        "citation": _citation(card.text),
        "paperswithcode_id": stated if isinstance(stated, str) else None,
    }


def _space(commit: _Commit, card: Card) -> dict[str, Any]:
    sdk = card.front.get("sdk")
    return {
        "tags": tags.space_tags(card.front),
        "sdk": sdk if isinstance(sdk, str) else None,
        "models": tags.listed(card.front.get("models")) or None,
        "datasets": tags.listed(card.front.get("datasets")) or None,
    }


def _kernel(commit: _Commit, card: Card) -> dict[str, Any]:
    return {"tags": tags.kernel_tags(card.front)}


_OF_KIND = {"model": _model, "dataset": _dataset, "space": _space, "kernel": _kernel}


def _weights(commit: _Commit) -> dict[str, Any] | None:
    """Parameters of the model's own safetensors: one file, or the shards of its index."""
    names = _shards(commit)
    try:
        headers = []
        for name in names:
            with commit.open(name) as file:
                headers.append(safetensors.read_header(file))
    except (OSError, safetensors.NotSafetensors):
        return None
    counted = safetensors.count_parameters(headers) if headers else None
    return counted if counted and counted["total"] else None


def _shards(commit: _Commit) -> list[str]:
    for single in ("model.safetensors", "adapter_model.safetensors"):
        if single in commit.files:
            return [single]
    index = "model.safetensors.index.json"
    if index in commit.files:
        try:
            names = safetensors.shards_of(commit.text(index).encode())
        except safetensors.NotSafetensors:
            return []
        complete = len(names) <= MOST_SHARDS and all(name in commit.files for name in names)
        return names if complete else []
    top = [p for p in commit.paths if p.endswith(".safetensors") and "/" not in p]
    return top if len(top) == 1 else []


def _gguf(commit: _Commit) -> dict[str, Any] | None:
    """The facts of the first GGUF file; a repository's others differ in quantization only."""
    for path in commit.paths:
        if path.lower().endswith(".gguf") and "mmproj" not in path.lower():
            try:
                with commit.open(path) as file:
                    return gguf.read_facts(file)
            except (OSError, gguf.NotGguf):
                return None
    return None


def _citation(text: str) -> str | None:
    start = text.find("@")
    fence = text.rfind("```", 0, start)
    end = text.find("```", start)
    if start < 0 or fence < 0 or end < 0 or start - fence > 20:
        return None
    return text[start:end].strip()[:5000]


def _sibling(entry: Entry) -> dict[str, Any]:
    sibling: dict[str, Any] = {"rfilename": entry.path, "size": entry.size, "blobId": entry.oid}
    if entry.pointer is not None:
        sibling["lfs"] = {
            "sha256": entry.pointer.sha256,
            "size": entry.pointer.size,
            "pointerSize": entry.stored_size,
        }
    return sibling
