"""Settings of the first content: `[first_content]`."""

from dataclasses import dataclass
from typing import ClassVar

from llmos.kit.config import Section, setting


@dataclass(frozen=True)
class FirstContentSettings(Section):
    section: ClassVar[str] = "first_content"
    minutes: float = setting(2.0, "how long a new hub trains its first model; 0 makes none")
