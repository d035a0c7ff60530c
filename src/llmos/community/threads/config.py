"""Settings of what members write."""

from dataclasses import dataclass
from typing import ClassVar

from llmos.kit.config import Section, setting


@dataclass(frozen=True)
class CommunitySettings(Section):
    section: ClassVar[str] = "community"
    attachment_limit: int = setting(
        10 * 2**20, "bytes of one picture or file in a post; 0 allows none"
    )
