"""On what a result was made: the exact software and the machine."""

import hashlib
import json
import os
import platform
import re
import sys
from collections.abc import Mapping
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

# What can change a number: the rest of an installation (a linter, a web server) cannot.
DECISIVE = (
    "accelerate ctranslate2 gguf llmos numpy peft pyarrow rouge-score sacrebleu safetensors "
    "sentencepiece tokenizers torch transformers xllamacpp"
).split()


def software_lock() -> dict[str, str]:
    """Name to version of all that can change a result; equal locks promise equal bytes."""
    found = {"python": platform.python_version(), "libc": "-".join(platform.libc_ver())}
    for name in DECISIVE:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    # A checkout changes between releases, and its version does not.
    found["llmos.lab"] = _own_code()
    return found


def lock_hash(lock: Mapping[str, str]) -> str:
    """SHA-256 of the lock in canonical JSON."""
    text = json.dumps(dict(sorted(lock.items())), separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def hardware() -> dict[str, Any]:
    """The machine, in the words that decide about equal bytes and comparable times."""
    return {
        "cpu": _cpu_name(),
        "architecture": platform.machine(),
        "cores": os.cpu_count() or 1,
        "memory_bytes": psutil.virtual_memory().total,
        "system": platform.system(),
        "gpu": _gpu_name(),
    }


def file_hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder, by its path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            found[path.relative_to(folder).as_posix()] = digest
    return found


@cache
def _own_code() -> str:
    """First 16 hex digits of the SHA-256 of the laboratory's code and recipes."""
    digest, folder = hashlib.sha256(), Path(__file__).parent
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".py", ".yaml"}:
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def _cpu_name() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def _gpu_name() -> str:
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return ""
    return str(torch.cuda.get_device_name())
