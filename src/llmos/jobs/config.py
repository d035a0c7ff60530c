"""Settings of the queue: `[jobs]`."""

from dataclasses import dataclass
from typing import ClassVar

from llmos.kit.config import Section, setting


@dataclass(frozen=True)
class JobsSettings(Section):
    section: ClassVar[str] = "jobs"
    executor: str = setting("local", "where jobs run: local, on this machine")
    hub_url: str = setting("", "address under which jobs reach this hub; empty: as members do")
    cores: int = setting(0, "cores that jobs may use at once on this machine; 0 means all")
    memory_mb: int = setting(0, "memory one job may use; 0 means three quarters of the machine's")
    hours: int = setting(24, "longest run of one job")
    attempts: int = setting(3, "how often a job is started again when what ran it was lost")
    queue: int = setting(20, "jobs of one namespace that may wait")
    spenders: list[str] = setting(  # noqa: RUF009  # it makes a field, no default
        ["everyone"], "who may start jobs: everyone, administrators, or names of members"
    )
    artefact_mb: int = setting(64, "largest file that a job may leave with the hub")
