"""Where the rows of a split lie: a file, files of a folder, or of a data set repository.

In a repository the card's `configs` decide, as they do for `datasets`; without them names do:
a file or folder called train, validation (val, dev) or test.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml

from llmos.kit.speaking import spoken as _
from llmos.lab.errors import BadData

SUFFIXES = {".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".txt", ".parquet"}
SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val", "dev"),
    "test": ("test", "testing", "eval"),
}
_REPOSITORY = re.compile(r"[\w.-]+/[\w.-]+(@[\w./-]+)?")


@dataclass(frozen=True, slots=True)
class Source:
    """Files of one split. With `columns`, line n of all files together is one row."""

    files: list[Path]
    columns: tuple[str, ...] = ()


def find_source(where: str, split: str) -> Source:
    """Raises BadData when there is nothing, or no such split."""
    path = Path(where)
    if path.is_file():
        return Source([path])
    if path.is_dir():
        return _in_folder(path, split)
    if _REPOSITORY.fullmatch(where) and not where.startswith((".", "/")):
        return _in_folder(fetched(where), split)
    raise BadData(f"{where} is neither a file, a folder nor a repository like name/data@revision")


def splits_of(folder: Path) -> list[str]:
    """The splits that `find_source` finds in a folder, those for learning first."""
    configured = _configured(folder)
    return list(configured) if configured else [name for name in SPLITS if _has(folder, name)]


def fetched(where: str, *, kind: str = "dataset") -> Path:
    """A snapshot of a repository `ns/name[@revision]`, from the cache if it is there."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    if not _REPOSITORY.fullmatch(where) or where.startswith((".", "/")):
        raise BadData(f"There is no {where} here, and no repository has such a name")
    name, _, revision = where.partition("@")
    try:
        return Path(snapshot_download(name, repo_type=kind, revision=revision or None))
    except (HfHubHTTPError, LocalEntryNotFoundError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise BadData(f"{where} could not be fetched: {reason}") from error


def _has(folder: Path, split: str) -> bool:
    try:
        _in_folder(folder, split)
    except BadData:
        return False
    return True


def _in_folder(folder: Path, split: str) -> Source:
    configured = _configured(folder)
    if configured:
        if split not in configured:
            raise BadData(
                _("There is no split %(split)r; there are %(known)s")
                % {"split": split, "known": ", ".join(configured)}
            )
        return Source(_matching(folder, configured[split]))
    files = [path for path in sorted(folder.rglob("*")) if _is_data(path, folder)]
    named = [path for path in files if _split_of(path, folder) == split]
    if named:
        return Source(named)
    parallel = _parallel(folder, split)
    if parallel:
        return parallel
    # Files whose names tell nothing are for learning.
    unnamed = [path for path in files if not _split_of(path, folder)]
    if split == "train" and unnamed:
        return Source(unnamed)
    there = sorted({found for path in files if (found := _split_of(path, folder))})
    if there:
        raise BadData(
            _("%(name)s has no files of a split %(split)r; there are %(known)s")
            % {"name": folder.name, "split": split, "known": ", ".join(there)}
        )
    raise BadData(
        _("%(name)s has no files of a split %(split)r") % {"name": folder.name, "split": split}
    )


def _configured(folder: Path) -> dict[str, list[str]]:
    """Split to patterns, from the first (or default) configuration of the card."""
    card = folder / "README.md"
    if not card.is_file():
        return {}
    found = re.match(r"---\s*\n(.*?)\n---", card.read_text(encoding="utf-8"), re.DOTALL)
    try:
        front: Any = yaml.safe_load(found[1]) if found else None
    except yaml.YAMLError:
        return {}
    configs = front.get("configs") if isinstance(front, Mapping) else None
    if not isinstance(configs, list) or not configs:
        return {}
    if not all(isinstance(one, Mapping) for one in configs):
        return {}
    chosen = next((one for one in configs if one.get("default")), configs[0])
    files = chosen.get("data_files")
    if _are_entries(files):
        return {str(entry["split"]): _patterns(entry["path"]) for entry in files}
    return {"train": _patterns(files)} if isinstance(files, str | list) and files else {}


def _are_entries(files: Any) -> bool:
    return isinstance(files, list) and all(
        isinstance(entry, Mapping) and {"split", "path"} <= set(entry) for entry in files
    )


def _patterns(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _matching(folder: Path, patterns: Iterable[str]) -> list[Path]:
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*"))}
    found = [
        path
        for pattern in patterns
        for name, path in files.items()
        if fnmatch(name, pattern) and path.is_file()
    ]
    if not found:
        raise BadData(
            _("The card names %(patterns)s, but there is no such file")
            % {"patterns": ", ".join(patterns)}
        )
    return found


def _is_data(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return path.suffix.lower() in SUFFIXES and path.is_file() and not hidden


def _split_of(path: Path, folder: Path) -> str:
    words = re.split(r"[^a-z]+", path.relative_to(folder).with_suffix("").as_posix().lower())
    for split, names in SPLITS.items():
        if any(name in words for name in names):
            return split
    return ""


def _parallel(folder: Path, split: str) -> Source | None:
    """`train.en` beside `train.de`: the ending is the column."""
    groups: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and re.fullmatch(r"\.[a-z]{2,3}", path.suffix):
            groups.setdefault(path.stem, []).append(path)
    for stem, files in groups.items():
        words = re.split(r"[^a-z]+", stem.lower())
        if len(files) > 1 and any(name in words for name in SPLITS.get(split, (split,))):
            return Source(files, tuple(path.suffix[1:] for path in files))
    return None
