"""The data directory: one folder that holds everything a hub knows.

Only paths; creating, migrating and repairing belong to others.
"""

import os
from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "LLMOS_HOME"


@dataclass(frozen=True, slots=True)
class Home:
    root: Path

    @property
    def config_file(self) -> Path:
        return self.root / "llmos.toml"

    @property
    def database(self) -> Path:
        return self.root / "llmos.sqlite3"

    @property
    def secret_key(self) -> Path:
        return self.root / "secret.key"

    @property
    def keys(self) -> Path:
        """What signs receipts, and the public halves of what did before."""
        return self.root / "keys"

    @property
    def lock(self) -> Path:
        """Held by the running `llmos up`; it makes a second start refusable."""
        return self.root / "llmos.lock"

    @property
    def git(self) -> Path:
        """Bare repositories, `git/<two hex digits>/<id>.git`."""
        return self.root / "git"

    @property
    def blobs(self) -> Path:
        """Whole large files by sha256, `blobs/<aa>/<sha256>`."""
        return self.root / "blobs"

    @property
    def xorbs(self) -> Path:
        """Xet blocks by hash, `xorbs/<aa>/<hash>`."""
        return self.root / "xorbs"

    @property
    def attachments(self) -> Path:
        """Pictures and files of posts by their rows' ids, `attachments/<aa>/<id>`."""
        return self.root / "attachments"

    @property
    def uploads(self) -> Path:
        """Bodies in transit; whatever lies here at start belongs to nobody."""
        return self.root / "uploads"

    @property
    def search(self) -> Path:
        return self.root / "search"

    @property
    def media(self) -> Path:
        """Avatars and other small public pictures."""
        return self.root / "media"

    @property
    def exports(self) -> Path:
        """Archives of their data that members asked for, until they fetch them."""
        return self.root / "exports"

    @property
    def run(self) -> Path:
        """Sockets and process ids of the running hub."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        return self.root / "logs"


def home_from_environment() -> Home:
    """The home that `LLMOS_HOME` names, else `~/.llmos`."""
    return Home(Path(os.environ.get(HOME_VARIABLE) or Path.home() / ".llmos").absolute())
