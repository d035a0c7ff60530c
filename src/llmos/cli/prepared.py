"""Whether a home fits the installed code, told without loading the framework.

After each migration the home keeps a fingerprint of the code's migrations; while it
matches, a start has nothing to do.
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import llmos
from llmos.kit.files import written_whole
from llmos.kit.home import Home

# Packages whose tables lie in our database.
_TABLE_OWNERS = ("django", "django-allauth", "django-tasks-db")


@dataclass(frozen=True, slots=True)
class Preparation:
    """What the last preparation found; `link_wanted` while no administrator can sign in."""

    fingerprint: str
    version: str
    link_wanted: bool


def code_fingerprint() -> str:
    """Of every migration that the installed code brings."""
    digest = hashlib.sha256(llmos.__version__.encode())
    for name in _TABLE_OWNERS:
        digest.update(f"{name}=={version(name)}\n".encode())
    for path in sorted(Path(llmos.__file__).parent.glob("**/migrations/*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def read_preparation(home: Home) -> Preparation | None:
    try:
        return Preparation(**json.loads(_file(home).read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def write_preparation(home: Home, preparation: Preparation) -> None:
    with written_whole(_file(home)) as file:
        file.write(json.dumps(asdict(preparation)).encode())


def is_prepared(home: Home) -> bool:
    found = read_preparation(home)
    return found is not None and found.fingerprint == code_fingerprint()


def _file(home: Home) -> Path:
    return home.root / "prepared.json"
