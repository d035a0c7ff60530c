"""How large the pictures of a repository are, so that a page keeps their place before they come."""

from dataclasses import dataclass
from urllib.parse import unquote

import imagesize

from llmos.hub.git import tree
from llmos.hub.snapshots import open_entry

LARGEST = 4 * 2**20  # bytes in git, of which a blob is always read whole; LFS and Xet need no limit


@dataclass(frozen=True, slots=True)
class Measure:
    """Width and height of a picture at an address that begins with `raw`, from its first bytes."""

    repository_id: int
    sha: str
    raw: str

    def __call__(self, address: str) -> tuple[int, int] | None:
        if not address.startswith(self.raw):
            return None
        path = unquote(address.removeprefix(self.raw).partition("?")[0])
        found = tree.entries_at(self.repository_id, self.sha, [path])
        if not found or found[0].type != "file" or found[0].stored_size > LARGEST:
            return None
        try:
            with open_entry(self.repository_id, found[0]) as file:
                width, height = imagesize.get(file)
        except OSError:  # the bytes that a pointer names were never sent
            return None
        return (width, height) if width > 0 and height > 0 else None
