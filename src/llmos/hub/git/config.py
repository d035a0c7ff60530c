"""Limits of what git may carry and cost."""

from dataclasses import dataclass
from typing import ClassVar

from llmos.kit.config import Section, setting


@dataclass(frozen=True)
class GitSettings(Section):
    section: ClassVar[str] = "git"
    largest_regular_file: int = setting(
        10 * 2**20, "bytes; a larger file must travel through LFS or Xet"
    )
    largest_push: int = setting(4 * 2**30, "bytes of one pushed pack, large files not counted")
    transfers_at_once: int = setting(16, "clones, fetches and pushes served at the same time")
    transfer_seconds: int = setting(3600, "the longest that one clone, fetch or push may take")
